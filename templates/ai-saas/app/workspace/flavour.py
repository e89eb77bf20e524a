"""What a product has to bring: the contract between the workspace and the one flavour that this project was made with.

A flavour is a package `app/<name>/` whose module `flavour` exports `FLAVOUR`. `app/about.json` names it.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING

import sqlalchemy as sa
from fastapi import APIRouter

from app.about import ABOUT
from app.ingestion import parsing
from app.ingestion.sections import Section
from app.tenancy.scope import Role

if TYPE_CHECKING:
    from app.workspace.rooms import Workspace

Reader = Callable[[str, bytes], list[Section]]


@dataclass(frozen=True)
class Offer:
    """One thing that the product does for its customer, as the landing page says it."""

    title: str
    text: str


@dataclass(frozen=True)
class Tool:
    """A page of the workspace beside documents and chat.

    `show` turns what the page's form sent (nothing at the first visit) into what the page's piece `template`, below
    `app/web/templates/`, reads as `content`. `name` stands in addresses, so it is a word of a-z and hyphens.

    Who may use it: a viewer where it only reads, which includes asking; a `MEMBER` (`role`) where its form changes what
    the organisation keeps. `links` are the fields that an address may carry, so they must change nothing. `receive`
    takes a file that a form of the page sends to `…/files` with a `name`; it is for members.
    """

    name: str
    title: str
    text: str
    template: str
    show: "Callable[[Workspace, Mapping[str, str]], Awaitable[Mapping[str, object]]]"
    role: Role = Role.VIEWER
    links: tuple[str, ...] = ()
    receive: "Callable[[Workspace, str, bytes], Awaitable[object]] | None" = None


@dataclass(frozen=True)
class Flavour:
    """A product on top of the workspace.

    `prompt` answers in the chat, `questions` are good first ones about the samples, `notice` stands below every answer.
    `router` holds the calls below `/v1/organisations/{organisation}`. `readers` read further kinds of files, or known
    ones in another way, by suffix. `tables` are kept per organisation, like its documents.
    """

    name: str
    title: str
    tagline: str
    offers: tuple[Offer, ...]
    questions: tuple[str, ...]
    prompt: str
    router: APIRouter
    tools: tuple[Tool, ...]
    notice: str = ""
    readers: Mapping[str, Reader] = field(default_factory=dict)
    tables: tuple[sa.Table, ...] = ()

    @property
    def samples(self) -> Path:
        """The folder of the documents that demo, onboarding and evaluation read."""
        return Path("samples") / self.name

    @property
    def suite(self) -> str:
        """Where the golden cases' suite is; imported only by `app eval`."""
        return suite_of(self.name)


def suite_of(product: str) -> str:
    """Where a product's suite is."""
    return f"app.{product}.evaluation:SUITE"


@cache
def chosen() -> Flavour:
    """The flavour of this project; from the first call on its readers read documents."""
    flavour: Flavour = resolve_name(f"app.{ABOUT.product}.flavour:FLAVOUR")
    parsing.PARSERS.update(flavour.readers)
    return flavour
