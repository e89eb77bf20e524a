"""docs/cost.md assumes how long a prompt is; here it is measured on the golden questions."""

import asyncio
import re
from pathlib import Path
from statistics import mean

from app.answering.evaluation import SUITE, prepare
from app.bootstrap import Platform


async def prompt_tokens(platform: Platform) -> float:
    """Mean input tokens of the golden questions that reach the model."""
    answer = await prepare(platform)
    dataset = SUITE.dataset.from_file(Path("evals/golden") / SUITE.file)
    outcomes = [await answer(case.inputs) for case in dataset.cases]
    return mean(o.answer.usage.input_tokens for o in outcomes if o.answer.usage.input_tokens)


def test_the_assumed_prompt_is_as_long_as_the_measured_one(platform: Platform) -> None:
    assumed = int(re.findall(r"\| input tokens per question \| (\d+)", Path("docs/cost.md").read_text())[0])
    measured = asyncio.run(prompt_tokens(platform))
    assert abs(measured - assumed) < 0.15 * assumed, f"docs/cost.md assumes {assumed} tokens, measured: {measured:.0f}"
