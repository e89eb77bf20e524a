"""Opens accounts and organisations on the service's database, and adds their calls to the application."""

from anyio import CapacityLimiter
from fastapi import FastAPI

from app.about import ABOUT
from app.accounts import routes as accounts
from app.accounts.letters import Letters
from app.accounts.lockout import Lockout
from app.accounts.sessions import Sessions
from app.accounts.users import Accounts
from app.billing.plans import load_plans
from app.billing.usage import Usage
from app.bootstrap import Platform
from app.errors import ConfigurationError
from app.mail import Mailer
from app.organisations import routes as organisations
from app.organisations.audit import Audit
from app.organisations.invitations import Invitations
from app.organisations.keys import OrganisationKeys
from app.organisations.members import Organisations
from app.tenancy.tenants import Tenants

HASHING_THREADS = 2  # passwords worked on at once, at 19 MiB each


def mount(app: FastAPI, platform: Platform, tenants: Tenants) -> None:
    """Add the calls on accounts and organisations; what they work with is in the application's state."""
    settings, engine, state = platform.settings, tenants.engine, app.state
    letters, lockout = Letters(ABOUT.name, settings.accounts.base_url), Lockout(engine)
    usage = Usage(engine, load_plans())
    state.hashing = CapacityLimiter(HASHING_THREADS)
    state.mailer = Mailer(settings.mail)
    state.lockout = lockout
    state.accounts = Accounts(engine, settings.accounts, letters, lockout, settings.operators)
    state.sessions = Sessions(engine, settings.accounts, state.accounts)
    state.organisations = Organisations(engine, settings.accounts, usage)
    state.invitations = Invitations(engine, settings.accounts, letters, usage)
    state.organisation_keys = OrganisationKeys(engine)
    state.audit = Audit(engine)
    for router in (accounts.router, organisations.router):
        app.include_router(router, prefix="/v1")
    if settings.oidc.issuer:
        _mount_oidc(app, platform)


def _mount_oidc(app: FastAPI, platform: Platform) -> None:
    try:
        from app.accounts import oidc_routes  # here, because few projects install what checks signatures
    except ImportError:
        raise ConfigurationError(
            "APP_OIDC__ISSUER is set, but the extra is missing.", "Run `uv sync --extra oidc`."
        ) from None
    oidc_routes.mount(app, platform)
