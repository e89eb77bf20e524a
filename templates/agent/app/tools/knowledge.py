"""`search_knowledge`: passages of the company's documents, with where they stand."""

from pydantic import BaseModel, Field

from app.knowledge.base import KnowledgeBase
from app.tools.ports import Outcome, Permission, Tool, ToolContext


class Question(BaseModel, extra="forbid"):
    """What to look up."""

    question: str = Field(min_length=1, max_length=1000)


class KnowledgeSearch:
    """Looks questions up; below `min_evidence` it says that the documents hardly speak of them."""

    def __init__(self, base: KnowledgeBase, min_evidence: float) -> None:
        self._base = base
        self._min_evidence = min_evidence

    def tool(self) -> Tool:
        """The tool. Documents are written by many hands, so they are not trusted."""
        return Tool(
            "search_knowledge",
            "Search the company's documents: definitions, policies, who is responsible, addresses.",
            Permission.READ,
            Question,
            self.search,
            attempts=2,
            trusted=False,
        )

    async def search(self, arguments: Question, context: ToolContext) -> Outcome:
        """Passages as `[document, section] text`, best first."""
        evidence = await self._base.search(arguments.question)
        if not evidence.hits:
            return Outcome("The documents say nothing about this.")
        weak = evidence.coverage < self._min_evidence
        first = "The documents hardly speak of this; the nearest passages:\n\n" if weak else ""
        passages = (f"[{hit.chunk.document}, {hit.chunk.locator}] {hit.chunk.text}" for hit in evidence.hits)
        return Outcome(first + "\n\n".join(passages))
