"""Structured logs on stderr, one event a line, with the request's id on each and personal data on none."""

import logging
import sys

import structlog

from app.observability.otlp import Signal, is_sent
from app.observability.redaction import redact
from app.settings import LogSettings


def configure_logs(settings: LogSettings) -> None:
    """Send our own and the libraries' log lines through one renderer: readable, or JSON for a collector.

    Where OTEL_* variables name an endpoint for logs, the same lines go there as records.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    ending = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, redact, _renderer(settings)]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(settings.level)),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=ending, foreign_pre_chain=shared))
    root = logging.getLogger()
    root.handlers = [handler]
    if is_sent(Signal.LOGS):
        from app.observability.log_records import LogRecordHandler  # here: few need it at start

        root.addHandler(LogRecordHandler(shared))
    root.setLevel(settings.level)
    logging.getLogger("uvicorn.access").disabled = True  # the request log of `app.api.middleware` says more


def _renderer(settings: LogSettings) -> structlog.typing.Processor:
    if settings.format == "json":
        return structlog.processors.JSONRenderer()
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
