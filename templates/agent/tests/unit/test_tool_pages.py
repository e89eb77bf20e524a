"""Pages come from allowed public hosts only, whatever names, redirects and servers try."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx2
import pytest

from app.tools import pages, toolbox
from app.tools.pages import MAX_BYTES, PageReader
from app.tools.ports import ToolResult
from tests.unit.tool_calls import use

HOST, PUBLIC = "docs.example.com", "93.184.215.14"
PRIVATE = (
    "127.0.0.1 127.8.8.8 10.1.2.3 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0 224.0.0.1 255.255.255.255 "
    "198.18.0.1 ::1 :: fe80::1 fe80::1%eth0 fc00::1 ff02::1 ::ffff:127.0.0.1 ::ffff:169.254.169.254 2002:7f00:1::"
).split()
PAGE = """<html><head><title>T</title><script>var a = 1</script></head>
<body><h1>Hello</h1><p>First &amp; second<br>line</p><style>p{}</style></body></html>"""

Answer = Callable[[httpx2.Request], httpx2.Response]


def page(text: str = PAGE, status: int = 200, kind: str = "text/html; charset=utf-8", **headers: str) -> Answer:
    return lambda request: httpx2.Response(status, content=text.encode(), headers={"content-type": kind, **headers})


def fetch(folder: Path, url: str, answer: Answer = page(), addresses: Sequence[str] = (PUBLIC,)) -> ToolResult:  # noqa: B008
    async def resolve(host: str) -> Sequence[str]:
        return addresses

    reader = PageReader([HOST, "127.0.0.1", "localhost"], resolve, httpx2.MockTransport(answer))
    return use(reader.tool(), folder, {"url": url})


def never(request: httpx2.Request) -> httpx2.Response:
    raise AssertionError(f"connected to {request.url}")


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolbox, "BACK_OFF_SECONDS", 0.0)


def test_the_words_of_a_page_without_its_machinery(tmp_path: Path) -> None:
    result = fetch(tmp_path, f"https://{HOST}/a")
    assert result.ok
    assert result.text == "<untrusted>Hello\nFirst &amp; second\nline</untrusted>"


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/",
        f"https://{HOST}.evil.example/",
        f"https://evil.example/{HOST}",
        f"https://{HOST}@evil.example/",
        f"https://user:secret@{HOST}/",
        f"https://{HOST}:8443/",
        f"ftp://{HOST}/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "//docs.example.com/",
        "docs.example.com",
        "https://",
        "https://[::1]/",
        "https://0x7f000001/",
        "http://2130706433/",
        "",
        "https://xn--/",
    ],
)
def test_anything_but_a_plain_address_of_an_allowed_host_is_refused(tmp_path: Path, url: str) -> None:
    assert not fetch(tmp_path, url, never).ok


@pytest.mark.parametrize("address", PRIVATE)
def test_a_name_with_a_private_address_is_not_read(tmp_path: Path, address: str) -> None:
    result = fetch(tmp_path, f"https://{HOST}/", never, [PUBLIC, address])
    assert not result.ok
    assert "private address" in result.text


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "http://localhost/"])
def test_an_allowed_host_may_still_not_be_this_machine(tmp_path: Path, url: str) -> None:
    assert "private address" in fetch(tmp_path, url, never, ["127.0.0.1"]).text


def test_a_name_that_changes_its_address_gains_nothing(tmp_path: Path) -> None:
    asked: list[str] = []
    connected: list[tuple[str, str, object]] = []

    async def rebinding(host: str) -> Sequence[str]:
        asked.append(host)
        return [PUBLIC] if len(asked) == 1 else ["127.0.0.1"]

    def answer(request: httpx2.Request) -> httpx2.Response:
        connected.append((request.url.host, request.headers["host"], request.extensions["sni_hostname"]))
        return page()(request)

    reader = PageReader([HOST], rebinding, httpx2.MockTransport(answer))
    assert use(reader.tool(), tmp_path, {"url": f"https://{HOST}/"}).ok
    assert connected == [(PUBLIC, HOST, HOST)]
    assert asked == [HOST]


def test_a_redirect_within_the_host_is_followed(tmp_path: Path) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        return page()(request) if request.url.path == "/b" else page(status=302, location="/b")(request)

    assert "Hello" in fetch(tmp_path, f"https://{HOST}/a", answer).text


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("https://evil.example/", "not allowed"),
        ("http://169.254.169.254/latest/meta-data/", "not allowed"),
        ("//evil.example/", "not allowed"),
        ("file:///etc/passwd", "no plain http"),
        (f"https://{HOST}:22/", "no plain http"),
        ("/again", "redirects more than 3 times"),
    ],
)
def test_a_redirect_out_is_not_followed(tmp_path: Path, target: str, words: str) -> None:
    seen: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.headers["host"])
        return page(status=302, location=target)(request)

    result = fetch(tmp_path, f"https://{HOST}/", answer)
    assert (result.ok, words in result.text) == (False, True)
    assert set(seen) == {HOST}


def test_the_target_of_a_redirect_is_resolved_and_checked_too(tmp_path: Path) -> None:
    async def resolve(host: str) -> Sequence[str]:
        return [PUBLIC] if host == HOST else ["10.0.0.1"]

    transport = httpx2.MockTransport(page(status=302, location="https://intranet.example.com/"))
    reader = PageReader([HOST, "intranet.example.com"], resolve, transport)
    assert "private address" in use(reader.tool(), tmp_path, {"url": f"https://{HOST}/"}).text


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (page("x" * (MAX_BYTES + 1)), "larger than"),
        (page(kind="application/octet-stream"), "not text"),
        (page(kind=""), "unknown kind"),
        (page(status=404), "answered 404"),
        (page(status=503), "did not work: the server answered 503"),
        (page(status=302), "answered 302"),
    ],
)
def test_answers_that_are_no_page_are_told(tmp_path: Path, answer: Answer, words: str) -> None:
    result = fetch(tmp_path, f"https://{HOST}/", answer)
    assert (result.ok, words in result.text) == (False, True)


def test_a_server_that_cannot_be_reached_is_tried_again(tmp_path: Path) -> None:
    tries: list[int] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        tries.append(1)
        raise httpx2.ConnectError("no route")

    assert "docs.example.com cannot be reached" in fetch(tmp_path, f"https://{HOST}/", answer).text
    assert len(tries) == 2


def test_a_name_without_an_address_is_told(tmp_path: Path) -> None:
    async def unknown(host: str) -> Sequence[str]:
        raise OSError("Name or service not known")

    reader = PageReader([HOST], unknown)
    assert "Name or service not known" in use(reader.tool(), tmp_path, {"url": f"https://{HOST}/"}).text


def test_names_are_resolved_by_the_system() -> None:
    assert "127.0.0.1" in asyncio.run(pages.resolve("127.0.0.1"))


def test_broken_markup_still_gives_words(tmp_path: Path) -> None:
    broken = "<p>One<script>x</p><b>two</b></script><p>Three<svg><text>no</svg> four<style>unclosed"
    assert fetch(tmp_path, f"https://{HOST}/", page(broken)).text == "<untrusted>One\nThree four</untrusted>"
