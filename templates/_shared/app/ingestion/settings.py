"""How documents are read: this room's group of settings."""

from pydantic import BaseModel, Field


class IngestionSettings(BaseModel):
    """How documents are cut and which are refused."""

    chunk_min: int = Field(500, ge=100, description="smallest chunk to aim at, in characters")
    chunk_max: int = Field(1000, ge=200, description="largest chunk, in characters")
    max_document_bytes: int = Field(10_000_000, ge=1, description="larger documents are refused, in bytes")
