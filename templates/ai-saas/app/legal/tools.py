"""The pages of the legal assistant: clause search, comparison and risk list, each a form and its result."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from anyio import to_thread

from app.legal.contracts import compare_contracts, contracts_of, find_clauses, read_contract
from app.legal.reports import comparison_report, risk_report, search_report
from app.workspace.flavour import Tool

if TYPE_CHECKING:
    from app.workspace.rooms import Workspace

LONGEST_QUESTION = 2000


async def show_search(workspace: "Workspace", form: Mapping[str, str]) -> Mapping[str, object]:
    """The clauses about the form's `question`; `found` is None before anything was asked."""
    question = form.get("question", "").strip()[:LONGEST_QUESTION]
    found = search_report(await find_clauses(workspace.platform, question)).clauses if question else None
    return {"found": found}


async def show_comparison(workspace: "Workspace", form: Mapping[str, str]) -> Mapping[str, object]:
    """The form's contracts `first` and `second` side by side; `report` is None until both are chosen."""
    platform, first, second = workspace.platform, form.get("first", ""), form.get("second", "")

    def content() -> Mapping[str, object]:
        report = comparison_report(compare_contracts(platform, first, second)) if first and second else None
        return {"contracts": contracts_of(platform), "report": report}

    return await to_thread.run_sync(content)


async def show_risks(workspace: "Workspace", form: Mapping[str, str]) -> Mapping[str, object]:
    """The risks of the form's `contract`; `report` is None until one is chosen."""
    platform, chosen = workspace.platform, form.get("contract", "")

    def content() -> Mapping[str, object]:
        report = risk_report(read_contract(platform, chosen)) if chosen else None
        return {"contracts": contracts_of(platform), "report": report}

    return await to_thread.run_sync(content)


TOOLS = (
    Tool(
        "clauses",
        "Find a clause",
        "Ask for what a clause should say; every hit names its contract and its place.",
        "legal/clauses.html",
        show_search,
    ),
    Tool(
        "comparison",
        "Compare two contracts",
        "Clause by clause: what came, what went, and which words and numbers changed.",
        "legal/comparison.html",
        show_comparison,
    ),
    Tool(
        "risks",
        "Risk list",
        "What a careful reader would mark, with the sentence, the reason and what to ask for.",
        "legal/risks.html",
        show_risks,
    ),
)
