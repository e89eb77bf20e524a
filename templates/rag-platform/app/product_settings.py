"""The settings that only this project has: conversations and how documents are cut."""

from pydantic import BaseModel, Field
from pydantic_settings import BaseSettings


class AnsweringSettings(BaseModel):
    """How a conversation shapes the next question, and how long it is kept."""

    rewrite: bool = Field(True, description="make follow-up questions complete before searching")
    history_tokens: int = Field(1000, ge=0, description="budget for earlier turns; the oldest are left out first")
    keep_days: int = Field(90, ge=0, description="days after which a turn of a conversation is forgotten; 0: never")


class IngestionSettings(BaseModel):
    """How documents are cut and which are refused."""

    chunk_min: int = Field(500, ge=100, description="smallest chunk to aim at, in characters")
    chunk_max: int = Field(1000, ge=200, description="largest chunk, in characters")
    max_document_bytes: int = Field(10_000_000, ge=1, description="larger documents are refused, in bytes")


class ProductSettings(BaseSettings):
    """This project's groups; `app.settings` puts the shared ones beside them."""

    answering: AnsweringSettings = AnsweringSettings.model_validate({})
    ingestion: IngestionSettings = IngestionSettings.model_validate({})
