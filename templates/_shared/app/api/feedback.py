"""Readers' judgements of answers, kept with the trace they judge."""

from typing import Annotated, Literal

from anyio import to_thread
from fastapi import APIRouter
from pydantic import BaseModel, Field

from app.api.dependencies import PRINTABLE, PlatformDep

router = APIRouter(tags=["feedback"])


class Feedback(BaseModel):
    """Thumb up (1) or down (-1) for the answer with this trace id."""

    trace_id: Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
    rating: Literal[-1, 1]
    comment: Annotated[str, Field(max_length=2000, pattern=PRINTABLE)] = ""


@router.post("/feedback", status_code=204)
async def give_feedback(feedback: Feedback, platform: PlatformDep) -> None:
    """Keep a judgement; it becomes material for the golden set."""
    await to_thread.run_sync(platform.catalog.add_feedback, feedback.trace_id, feedback.rating, feedback.comment)
