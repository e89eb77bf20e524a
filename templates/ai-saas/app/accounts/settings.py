"""How people log in and how e-mail leaves: this room's groups of settings."""

from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr

LOOPBACK = ("127.0.0.1", "localhost", "::1")


class AccountSettings(BaseModel):
    """How long sessions and links are good for, and the address that links in e-mails point to."""

    base_url: str = Field(
        "http://127.0.0.1:8000", pattern=r"^https?://[^/\s]+$", description="where browsers reach the service"
    )
    idle_hours: float = Field(12, gt=0, description="a session ends after so many hours without a call")
    session_days: float = Field(7, gt=0, description="a session ends after so many days, however busy")
    verify_hours: float = Field(24, gt=0, description="how long the link that proves an address is good for")
    reset_minutes: float = Field(30, gt=0, description="how long the link that sets a new password is good for")
    invitation_days: float = Field(7, gt=0, description="how long an invitation is good for")
    organisations: int = Field(5, ge=1, description="organisations that one person may own")

    @property
    def secure(self) -> bool:
        """Whether cookies travel over HTTPS alone: everywhere but on this machine itself."""
        return urlsplit(self.base_url).hostname not in LOOPBACK

    @property
    def idle(self) -> timedelta:
        """Longest pause of a session."""
        return timedelta(hours=self.idle_hours)

    @property
    def longest(self) -> timedelta:
        """Longest life of a session."""
        return timedelta(days=self.session_days)


class MailSettings(BaseModel):
    """How e-mail leaves; without a host it stays in a folder."""

    host: str = Field("", description="SMTP server; empty writes e-mails into the outbox folder instead")
    port: int = Field(587, ge=1, le=65535, description="its port; STARTTLS is required except on the loopback")
    user: str = Field("", description="user name, where the server wants one")
    password: SecretStr | None = Field(None, description="password of that user")
    sender: str = Field("hello@localhost", description="address that e-mails come from")
    outbox: Path = Field(Path("var/outbox"), description="folder of e-mails that were not sent by a server")


class OIDCSettings(BaseModel):
    """Login with another provider's account (OpenID Connect); needs the extra `oidc`. Empty: passwords alone."""

    issuer: str = Field("", description="the provider's address, such as https://accounts.example.com")
    client_id: str = Field("", description="the id that the provider gave this service")
    client_secret: SecretStr | None = Field(None, description="the secret that came with it")
