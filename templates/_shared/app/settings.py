"""Every setting of the service, read once from the environment, mounted secrets and `.env`.

Prefix `APP_`, two underscores between levels: `APP_RETRIEVAL__TOP_K=8`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, SecretStr, ValidationError
from pydantic_settings import SettingsConfigDict, SettingsError

from app.environment import load_environment, origin
from app.errors import ConfigurationError
from app.product_settings import ProductSettings


class LLMSettings(BaseModel):
    """Which language model answers; `offline` needs no key and no network."""

    primary: str = Field("offline", description="`offline` or a model such as `openai:gpt-5-mini`")
    fallback: str = Field("none", description="model that takes over when the primary fails, or `none`")
    small: str = Field("none", description="cheaper model for simple questions, or `none`")
    route_threshold: float = Field(0.35, ge=0, le=1, description="complexity from which the primary answers")
    judge: str = Field("primary", description="who judges answers in evaluations: `primary`, a model, or `none`")
    timeout_seconds: float = Field(30, gt=0, description="longest time for one model's answer, in seconds")
    deadline_seconds: float = Field(60, gt=0, description="longest wait for all attempts together, in seconds")
    retries: int = Field(2, ge=0, le=10, description="further rounds when every model failed for the moment")
    breaker_failures: int = Field(3, ge=1, description="failures in a row after which a provider is left alone")
    breaker_pause_seconds: float = Field(30, gt=0, description="how long it is left alone, in seconds")
    priced_as: str = Field("none", description="model whose list price offline calls are shown at, or `none`")
    max_output_tokens: int = Field(800, ge=16, description="longest answer, in tokens")

    @property
    def answering(self) -> str:
        """Who answers when nothing fails, as scores name it: the primary and, where one is set, the small model."""
        alone = self.primary == "offline" or self.small == "none"
        return self.primary if alone else f"{self.primary} + {self.small}"


class BudgetSettings(BaseModel):
    """What model calls may consume; 0 means no limit. A day ends at 00:00 UTC."""

    request_tokens: int = Field(0, ge=0, description="most tokens of one request")
    request_usd: float = Field(0, ge=0, description="most US dollars of one request")
    key_tokens_per_day: int = Field(0, ge=0, description="most tokens of one key in a day")
    key_usd_per_day: float = Field(0, ge=0, description="most US dollars of one key in a day")
    tokens_per_day: int = Field(0, ge=0, description="most tokens of the service in a day")
    usd_per_day: float = Field(0, ge=0, description="most US dollars of the service in a day")
    alert_share: float = Field(0.8, gt=0, le=1, description="share of a day's budget from which it warns")
    alert_url: str = Field("", description="a webhook that gets each warning as JSON")

    @property
    def limited(self) -> bool:
        """Whether a day has any limit."""
        return any((self.key_tokens_per_day, self.key_usd_per_day, self.tokens_per_day, self.usd_per_day))


class CacheSettings(BaseModel):
    """Which answers are given again. New documents, another prompt or another model empty it by themselves."""

    enabled: bool = Field(True, description="give the answer to a question that was asked before")
    seconds: int = Field(3600, ge=1, description="how long an answer is given again")
    semantic_threshold: float = Field(
        0, ge=0, le=1, description="cosine from which another question counts as the same; 0 switches it off"
    )


class EmbeddingSettings(BaseModel):
    """How text becomes vectors. An index remembers its model and refuses another one."""

    model: str = Field(
        "offline", description="`offline` (lexical), `fastembed:MODEL` or e.g. `openai:text-embedding-3-small`"
    )
    dimensions: int = Field(512, ge=64, le=4096, description="length of a vector")


class StoreSettings(BaseModel):
    """Where documents, chunks and keys are kept."""

    url: str = Field("sqlite:///var/app.db", description="`sqlite:///PATH` or `postgresql://…`")
    index_url: str | None = Field(
        None, description="the search index where it stands elsewhere: `qdrant://HOST:6333`, `qdrant+https://…`"
    )
    index_key: SecretStr | None = Field(None, description="API key of the index's server")


class RetrievalSettings(BaseModel):
    """How passages are found and when the evidence is too thin to answer."""

    top_k: int = Field(5, ge=1, le=50, description="passages given to the model")
    candidates: int = Field(40, ge=1, le=500, description="passages taken from each search before fusion")
    dense_weight: float = Field(0.2, ge=0, le=1, description="share of vector search in the fusion")
    reranker: str = Field("none", description="`none`, `coverage` (by words) or `fastembed:MODEL` (a cross-encoder)")
    min_evidence: float = Field(0.65, ge=0, le=1, description="below this coverage the answer is a refusal")


class APISettings(BaseModel):
    """How the HTTP service listens."""

    host: str = Field("127.0.0.1", description="address to listen on; a container sets 0.0.0.0")
    port: int = Field(8000, ge=1, le=65535, description="port to listen on")
    workers: int = Field(1, ge=1, le=32, description="processes that answer requests")
    max_body_bytes: int = Field(12_000_000, ge=1, description="larger requests answer 413, in bytes")
    max_concurrency: int = Field(200, ge=1, description="calls to /v1 at once, per process; more answer 503")
    requests_per_minute: int = Field(600, ge=1, description="calls per key, minute and process; more answer 429")
    cors_origins: list[str] = Field([], description="origins whose pages may call, as a JSON list; none by default")
    evals_page: bool = Field(True, description="show the golden cases and their scores at /evals, without a key")
    page_key: SecretStr | None = Field(
        None, description="key that the page at / may use; `app serve` makes one per start on 127.0.0.1"
    )


class GateSettings(BaseModel):
    """When the evaluation gate blocks: a drop beyond `margin` that is significant at `alpha` over all metrics."""

    margin: float = Field(0.02, ge=0, lt=1, description="drop of a mean that is tolerated")
    alpha: float = Field(0.05, gt=0, lt=0.5, description="chance of a false alarm, over all metrics together")
    min_cases: int = Field(20, ge=2, description="with fewer pairs of cases nothing is decided")


class QualitySettings(BaseModel):
    """How answers are watched in use, with the gate's statistics. Scores are kept; texts only where `content` is on."""

    share: float = Field(1, ge=0, le=1, description="share of the answers scored by words, after they went out")
    judge_share: float = Field(
        0.1, ge=0, le=1, description="share that a model named in `APP_LLM__JUDGE` judges too; each costs a call"
    )
    window: int = Field(200, ge=2, le=2000, description="scores that drift compares with as many before them")
    content: bool = Field(False, description="keep question, answer and sources for feedback, personal data taken out")
    keep_days: int = Field(90, ge=1, description="days after which scores and texts of an answer are deleted")
    reevaluate: Literal["offline", "always", "never"] = Field(
        "offline", description="ask the golden questions again when documents changed; `offline`: only where it is free"
    )


