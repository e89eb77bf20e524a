"""Who works on a run: the planner, one worker for everything, three specialists, and the coordinator who delegates."""

from dataclasses import dataclass

from app.prompts.registry import PromptRegistry
from app.prompts.versions import Prompt
from app.tools.toolbox import Toolbox

PROMPTS = {  # which prompt each of them is told
    "planner": "plan",
    "worker": "work",
    "coordinator": "coordinate",
    "research": "research",
    "analysis": "analysis",
    "writing": "writing",
}
OWN = {"planner": ("make_plan", "decline"), "coordinator": ("delegate", "give_up")}
ANALYSIS = {"describe_sales", "query_sales", "calculate", "analyse_table", "make_chart", "draft_infrastructure"}
WRITING = {"recall", "remember", "write_report", "send_email"}
MAKERS = {"make_chart", "draft_infrastructure", "remember", "write_report", "send_email"}  # research makes nothing


@dataclass(frozen=True)
class Agent:
    """One of the team: its prompt, the tools it may call, and which of the loop's own tools it has."""

    name: str
    prompt: Prompt
    tools: Toolbox
    own: tuple[str, ...]


def member(name: str, owner: str, prompts: PromptRegistry, tools: Toolbox) -> Agent:
    """The agent called `name`, with the version of its prompt that this owner gets."""
    prompt = prompts.choose(PROMPTS[name], owner)
    return Agent(name, prompt, tools.subset(_names(name, tools)), OWN.get(name, ("give_up",)))


def _names(name: str, tools: Toolbox) -> list[str]:
    if name == "worker":
        return list(tools.names)
    allowed = {"analysis": ANALYSIS, "writing": WRITING, "research": set(tools.names) - MAKERS}
    return [tool for tool in tools.names if tool in allowed.get(name, ())]
