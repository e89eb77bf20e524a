"""`fetch_page`: the words of a page from an allowed host, never from an address inside a private network."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from html.parser import HTMLParser
from ipaddress import ip_address

import httpx2
from pydantic import BaseModel, Field

from app.tools.ports import Outcome, Permission, Tool, ToolContext, ToolFailed

MAX_BYTES = 2_000_000
MAX_REDIRECTS = 3
SECONDS = 15.0
PORTS = {"http": 80, "https": 443}
READABLE = ("text/html", "text/plain", "text/markdown", "application/json", "application/xhtml+xml")
SILENT = {"script", "style", "template", "noscript", "svg", "head"}  # what a reader of the page does not see
BLOCKS = {"p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "section", "article", "pre", "blockquote"}

Resolve = Callable[[str], Awaitable[Sequence[str]]]


class Page(BaseModel, extra="forbid"):
    """What to read."""

    url: str = Field(description="http or https address on an allowed host", max_length=2000)


async def resolve(host: str) -> Sequence[str]:
    """The IP addresses of a host."""
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


class PageReader:
    """Reads pages of `hosts`; each name is resolved once and the connection goes to the address that was checked."""

    def __init__(
        self, hosts: Sequence[str], resolve: Resolve = resolve, transport: httpx2.AsyncBaseTransport | None = None
    ) -> None:
        self._hosts = {host.lower().rstrip(".") for host in hosts}
        self._resolve = resolve
        self._transport = transport

    def tool(self) -> Tool:
        """The tool."""
        allowed = ", ".join(sorted(self._hosts)) or "none"
        return Tool(
            "fetch_page",
            f"Read a web page as plain text. Allowed hosts: {allowed}.",
            Permission.READ,
            Page,
            self.fetch,
            seconds=SECONDS,
            attempts=2,
            trusted=False,
        )

    async def fetch(self, page: Page, context: ToolContext) -> Outcome:
        """The words of the page; redirects are followed within the allowed hosts only."""
        # No proxy from the environment: it would resolve the name again, by itself.
        async with httpx2.AsyncClient(transport=self._transport, trust_env=False, timeout=SECONDS) as client:
            url = _parsed(page.url)
            for _ in range(MAX_REDIRECTS + 1):
                response, text = await self._get(client, url)
                if not response.has_redirect_location:
                    return Outcome(text)
                url = _parsed(str(url.join(response.headers["location"])))
        raise ToolFailed(f"{page.url[:200]!r} redirects more than {MAX_REDIRECTS} times.")

    async def _get(self, client: httpx2.AsyncClient, url: httpx2.URL) -> tuple[httpx2.Response, str]:
        """One answer and its words, without following a redirect.

        Raises:
            ToolFailed: the host is not allowed or private, or the answer is an error, too large or no text.
            OSError: the host cannot be reached or is ill.
        """
        address = await self._checked_address(url)
        request = client.build_request(
            "GET",
            url.copy_with(host=address),
            headers={"host": url.host, "accept": ", ".join(READABLE), "user-agent": "agent"},
            extensions={"sni_hostname": url.host},  # the certificate must still be the host's own
        )
        try:
            response = await client.send(request, stream=True, follow_redirects=False)
            try:
                return response, "" if response.has_redirect_location else _words(response, await _body(response))
            finally:
                await response.aclose()
        except httpx2.HTTPError as error:
            raise OSError(f"{url.host} cannot be reached: {type(error).__name__}") from None

    async def _checked_address(self, url: httpx2.URL) -> str:
        """The address to connect to; every address of the host must be public.

        Raises:
            ToolFailed: the host is not on the list, or has a private address.
        """
        if url.host not in self._hosts:
            allowed = ", ".join(sorted(self._hosts)) or "none"
            raise ToolFailed(f"The host {url.host!r} is not allowed.", f"Allowed hosts: {allowed}.")
        addresses = await self._resolve(url.host)
        if not addresses or not all(_public(address) for address in addresses):
            raise ToolFailed(f"The host {url.host!r} has a private address and is not read.")
        return addresses[0]


def _parsed(text: str) -> httpx2.URL:
    """The address in parts.

    Raises:
        ToolFailed: it is no plain http or https address.
    """
    try:
        url = httpx2.URL(text)
    except httpx2.InvalidURL:
        raise ToolFailed(f"{text[:200]!r} is no address of a page.") from None
    if url.scheme not in PORTS or url.userinfo or url.port not in (None, PORTS.get(url.scheme)):
        raise ToolFailed(f"{text[:200]!r} is no plain http or https address.", "No password, no other port.")
    return url


def _public(address: str) -> bool:
    ip = ip_address(address.partition("%")[0])
    mapped = getattr(ip, "ipv4_mapped", None) or getattr(ip, "sixtofour", None)
    return ip.is_global and not ip.is_multicast and (mapped is None or mapped.is_global)


async def _body(response: httpx2.Response) -> bytes:
    """The whole body.

    Raises:
        ToolFailed: more than MAX_BYTES, also when it only grows so large by unpacking.
    """
    body = bytearray()
    async for part in response.aiter_bytes(65_536):
        body += part
        if len(body) > MAX_BYTES:
            raise ToolFailed(f"The page is larger than {MAX_BYTES} bytes.")
    return bytes(body)


def _words(response: httpx2.Response, body: bytes) -> str:
    """What a reader of the page sees.

    Raises:
        ToolFailed: the server says no, or it is no text.
        OSError: the server is ill.
    """
    if response.is_server_error:
        raise OSError(f"the server answered {response.status_code}")
    if not response.is_success:
        raise ToolFailed(f"The server answered {response.status_code}.")
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in READABLE:
        raise ToolFailed(f"The page is {kind or 'of unknown kind'!r}, not text.")
    text = body.decode(response.charset_encoding or "utf-8", "replace")
    return _Reader.read(text) if "html" in kind else text


class _Reader(HTMLParser):
    """Collects the visible words of a page, one line per block."""

    def __init__(self) -> None:
        super().__init__()
        self._silent: list[str] = []
        self._parts: list[str] = []

    @classmethod
    def read(cls, page: str) -> str:
        """The page's words."""
        reader = cls()
        reader.feed(page)
        reader.close()
        lines = (" ".join(line.split()) for line in "".join(reader._parts).splitlines())
        return "\n".join(line for line in lines if line)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in SILENT:
            self._silent.append(tag)
        elif tag in BLOCKS:
            self._parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._silent:
            del self._silent[self._silent.index(tag) :]

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._parts.append(data)
