"""HTTP calls on contracts: their clauses, a search for clauses, their risks, and two of them side by side."""

from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from app.api.dependencies import PRINTABLE
from app.legal import reports
from app.legal.contracts import compare_contracts, find_clauses, read_contract
from app.organisations.access import require_role
from app.scopes import Scope
from app.tenancy.scope import Role
from app.workspace.rooms import WorkspaceDep

router = APIRouter(
    prefix="/contracts", tags=["contracts"], dependencies=[Depends(require_role(Role.VIEWER, Scope.DOCUMENTS))]
)

DocumentId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$", examples=["6f9c1f0e5d0b4c559f0e2b1a3c4d5e6f"])]


class ClauseSearch(BaseModel):
    """What a clause should speak about, in a reader's words."""

    model_config = ConfigDict(extra="forbid")

    question: Annotated[str, Field(min_length=1, max_length=2000, pattern=PRINTABLE, examples=["notice of renewal"])]


class TwoContracts(BaseModel):
    """The ids of two documents: the older or our own first, the newer or theirs second."""

    model_config = ConfigDict(extra="forbid")

    first: DocumentId
    second: DocumentId


@router.get("/{document}/clauses")
async def list_clauses(document: str, workspace: WorkspaceDep) -> reports.ContractShape:
    """A contract as its clauses, in reading order."""
    contract = await to_thread.run_sync(read_contract, workspace.platform, document)
    return reports.contract_report(contract)


@router.get("/{document}/risks")
async def list_risks(document: str, workspace: WorkspaceDep) -> reports.RiskReport:
    """What the rules find in a contract, each finding with its clause and why it matters."""
    return await to_thread.run_sync(lambda: reports.risk_report(read_contract(workspace.platform, document)))


@router.post("/search")
async def search_clauses(asked: ClauseSearch, workspace: WorkspaceDep) -> reports.SearchReport:
    """The clauses of all contracts that speak about this."""
    return reports.search_report(await find_clauses(workspace.platform, asked.question))


@router.post("/comparison")
async def compare_two(chosen: TwoContracts, workspace: WorkspaceDep) -> reports.ComparisonReport:
    """Two contracts clause by clause: added, removed, changed, and what changed in their words."""
    return await to_thread.run_sync(
        lambda: reports.comparison_report(compare_contracts(workspace.platform, chosen.first, chosen.second))
    )
