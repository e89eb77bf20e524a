"""A file that says what of the rubric counts how much."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, ValidationError

from shipfolio import untrusted_yaml
from shipfolio.check.rubric import LISTS, PASS_MARK, Rubric, known
from shipfolio.errors import UsageError


class Weights(BaseModel):
    """The keys of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pass_mark: float = Field(default=PASS_MARK, ge=0, le=100, description="Percent of the points that pass")
    weights: dict[str, NonNegativeFloat] = Field(
        default_factory=dict, description="Points per rule (EVD104) or per rule of a family (EVD); 0 leaves it out"
    )

    @property
    def rubric(self) -> Rubric:
        """What `check` scores with."""
        return Rubric(self.pass_mark, self.weights)


def load_rubric(path: Path) -> Rubric:
    """The rubric in a YAML file. Raises UsageError that names every wrong entry."""
    try:
        content = untrusted_yaml.load(path.read_text("utf-8"))
        stated = Weights.model_validate({} if content is None else content)
    except OSError as error:
        raise UsageError(f"cannot read the weights {str(path)!r}: {error.strerror}", "check --weights") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise UsageError(f"the weights {str(path)!r} are no YAML: {reason}", "mend the file") from None
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, p['loc']))}: {p['msg'].lower()}" for p in error.errors())
        raise UsageError(f"the weights {str(path)!r} are wrong: {problems}", LISTS) from None
    known(stated.weights, "the weights")
    return stated.rubric
