"""Local models through fastembed: a stand-in for the package, since its models are a download."""

import asyncio
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from app.errors import ConfigurationError
from app.llm.embedding import build_embedder
from app.retrieval.reranking import build_reranker
from app.settings import EmbeddingSettings
from app.stores.ports import Chunk, Hit, WordStatistics

MODULES = ("fastembed", "fastembed.rerank.cross_encoder")


class FakeModel:
    """Makes 64 numbers of a text, and likes long passages."""

    def __init__(self, name: str) -> None:
        if name != "known":
            raise ValueError(f"Model {name} is not supported in this class.")

    def query_embed(self, texts: Sequence[str]) -> list[np.ndarray]:
        return [np.full(64, 2.0) for _ in texts]

    def passage_embed(self, texts: Sequence[str]) -> list[np.ndarray]:
        return [np.eye(64)[len(text)] for text in texts]

    def rerank(self, question: str, passages: Sequence[str]) -> list[float]:
        return [float(len(passage)) for passage in passages]


@pytest.fixture
def fastembed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in MODULES:
        module: Any = ModuleType(name)
        module.TextEmbedding = module.TextCrossEncoder = FakeModel
        monkeypatch.setitem(sys.modules, name, module)


def build(model: str, dimensions: int = 64) -> Any:
    return build_embedder(EmbeddingSettings(model=f"fastembed:{model}", dimensions=dimensions))


@pytest.mark.usefixtures("fastembed")
def test_questions_and_passages_become_unit_vectors() -> None:
    embedder = build("known")
    (question,) = asyncio.run(embedder.embed(["robot"], "query"))
    passages = asyncio.run(embedder.embed(["a", "bcd"], "document"))
    assert question == pytest.approx(np.full(64, 1 / 8))
    assert passages.dtype == np.float32
    assert [int(row.argmax()) for row in passages] == [1, 3]
    assert asyncio.run(embedder.embed([], "document")).shape == (0, 64)


@pytest.mark.usefixtures("fastembed")
def test_vectors_of_another_length_than_the_settings_say_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"length 64.*ask for 128.*APP_EMBEDDING__DIMENSIONS"):
        asyncio.run(build("known", 128).embed(["robot"], "query"))


@pytest.mark.usefixtures("fastembed")
def test_a_cross_encoder_orders_by_its_own_scores() -> None:
    hits = [Hit(Chunk("a", 0, text, "top"), 1.0) for text in ("short", "the longest of all", "longer")]
    reranker = build_reranker("fastembed:known")
    assert reranker
    ranked = reranker.rerank("robot", hits, WordStatistics(3, {}))
    assert [hit.chunk.text for hit in ranked] == ["the longest of all", "longer", "short"]


@pytest.mark.usefixtures("fastembed")
@pytest.mark.parametrize("make", [build, lambda model: build_reranker(f"fastembed:{model}")])
def test_an_unknown_model_is_refused_by_the_name_of_the_setting(make: Callable[[str], object]) -> None:
    with pytest.raises(ConfigurationError, match=r"APP_\w+='fastembed:unknown' cannot be used: .*not supported"):
        make("unknown")


@pytest.mark.parametrize("make", [build, lambda model: build_reranker(f"fastembed:{model}")])
def test_without_the_package_its_installation_is_told(
    make: Callable[[str], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in MODULES:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ConfigurationError, match="uv sync --extra local"):
        make("known")
