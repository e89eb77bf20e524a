"""How answers are written: this room's group of settings."""

from pydantic import BaseModel, Field


class AnsweringSettings(BaseModel):
    """How a conversation shapes the next question, and how long it is kept."""

    rewrite: bool = Field(True, description="make follow-up questions complete before searching")
    history_tokens: int = Field(1000, ge=0, description="budget for earlier turns; the oldest are left out first")
    keep_days: int = Field(90, ge=0, description="days after which a turn of a conversation is forgotten; 0: never")
