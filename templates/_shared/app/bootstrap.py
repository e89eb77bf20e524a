"""The one place that wires: settings in, working services out."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr
from pydantic_ai.models import Model

from app.errors import ConfigurationError
from app.evals.answers import AnswerLog
from app.evals.due import IndexEvaluations
from app.llm.alerts import BudgetAlerts
from app.llm.embedding import TextEmbedder, build_embedder
from app.llm.factory import build_gateway
from app.llm.gateway import Gateway
from app.llm.metering import Meter
from app.llm.prices import refuse_unpriced
from app.llm.routing import Tier
from app.llm.spending import Spending
from app.observability.gauges import watch
from app.observability.telemetry import Telemetry, build_telemetry
from app.prompts.live import LiveReleases, following
from app.prompts.registry import PromptRegistry
from app.retrieval.reranking import build_reranker
from app.retrieval.retriever import Retriever
from app.settings import EmbeddingSettings, Settings
from app.stores.catalog import Catalog
from app.stores.ports import SearchIndex
from app.stores.sqlite import SQLiteIndex

SQLITE = "sqlite:///"
POSTGRESQL = "postgresql://"
QDRANT = ("qdrant://", "qdrant+https://")


@dataclass(frozen=True)
class Platform:
    """What every project of this family has: the shared rooms, opened and ready."""

    settings: Settings
    telemetry: Telemetry
    prompts: PromptRegistry
    gateway: Gateway
    embedder: TextEmbedder
    catalog: Catalog
    index: SearchIndex
    retriever: Retriever
    meter: Meter
    answers: AnswerLog

    @property
    def model(self) -> Model:
        """The model that answers hard questions."""
        return self.gateway.models[Tier.LARGE]


@contextmanager
def open_platform(settings: Settings, worker: str = "") -> Iterator[Platform]:
    """Open the shared services and close them at the end; `worker` names this process where there are several.

    Raises:
        ConfigurationError: a setting, a prompt or a database does not fit.
    """
    prompts = PromptRegistry(settings.prompts_dir)
    gateway = build_gateway(settings.llm)
    refuse_unpriced(settings.llm, settings.budget)
    embedder = build_embedder(settings.embedding)
    with (
        closing(build_index(settings)) as index,
        closing(Catalog(settings.store.url)) as catalog,
        closing(build_telemetry(worker)) as telemetry,
    ):
        retriever = Retriever(index, embedder, settings.retrieval, build_reranker(settings.retrieval.reranker))
        spending = Spending(catalog.engine, settings.budget)
        watch(telemetry, gateway, spending, catalog, index, IndexEvaluations(catalog))
        alerts = BudgetAlerts(settings.budget.alert_url)
        meter = Meter(spending, alerts, telemetry, settings.llm.max_output_tokens)
        answers = AnswerLog(catalog.engine, settings.quality)
        with following(prompts, LiveReleases(catalog.engine)):
            yield Platform(settings, telemetry, prompts, gateway, embedder, catalog, index, retriever, meter, answers)


def build_index(settings: Settings) -> SearchIndex:
    """The search index that `APP_STORE__INDEX_URL` names, or else `APP_STORE__URL`.

    Raises:
        ConfigurationError: an unknown kind of URL, or a database that does not fit.
    """
    store, embedding = settings.store, settings.embedding
    url = store.index_url or store.url
    if url.startswith(SQLITE):
        return SQLiteIndex(Path(url.removeprefix(SQLITE)), embedding.model, embedding.dimensions)
    if url.startswith(POSTGRESQL):
        from app.stores.pgvector import PgvectorIndex  # here, because a laptop without PostgreSQL need not load it

        return PgvectorIndex(url, embedding.model, embedding.dimensions)
    if url.startswith(QDRANT):
        return _build_qdrant(url, store.index_key, embedding)
    kind = url.partition(":")[0]  # the rest may hold a password
    raise ConfigurationError(
        f"{'APP_STORE__INDEX_URL' if store.index_url else 'APP_STORE__URL'} starts with {kind!r}, an unknown store.",
        f"Use `{SQLITE}var/app.db`, `{POSTGRESQL}USER@HOST/DATABASE` or, for the index alone, `{QDRANT[0]}HOST:6333`.",
    )


def _build_qdrant(url: str, key: SecretStr | None, embedding: EmbeddingSettings) -> SearchIndex:
    try:
        from app.stores.qdrant import QdrantIndex, connect  # here, because few projects install its client
    except ImportError:
        raise ConfigurationError("Qdrant needs its client.", "Run `uv sync --extra qdrant`.") from None
    client, collection = connect(url, key.get_secret_value() if key else None)
    return QdrantIndex(client, collection, embedding.model, embedding.dimensions)