class LogSettings(BaseModel):
    """What the service tells about itself."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="least severe line shown")
    format: Literal["console", "json"] = Field("console", description="`json` for log collectors")
    content: bool = Field(False, description="also log what is asked, with personal data taken out")


class Settings(ProductSettings):
    """All settings, in groups: the shared ones here, this project's own from `product_settings`."""

    model_config = SettingsConfigDict(
        env_prefix="APP_", env_nested_delimiter="__", extra="ignore", env_ignore_empty=True
    )

    llm: LLMSettings = LLMSettings.model_validate({})
    budget: BudgetSettings = BudgetSettings.model_validate({})
    cache: CacheSettings = CacheSettings.model_validate({})
    embedding: EmbeddingSettings = EmbeddingSettings.model_validate({})
    store: StoreSettings = StoreSettings.model_validate({})
    retrieval: RetrievalSettings = RetrievalSettings.model_validate({})
    api: APISettings = APISettings.model_validate({})
    gate: GateSettings = GateSettings.model_validate({})
    quality: QualitySettings = QualitySettings.model_validate({})
    log: LogSettings = LogSettings.model_validate({})
    prompts_dir: Path = Field(Path("prompts"), description="folder of the prompt registry")
    evals_dir: Path = Field(Path("evals"), description="folder of the golden cases and results")
    secrets_dir: Path | None = Field(
        None, description="folder of files named like variables that hold keys; /run/secrets where it is not set"
    )


def load_settings() -> Settings:
    """Read mounted secrets and `.env` into the environment (never overriding it) and parse the settings.

    Raises:
        ConfigurationError: a value does not fit; the message names each setting.
    """
    load_environment(_variables(Settings))
    try:
        return Settings()
    except ValidationError as error:
        names = [_variable(e["loc"]) for e in error.errors()]
        problems = "; ".join(f"{n}{origin(n)}: {e['msg']}" for n, e in zip(names, error.errors(), strict=True))
    except SettingsError as error:
        remedy = 'A list is written as JSON, such as APP_API__CORS_ORIGINS=["https://intranet.example.com"].'
        raise ConfigurationError(f"Bad settings: {error}.", remedy) from None
    raise ConfigurationError(f"Bad settings: {problems}.", "Correct them in .env or the environment.")


def _variables(model: type[BaseModel], prefix: str = "APP_") -> Iterator[str]:
    for name, field in model.model_fields.items():
        group = field.annotation
        if isinstance(group, type) and issubclass(group, BaseModel):
            yield from _variables(group, f"{prefix}{name.upper()}__")
        else:
            yield f"{prefix}{name.upper()}"


def _variable(location: tuple[int | str, ...]) -> str:
    return "APP_" + "__".join(str(part) for part in location).upper()
