"""Readers' judgements of answers, kept with the trace they judge, and shown to those who may administer."""

from datetime import datetime
from typing import Annotated, Literal

from anyio import to_thread
from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from app.api.dependencies import PRINTABLE, PlatformDep, require
from app.evals.answers import Judgement
from app.evals.records import Source
from app.observability.redaction import redacted
from app.scopes import Scope

router = APIRouter(tags=["feedback"])


class Feedback(BaseModel):
    """Thumb up (1) or down (-1) for the answer with this trace id."""

    trace_id: Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
    rating: Literal[-1, 1]
    comment: Annotated[str, Field(max_length=2000, pattern=PRINTABLE)] = ""


class JudgedAnswer(BaseModel):
    """A judgement with its answer. Question, answer and sources are empty where `APP_QUALITY__CONTENT` was off."""

    model_config = ConfigDict(from_attributes=True)

    trace_id: str
    rating: int
    comment: str
    at: datetime
    prompt: str
    model: str
    question: str
    answer: str
    sources: list[Source]
    scores: dict[str, float]


@router.post("/feedback", status_code=204, dependencies=[Depends(require(Scope.FEEDBACK))])
async def give_feedback(feedback: Feedback, platform: PlatformDep) -> None:
    """Keep a judgement, personal data taken out of its comment; it becomes material for the golden set."""
    comment = redacted(feedback.comment)
    await to_thread.run_sync(platform.catalog.add_feedback, feedback.trace_id, feedback.rating, comment)


@router.get("/feedback", response_model=list[JudgedAnswer], dependencies=[Depends(require(Scope.ADMIN))])
async def list_feedback(
    platform: PlatformDep,
    rating: Annotated[int, Query(ge=-1, le=1, description="only helpful (1) or unhelpful (-1) answers")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[Judgement]:
    """What readers said last of each answer, the newest first."""
    return await to_thread.run_sync(platform.answers.judgements, limit, rating)
