"""The settings that only this project has: how the agent works, what it may reach, and where its files are."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, SecretStr
from pydantic_settings import BaseSettings

PatternName = Literal["single", "sequential", "parallel", "coordinator"]


class AgentSettings(BaseModel):
    """How a run is worked on and when it stops. Time that it waits for a person does not count."""

    pattern: PatternName = Field("single", description="`single`, `sequential`, `parallel` or `coordinator`")
    approval_from: Literal["read", "write", "act", "never"] = Field(
        "act", description="permission level from which a person is asked before a tool is called"
    )
    max_steps: int = Field(40, ge=2, le=500, description="most model calls of one run")
    deadline_seconds: float = Field(600, gt=0, description="longest work on one run, in seconds")
    max_usd: float = Field(0, ge=0, description="most US dollars of one run at list price; 0 means no limit")
    replans: int = Field(2, ge=0, le=10, description="how often a run may plan again after a step failed")
    window_tokens: int = Field(12_000, ge=500, description="conversation of one agent; what is older is condensed")
    tool_output_characters: int = Field(8_000, ge=200, description="longest result of a tool that the model reads")
    folder: Path = Field(Path("var/runs"), description="where each run has a folder for the files it makes")


class MailSettings(BaseModel):
    """How e-mail leaves; without a host it stays in a folder."""

    host: str = Field("", description="SMTP server; empty writes e-mails into the outbox folder instead")
    port: int = Field(587, ge=1, le=65535, description="its port; STARTTLS is required except on the loopback")
    user: str = Field("", description="user name, where the server wants one")
    password: SecretStr | None = Field(None, description="password of that user")
    sender: str = Field("agent@localhost", description="address that e-mails come from")
    outbox: Path = Field(Path("var/outbox"), description="folder of e-mails that were not sent by a server")


class FetchSettings(BaseModel):
    """Which pages the agent may read."""

    allowed_hosts: list[str] = Field([], description="hosts that may be read, as a JSON list; none by default")


class MCPSettings(BaseModel):
    """Tools of other programs, by the Model Context Protocol."""

    servers: Path | None = Field(None, description="JSON file with the MCP servers whose tools the agent may use")


class SalesSettings(BaseModel):
    """The sample sales database."""

    database: Path = Field(Path("var/sales.db"), description="SQLite file, opened for reading only")


class ProductSettings(BaseSettings):
    """This project's groups; `app.settings` puts the shared ones beside them."""

    agent: AgentSettings = AgentSettings.model_validate({})
    mail: MailSettings = MailSettings.model_validate({})
    fetch: FetchSettings = FetchSettings.model_validate({})
    mcp: MCPSettings = MCPSettings.model_validate({})
    sales: SalesSettings = SalesSettings.model_validate({})
