"""Login with another provider's account: OpenID Connect's authorization code flow with PKCE; needs the extra `oidc`.

One random secret in a cookie ties the answer to the browser that asked: `state`, `nonce` and the PKCE verifier are all
made of it, so nothing is stored here in between.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx2
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from pydantic import BaseModel, TypeAdapter, ValidationError

from app.accounts.settings import LOOPBACK, OIDCSettings
from app.errors import AppError, ConfigurationError, Unauthorized
from app.mail import Address

SECONDS = 10.0
ALGORITHMS = ["RS256", "ES256"]  # never what the token itself would like
LEEWAY = 60  # seconds that the provider's clock may differ
ADDRESS = TypeAdapter(Address)


class ProviderUnavailable(AppError):
    """The provider of a login does not answer as the standard says."""

    status = 503
    title = "Login provider unavailable"


class Discovery(BaseModel):
    """What a provider says about itself at /.well-known/openid-configuration."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


@dataclass(frozen=True)
class Identity:
    """Whom the provider vouches for."""

    email: str
    name: str


class Provider:
    """One OpenID Connect provider."""

    def __init__(self, settings: OIDCSettings, redirect_uri: str, network: httpx2.BaseTransport | None = None) -> None:
        """`redirect_uri` is where the provider sends browsers back to; tests bring a `network` of their own.

        Raises:
            ConfigurationError: an issuer without HTTPS, or no client.
        """
        address = urlsplit(settings.issuer)
        if address.scheme != "https" and address.hostname not in LOOPBACK:
            raise ConfigurationError("APP_OIDC__ISSUER does not begin with https://.", "Correct it.")
        if not settings.client_id or settings.client_secret is None:
            raise ConfigurationError(
                "APP_OIDC__ISSUER is set without a client.", "Set APP_OIDC__CLIENT_ID and APP_OIDC__CLIENT_SECRET."
            )
        self._issuer = settings.issuer
        self._client = settings.client_id, settings.client_secret.get_secret_value()
        self._redirect_uri = redirect_uri
        self._http = httpx2.Client(timeout=SECONDS, transport=network)
        self._known: Discovery | None = None

    def address(self, secret: str) -> str:
        """Where the browser that keeps `secret` asks the provider.

        Raises:
            ProviderUnavailable: the provider does not answer as it should.
        """
        question = {
            "response_type": "code",
            "client_id": self._client[0],
            "redirect_uri": self._redirect_uri,
            "scope": "openid email profile",
            "state": derived(secret, "state"),
            "nonce": derived(secret, "nonce"),
            "code_challenge": _challenge(derived(secret, "verifier")),
            "code_challenge_method": "S256",
        }
        return f"{self._discovery().authorization_endpoint}?{urlencode(question)}"

    def identity(self, secret: str, state: str, code: str) -> Identity:
        """Whom the provider vouches for, by the code that it gave the browser that keeps `secret`.

        Raises:
            Unauthorized: the answer belongs to another browser, is forged or too old, or the address is not proved.
            ProviderUnavailable: the provider does not answer as it should.
        """
        if not hmac.compare_digest(state.encode(), derived(secret, "state").encode()):
            raise Unauthorized("This login was begun in another browser.", "Begin again.")
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self._redirect_uri}
        form["code_verifier"] = derived(secret, "verifier")
        response = self._ask("POST", self._discovery().token_endpoint, data=form, auth=self._client)
        return self._vouched(str(response.get("id_token", "")), derived(secret, "nonce"))

    def _vouched(self, token: str, nonce: str) -> Identity:
        rules = jwt.JWTClaimsRegistry(
            leeway=LEEWAY,
            iss={"essential": True, "value": self._issuer},
            aud={"essential": True, "value": self._client[0]},
            nonce={"essential": True, "value": nonce},
            exp={"essential": True},
        )
        keys = self._ask("GET", self._discovery().jwks_uri)
        try:
            claims = jwt.decode(token, KeySet.import_key_set(keys), algorithms=ALGORITHMS).claims  # type: ignore[arg-type]
            rules.validate(claims)
            email = ADDRESS.validate_python(claims.get("email"))
        except (JoseError, ValidationError, ValueError, KeyError) as error:
            raise Unauthorized(f"The provider's answer is not valid: {type(error).__name__}.", "Begin again.") from None
        if claims.get("email_verified") is not True:
            raise Unauthorized("The provider has not proved this e-mail address.", "Confirm it there first.")
        name = "".join(filter(str.isprintable, str(claims.get("name") or "")))
        return Identity(email, name[:100] or email.partition("@")[0])

    def _discovery(self) -> Discovery:
        if self._known is None:
            found = self._ask("GET", f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
            try:
                known = Discovery.model_validate(found)
            except ValidationError:
                raise ProviderUnavailable("The provider does not say where to log in.", "Try again later.") from None
            if known.issuer != self._issuer:
                raise ProviderUnavailable("The provider says that it is another one.", "Check APP_OIDC__ISSUER.")
            self._known = known
        return self._known

    def _ask(self, method: str, url: str, **content: Any) -> dict[str, Any]:  # noqa: ANN401 - handed on
        try:
            response = self._http.request(method, url, **content)
            body = response.json() if response.is_success else None
        except (httpx2.HTTPError, ValueError):
            body = None
        if not isinstance(body, dict):
            raise ProviderUnavailable("The login provider does not answer as it should.", "Begin again in a moment.")
        return body


def derived(secret: str, purpose: str) -> str:
    """A value of its own for each purpose: 64 hexadecimal digits that tell nothing of the secret or of each other."""
    return hmac.new(secret.encode(), purpose.encode(), hashlib.sha256).hexdigest()


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
