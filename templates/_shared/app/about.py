"""Who this service says it is: name and description come from `about.json`, written when the project was made."""

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydantic import TypeAdapter


@dataclass(frozen=True)
class About:
    """The project's identity as shown on its pages, in its API schema and in its telemetry.

    `product` is what the tenants of a SaaS get; the other projects have none.
    """

    name: str
    slug: str
    description: str
    template: str
    product: str = ""

    @property
    def version(self) -> str:
        """The installed version, or `0` when the project runs from an unpacked folder."""
        try:
            return version(self.slug)
        except PackageNotFoundError:
            return "0"


ABOUT = TypeAdapter(About).validate_json(Path(__file__).with_name("about.json").read_bytes())
