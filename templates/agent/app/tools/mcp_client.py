"""Tools of MCP servers: listed at the start, called over a session of their own, never trusted."""

import asyncio
import os
import re
import threading
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.errors import ConfigurationError
from app.tools.ports import Outcome, Permission, Tool, ToolContext, ToolFailed

if TYPE_CHECKING:
    from mcp import Client  # imported where it is used: few projects have servers, and it takes half a second

START_SECONDS = 30.0  # for all servers together to say what they have
CALL_SECONDS = 60.0
MAX_TOOLS = 50  # of one server
VARIABLE = re.compile(r"\$\{(\w+)\}")

log = structlog.get_logger()


class Server(BaseModel, extra="forbid"):
    """One entry of the file: a program to start, or an address. `permission` holds for all its tools."""

    command: str = ""
    args: list[str] = []
    env: dict[str, str] = Field({}, description="`${NAME}` is read from this process's environment")
    url: str = ""
    permission: Literal["read", "write", "act"] = "act"  # what it does is not known, so a person is asked


class Servers(BaseModel):
    """The file, in the form that other MCP clients use too."""

    servers: dict[str, Server] = Field(alias="mcpServers")


def mcp_tools(file: Path | None) -> list[Tool]:
    """The tools of all servers in `file`; a server that does not answer is left out and logged.

    Raises:
        ConfigurationError: the file cannot be read.
    """
    servers = _read(file) if file else {}
    found: list[Tool] = []
    if servers:
        # A thread of its own, because the caller may or may not be inside an event loop.
        thread = threading.Thread(target=lambda: found.extend(asyncio.run(_discover(servers))))
        thread.start()
        thread.join()
    return found


def _read(file: Path) -> Mapping[str, Server]:
    try:
        servers = Servers.model_validate_json(file.read_bytes()).servers
    except (OSError, ValidationError) as error:
        raise ConfigurationError(
            f"The MCP servers in {str(file)!r} cannot be read: {error}.", "Check APP_MCP__SERVERS."
        ) from None
    for name, server in servers.items():
        if not re.fullmatch(r"[a-z0-9_-]{1,30}", name) or bool(server.command) == bool(server.url):
            raise ConfigurationError(
                f"The MCP server {name!r} does not fit.", "Give it a short name, and command or url."
            )
    return servers


async def _discover(servers: Mapping[str, Server]) -> list[Tool]:
    found = await asyncio.gather(*(_tools_of(name, server) for name, server in servers.items()))
    return [tool for tools in found for tool in tools]


async def _tools_of(name: str, server: Server) -> list[Tool]:
    try:
        async with asyncio.timeout(START_SECONDS), _session(server) as client:
            offered = (await client.list_tools()).tools[:MAX_TOOLS]
    except Exception as error:  # noqa: BLE001 - another program's failure must not stop this one
        log.warning("MCP server left out", server=name, error=repr(error))
        return []
    return [
        Tool(
            "mcp_" + re.sub(r"[^A-Za-z0-9_]", "_", f"{name}_{tool.name}")[:56],
            (tool.description or tool.name)[:1000],
            Permission[server.permission.upper()],
            _arguments(tool.input_schema),
            RemoteTool(server, tool.name).call,
            seconds=CALL_SECONDS,
            trusted=False,
        )
        for tool in offered
    ]


class RemoteTool:
    """One tool of one server. Each call has a session of its own, so a server that hangs harms one call only."""

    def __init__(self, server: Server, name: str) -> None:
        self._server = server
        self._name = name

    async def call(self, arguments: BaseModel, context: ToolContext) -> Outcome:
        """The texts of the server's answer; pictures and other data are left out.

        Raises:
            ToolFailed: the server says that it failed.
        """
        async with _session(self._server) as client:
            result = await client.call_tool(self._name, arguments.model_dump())
        text = "\n".join(part.text for part in result.content if part.type == "text")
        if result.is_error:
            raise ToolFailed(f"The server says: {text[:2000]}")
        return Outcome(text or "The server answered without words.")


def _session(server: Server) -> "AbstractAsyncContextManager[Client]":
    from mcp import Client, StdioServerParameters

    if server.url:
        return Client(server.url, read_timeout_seconds=CALL_SECONDS)
    env = {name: VARIABLE.sub(lambda match: os.environ.get(match[1], ""), text) for name, text in server.env.items()}
    program = StdioServerParameters(command=server.command, args=server.args, env=env)
    return Client(program, read_timeout_seconds=CALL_SECONDS)


def _arguments(schema: Mapping[str, Any]) -> type[BaseModel]:
    """A model that takes any arguments and shows the server's own schema; the server checks them."""

    def show(own: dict[str, Any]) -> None:
        own.clear()
        own.update(schema)

    class Arguments(BaseModel):
        """Whatever the server's schema says."""

        model_config = ConfigDict(extra="allow", json_schema_extra=show)

    return Arguments
