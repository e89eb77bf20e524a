"""The settings that only this project has: accounts, e-mail, billing, conversations and how documents are cut."""

from pydantic import Field
from pydantic_settings import BaseSettings

from app.accounts.settings import AccountSettings, MailSettings, OIDCSettings
from app.answering.settings import AnsweringSettings
from app.billing.settings import BillingSettings
from app.ingestion.settings import IngestionSettings


class ProductSettings(BaseSettings):
    """This project's groups; `app.settings` puts the shared ones beside them."""

    accounts: AccountSettings = AccountSettings.model_validate({})
    mail: MailSettings = MailSettings.model_validate({})
    oidc: OIDCSettings = OIDCSettings.model_validate({})
    billing: BillingSettings = BillingSettings.model_validate({})
    answering: AnsweringSettings = AnsweringSettings.model_validate({})
    ingestion: IngestionSettings = IngestionSettings.model_validate({})
    operators: list[str] = Field([], description="e-mail addresses of who runs the service, as a JSON list")
