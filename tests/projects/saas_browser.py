"""What a customer of the SaaS does in a browser: sign up by e-mail, upload, ask."""

import re
from email import message_from_bytes, policy

from playwright.sync_api import BrowserContext, Page, expect

from .saas_customer import PASSWORD
from .served_project import Project
from .watched_browser import Watch

PATIENCE_MS = 30_000


def opened(context: BrowserContext, watch: Watch, path: str) -> Page:
    """A watched page at `path`."""
    page = context.new_page()
    watch.attach(page)
    page.goto(path)
    return page


def link_to(page: Page, project: Project, email: str) -> str:
    """The path of the link in the newest e-mail to this address; it is sent after the answer has gone out."""
    for _ in range(PATIENCE_MS // 100):
        files = sorted(project.folder.glob("var/outbox/*.eml"), key=lambda file: file.stat().st_mtime_ns)
        mails = [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]
        if mine := [mail for mail in mails if mail["To"] == email]:
            break
        page.wait_for_timeout(100)
    text = mine[-1].get_content()
    found = re.search(r"https?://[^/\s]+(/\S+)", text)
    assert found, text
    return found[1]


def sign_up(page: Page, project: Project, email: str, organisation: str) -> None:
    """The whole way from the landing page into an organisation of one's own."""
    page.goto("/")
    page.get_by_role("link", name="Start free").first.click()
    page.get_by_label("Your name").fill("Mina Holm")
    page.get_by_label("Work e-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create the account").click()
    expect(page.get_by_role("heading", name="Check your mailbox")).to_be_visible()
    page.goto(link_to(page, project, email))
    page.get_by_role("button", name="Confirm my address").click()
    page.get_by_role("main").get_by_role("link", name="Log in").click()
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_label("Name of the organisation").fill(organisation)
    page.get_by_role("button", name="Create the organisation").click()
    expect(page.get_by_role("heading", name="Get started")).to_be_visible()


def root_of(page: Page) -> str:
    """The path that the pages of the organisation in view begin with."""
    found = re.search(r"/o/[0-9a-f]{16}", page.url)
    assert found, page.url
    return found[0]


def upload(page: Page, name: str, content: bytes) -> None:
    """Send a document and wait until it can be asked about."""
    page.goto(f"{root_of(page)}/documents")
    page.get_by_label("Add documents").set_input_files({"name": name, "mimeType": "text/plain", "buffer": content})
    page.get_by_role("button", name="Upload").click()
    row = page.get_by_role("row", name=name)
    expect(row.get_by_text("Ready")).to_be_visible(timeout=PATIENCE_MS)


def ask(page: Page, question: str) -> None:
    """Ask like a reader with a keyboard, and wait for the finished answer."""
    page.goto(f"{root_of(page)}/ask")
    page.get_by_role("textbox", name="Question").fill(question)
    page.keyboard.press("Enter")
    expect(page.locator(".turn").last.locator("[data-part=foot]")).to_be_visible(timeout=PATIENCE_MS)
