"""Two workers that share one queue; each writes down what its tools did. Prints how they ended as JSON.

Run as `python -m tests.e2e.sharing_workers FOLDER`; each worker is a process of its own. However late one of them
starts, it gets its part: the other's first runs wait for it.
"""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.bootstrap import open_platform
from app.jobs.queue import JobQueue
from app.llm.factory import build_gateway
from app.runs.executor import Executor
from app.settings import LLMSettings, Settings, StoreSettings
from app.tools.ports import Outcome, Permission, Tool, ToolContext
from app.tools.toolbox import Toolbox
from tests.integration.scripted import OWNER, Script, Tools, Word, call, executor_for, planned

RUNS = 8
AT_ONCE = 2  # jobs of each worker, so that there is something left for the other one
WORKERS = ("one", "two")
MOVES = {"plan": [planned("First")], "First": [call("look", word="this"), "Done."]}


@dataclass
class Together(Tools):
    """`look` goes on once both workers are looking."""

    folder: Path = Path()
    name: str = ""

    def box(self, *more: Tool) -> Toolbox:
        return Toolbox([Tool("look", "Look something up.", Permission.READ, Word, self.look, seconds=60), *more], 200)

    async def look(self, asked: Word, context: ToolContext) -> Outcome:
        self.calls.append(f"look {asked.word} {context.call}")
        (self.folder / f"{self.name} looks").touch()
        while not all((self.folder / f"{worker} looks").exists() for worker in WORKERS):
            await asyncio.sleep(0.02)
        return Outcome("seen")


def main(folder: Path) -> None:
    """Make the runs in one process, then work on them in two."""
    build_gateway(LLMSettings.model_validate({}))  # loads here what each worker would have to load
    os.waitpid(start(folder, "maker", make), 0)
    workers = [start(folder, name, serve) for name in WORKERS]
    print(json.dumps([os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]) for worker in workers]))


def start(folder: Path, name: str, duty: Callable[[Executor, str], None]) -> int:
    """A process that does its duty on the shared database."""
    if process := os.fork():
        return process
    url = f"sqlite:///{folder}/app.db"
    tools = Together(folder=folder, name=name)
    with open_platform(Settings(store=StoreSettings(url=url))) as platform:
        duty(executor_for(platform, Script(MOVES).reply, folder / "runs", tools.box()), url)
    (folder / name).write_text("\n".join(tools.calls))
    os._exit(0)


def make(executor: Executor, url: str) -> None:
    """Store runs that wait."""
    for number in range(RUNS):
        executor.create(OWNER, f"Goal {number}")


def serve(executor: Executor, url: str) -> None:
    """Work until no run waits any more."""

    async def until_done() -> None:
        async with JobQueue(url, executor.work, executor.store.waiting, AT_ONCE):
            while executor.store.waiting():
                await asyncio.sleep(0.05)

    asyncio.run(until_done())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
