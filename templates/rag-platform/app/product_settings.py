"""The settings that only this project has: conversations and how documents are cut."""

from pydantic_settings import BaseSettings

from app.answering.settings import AnsweringSettings
from app.ingestion.settings import IngestionSettings


class ProductSettings(BaseSettings):
    """This project's groups; `app.settings` puts the shared ones beside them."""

    answering: AnsweringSettings = AnsweringSettings.model_validate({})
    ingestion: IngestionSettings = IngestionSettings.model_validate({})
