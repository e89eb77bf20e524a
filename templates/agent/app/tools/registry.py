"""Which tools this project has, and what each of them may reach."""

from pathlib import Path

from app.bootstrap import Platform
from app.knowledge.base import KnowledgeBase
from app.memory.store import Memories
from app.memory.tools import memory_tools
from app.tools.calculation import calculator
from app.tools.charts import chart_writer
from app.tools.infrastructure import infrastructure_drafter
from app.tools.knowledge import KnowledgeSearch
from app.tools.mail import Mailer
from app.tools.mcp_client import mcp_tools
from app.tools.pages import PageReader
from app.tools.ports import Tool
from app.tools.reports import report_writer
from app.tools.sales import SalesTools
from app.tools.tables import table_analysis
from app.tools.tickets import TicketList
from app.tools.toolbox import Toolbox

SAMPLES = Path("samples")


def build_toolbox(platform: Platform, memories: Memories) -> Toolbox:
    """Every tool of this project, and those of the MCP servers."""
    limit = platform.settings.agent.tool_output_characters
    return Toolbox([*own_tools(platform, memories), *mcp_tools(platform.settings.mcp.servers)], limit)


def own_tools(platform: Platform, memories: Memories) -> list[Tool]:
    """The tools that are written here."""
    settings = platform.settings
    knowledge = KnowledgeBase(platform, SAMPLES / "knowledge")
    return [
        KnowledgeSearch(knowledge, settings.retrieval.min_evidence).tool(),
        *SalesTools(settings.sales.database).tools(),
        calculator(),
        table_analysis(),
        chart_writer(),
        report_writer(),
        Mailer(settings.mail, platform.catalog.engine).tool(),
        PageReader(settings.fetch.allowed_hosts).tool(),
        TicketList(SAMPLES / "tickets.jsonl").tool(),
        infrastructure_drafter(),
        *memory_tools(memories),
    ]
