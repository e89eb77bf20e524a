"""The monthly price of the cloud's fixed parts, from infra/<cloud>/prices.yaml: `python -m delivery.cost`.

With `--write` the tables go into docs/cost.md, between its two marks. A month has 730 hours.
"""

import re
import sys
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict

Exact = Annotated[Decimal, BeforeValidator(str)]  # 0.1 as it is written, not as a binary fraction
UNITS_A_MONTH = {"second": Decimal(730 * 3600), "hour": Decimal(730), "month": Decimal(1)}
MARKS = ("<!-- infrastructure: written by `python -m delivery.cost --write` -->", "<!-- end of infrastructure -->")
PAGE = Path("docs/cost.md")


class Price(BaseModel):
    """A list price in US dollars for one unit: where it was read, and the date of that source."""

    model_config = ConfigDict(extra="forbid")

    usd: Exact
    per: Literal["second", "hour", "month"]
    of: str
    source: str
    dated: Annotated[str, BeforeValidator(str)]


class Part(BaseModel):
    """How much of a price each environment takes.

    `resource` is what Terraform (or Kubernetes) calls it, `stands` what must stand in those files for it to be true.
    """

    model_config = ConfigDict(extra="forbid")

    what: str
    price: str
    dev: Exact
    prod: Exact
    resource: str
    stands: list[str] = []


class Estimate(BaseModel):
    """The parts of one kind of deployment, and what is left out because it depends on use or has no price here."""

    model_config = ConfigDict(extra="forbid")

    parts: list[Part]
    left_out: list[str]


class PriceTable(BaseModel):
    """The prices of one cloud in one region."""

    model_config = ConfigDict(extra="forbid")

    region: str
    prices: dict[str, Price]
    serverless: Estimate
    kubernetes: Estimate


@dataclass(frozen=True)
class Line:
    """One part with its monthly price in each environment, in US dollars."""

    part: Part
    dev: Decimal
    prod: Decimal


def read(path: Path) -> PriceTable:
    """The price table of a cloud."""
    return PriceTable.model_validate(yaml.safe_load(path.read_text("utf-8")))


def lines(table: PriceTable, estimate: Estimate) -> list[Line]:
    """Every part times its price for a month."""
    found = []
    for part in estimate.parts:
        price = table.prices[part.price]
        month = price.usd * UNITS_A_MONTH[price.per]
        found.append(Line(part, part.dev * month, part.prod * month))
    return found


def markdown(table: PriceTable, deploy: str) -> str:
    """The tables for docs/cost.md."""
    estimate: Estimate = getattr(table, deploy)
    parts = lines(table, estimate)
    rows = [f"| {line.part.what} | {line.dev:.2f} | {line.prod:.2f} |" for line in parts]
    dev, prod = sum((line.dev for line in parts), Decimal()), sum((line.prod for line in parts), Decimal())
    used = {part.price: table.prices[part.price] for part in estimate.parts}
    prices = [f"| {p.of} | {p.usd.normalize():f} a {p.per} | {p.source} | {p.dated} |" for p in used.values()]
    return "\n".join(
        [
            f"US dollars a month at list prices of {table.region}, day and night, at the smallest number of copies:",
            "",
            "| part | dev | prod |",
            "|---|---|---|",
            *rows,
            f"| **together** | **{dev:.2f}** | **{prod:.2f}** |",
            "",
            "Left out: " + "; ".join(estimate.left_out) + ".",
            "",
            "| price of | US dollars | read in | its date |",
            "|---|---|---|---|",
            *prices,
        ]
    )


def present(root: Path = Path()) -> tuple[PriceTable, str]:
    """This project's price table and how it is deployed."""
    (path,) = root.glob("infra/*/prices.yaml")
    return read(path), "kubernetes" if (root / "deploy").is_dir() else "serverless"


def between_marks(page: str) -> str:
    """The part of the page that this module writes.

    Raises:
        ValueError: the page has lost its marks.
    """
    match = re.search(rf"{re.escape(MARKS[0])}\n(.*?)\n{re.escape(MARKS[1])}", page, re.DOTALL)
    if match is None:
        raise ValueError(f"{PAGE} needs the line {MARKS[0]!r} and after it {MARKS[1]!r}.")
    return match[1].strip("\n")


def main(arguments: list[str]) -> None:
    """Print the tables, or write them."""
    text = markdown(*present())
    if arguments == ["--write"]:
        page = PAGE.read_text("utf-8")
        PAGE.write_text(page.replace(between_marks(page), text), "utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main(sys.argv[1:])
