"""One run, whose worker is killed in the middle of every operation and after it. Prints what was left as JSON.

Run as `python -m tests.e2e.killed_worker FOLDER`; each worker is a process of its own.
"""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

from app.bootstrap import open_platform
from app.llm.factory import build_gateway
from app.product_settings import MailSettings
from app.runs.executor import Executor
from app.runs.store import RunStore
from app.settings import LLMSettings, Settings, StoreSettings
from app.tools.mail import Mailer
from tests.integration.scripted import OWNER, Script, Tools, call, executor_for, planned

MAIL = call("send_email", to=["boss@example.com"], subject="News", body="All is well.")
MOVES = {"plan": [planned("Tell")], "Tell": [MAIL, "Told."]}
MOST_WORKERS = 60


def main(folder: Path) -> None:
    """Kill until a worker gets to the end."""
    build_gateway(LLMSettings.model_validate({}))  # loads here what each worker would have to load
    for number in range(MOST_WORKERS):
        worker = os.fork()
        if worker == 0:
            work(folder, number)
        _, status = os.waitpid(worker, 0)
        if os.WIFEXITED(status):
            break
    print(json.dumps({"workers": number + 1, "exit": os.waitstatus_to_exitcode(status)}))


def work(folder: Path, number: int) -> NoReturn:
    """Be killed at the first operation: every other worker before it is written down, the others after it."""
    append = RunStore.append

    def killed(self: RunStore, *arguments: Any) -> bool:
        if number % 2:
            append(self, *arguments)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError

    RunStore.append = killed  # type: ignore[method-assign]
    with open_platform(Settings(store=StoreSettings(url=f"sqlite:///{folder}/app.db"))) as platform:
        script = Script(MOVES)
        script.before = lambda word: note(folder / "asked", word)
        mailer = Mailer(MailSettings.model_validate({"outbox": folder / "outbox"}), platform.catalog.engine)
        tools = Tools().box(mailer.tool())
        executor = executor_for(platform, script.reply, folder / "runs", tools, approval_from="never")
        asyncio.run(executor.work(run_of(executor)))
    os._exit(0)


def run_of(executor: Executor) -> str:
    """The run to work on, made by the first worker."""
    waiting = executor.store.waiting()
    return waiting[0] if waiting else executor.create(OWNER, "Tell the boss").id


async def note(file: Path, line: str) -> None:
    """Append a line that survives the kill."""
    with file.open("a") as open_file:
        open_file.write(line + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
