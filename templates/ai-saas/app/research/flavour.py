"""The research assistant as a product."""

from collections.abc import Mapping

from app.research.routes import router
from app.research.search import find
from app.research.summary import summarise
from app.workspace.flavour import Flavour, Offer, Tool
from app.workspace.rooms import Workspace


async def show_search(workspace: Workspace, form: Mapping[str, str]) -> Mapping[str, object]:
    """The page of the search: what was found, if something was asked."""
    text = form.get("text", "").strip()[:500]
    return {"found": await find(workspace.platform, text) if text else None}


async def show_summary(workspace: Workspace, form: Mapping[str, str]) -> Mapping[str, object]:
    """The page of summaries: the summary with its exports, if a topic was given."""
    text = form.get("text", "").strip()[:500]
    if not text:
        return {"summary": None, "bibtex": ""}
    async with workspace.question():
        summary = await summarise(workspace.platform, text, workspace.asker)
    return {"summary": summary, "bibtex": summary.bibtex()}


FLAVOUR = Flavour(
    name="research",
    title="Research assistant",
    tagline="Read a shelf of papers in an afternoon, and still be able to show every source.",
    offers=(
        Offer("Search across all papers", "One query, every paper that speaks about it, and the passage."),
        Offer("Literature summaries", "A paragraph for each paper on your topic, every sentence with its quote."),
        Offer("Answers you can check", "Ask in your own words. What the papers do not say, it does not say."),
        Offer("References to take away", "Markdown for your draft, BibTeX for your bibliography."),
    ),
    questions=(
        "How much cooler were the streets of Brennock with a crown cover above 40 percent?",
        "Which roof was cheapest for each degree of cooling?",
        "What do the studies say about cool pavement and glare?",
    ),
    prompt="research-answer",
    router=router,
    tools=(
        Tool("search", "Search", "Find every paper that speaks about it.", "research/search.html", show_search),
        Tool("summary", "Summary", "What the papers say on a topic.", "research/summary.html", show_summary),
    ),
)
