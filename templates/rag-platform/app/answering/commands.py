"""`app ask` and `app demo`: the library from the command line."""

import asyncio
from typing import Annotated

import typer

from app.answering.assistant import Answer, Assistant
from app.bootstrap import Platform, open_platform
from app.console import talk
from app.ingestion.commands import ingest_all
from app.ingestion.library import Library
from app.ingestion.sources import SAMPLES
from app.settings import load_settings

DEMO_QUESTIONS = (
    "How many unused leave days can I carry over?",
    "What does fault code F17 mean?",
    "What does fault code F72 mean?",
)


def ask(
    question: Annotated[str, typer.Argument(help="What to answer from the ingested documents.")],
    json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
) -> None:
    """Answer one question with citations, or say that the documents do not tell."""
    with open_platform(load_settings()) as platform:
        answer = asyncio.run(Assistant(platform).ask(question))
    print(answer.model_dump_json(indent=2) if json else describe(answer))


def demo() -> None:
    """Ingest the sample documents and answer three questions, the last of which they cannot answer."""
    with open_platform(load_settings()) as platform:
        asyncio.run(_demo(platform))
    talk.print("\nNext: `make eval` scores the answers, `make serve` opens the page.")


async def _demo(platform: Platform) -> None:
    records = await ingest_all(Library(platform), [SAMPLES])
    print(f"Ingested {len(records)} documents, {sum(r.chunks for r in records)} passages.\n")
    assistant = Assistant(platform)
    for question in DEMO_QUESTIONS:
        print(f"Q: {question}\n{describe(await assistant.ask(question))}\n")


def describe(answer: Answer) -> str:
    """An answer for a terminal: the text, each citation with its quote, and what it cost."""
    lines = [answer.answer]
    for citation in answer.citations:
        lines.append(f"  [{citation.number}] {citation.document}, {citation.locator}: “{citation.quote}”")
    label = " (offline: sentences copied from the documents, none generated)" if answer.offline else ""
    lines.append(f"  {answer.model}{label}, {answer.prompt_version}, {answer.latency_ms:.0f} ms")
    return "\n".join(lines)
