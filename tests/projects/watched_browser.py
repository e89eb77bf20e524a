"""A headless Chromium, what a reader does in it, and a watch on what a page must never do."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = os.environ.get("SHIPFOLIO_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), "")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]

needs_chromium = pytest.mark.skipif(
    not CHROMIUM, reason="PAGE NOT CHECKED: needs Chromium on PATH (apt-get install chromium) or SHIPFOLIO_CHROMIUM"
)


@dataclass
class Watch:
    """What one page did that has to be explained."""

    origin: str
    left_the_machine: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)

    def attach(self, page: Page) -> None:
        """Start listening."""
        page.on("request", self._request)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.errors.append(f"uncaught: {error}"))

    def explain(self, part: str) -> None:
        """Require that an error with this text was seen, and forgive it."""
        seen = [error for error in self.errors if part in error]
        assert seen, f"expected an error with {part!r}, saw {self.errors}"
        self.errors = [error for error in self.errors if part not in error]

    def require_calm(self) -> None:
        """Fail on everything that was not explained."""
        assert self.left_the_machine == []
        assert self.errors == []

    def _request(self, request: Request) -> None:
        self.addresses.append(request.url)
        if not request.url.startswith((f"{self.origin}/", f"blob:{self.origin}/", "data:")):
            self.left_the_machine.append(request.url)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(message.text)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser for a whole test run."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


def ask(page: Page, question: str) -> None:
    """Ask like a reader with a mouse, and wait for the finished answer."""
    page.get_by_label("Question").fill(question)
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator(".turn").last.get_by_role("heading", name=question)).to_be_visible()
    expect(page.locator(".turn").last.get_by_role("button", name="Not helpful")).to_be_visible()


def upload(page: Page, name: str, content: bytes) -> None:
    """Choose a file and send it."""
    page.get_by_label("Add documents").set_input_files({"name": name, "mimeType": "text/plain", "buffer": content})
    page.get_by_role("button", name="Add", exact=True).click()


def tab_to(page: Page, selector: str, key: str = "Tab", limit: int = 30) -> None:
    """Press Tab until an element of this selector has the focus, and require that one sees it."""
    for _ in range(limit):
        page.keyboard.press(key)
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
            return
    raise AssertionError(f"{selector} cannot be reached with {key}")


def accessibility_violations(page: Page) -> list[str]:
    """What axe-core finds wrong with the page as it stands, contrast included."""
    found = Axe().run(page).response["violations"]
    return [f"{violation['id']}: {[node['target'] for node in violation['nodes']]}" for violation in found]


def look(page: Page, folder: Path, name: str) -> None:
    """Keep a picture of the whole page, for a person."""
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / f"{name}.png", full_page=True)
