"""Log lines as OpenTelemetry's log records, sent over OTLP beside the lines on stderr; only imported where they are."""

import logging
from collections.abc import Sequence

import structlog
from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from structlog.typing import EventDict, Processor, WrappedLogger

from app.observability.otlp import Signal, patience, resource
from app.observability.redaction import redact

SENDERS = ("opentelemetry", "urllib3", "requests")  # their lines about a sending that fails would be sent again
SEVERITIES = {
    "debug": SeverityNumber.DEBUG,
    "info": SeverityNumber.INFO,
    "warning": SeverityNumber.WARN,
    "error": SeverityNumber.ERROR,
    "critical": SeverityNumber.FATAL,
}


class LogRecordHandler(logging.Handler):
    """Sends each line with the ids of the trace and span it was written in, without personal data.

    `beginning` are the processors that the lines of libraries go through first. What waits is sent when the handler is
    closed, which `logging` does at the end of the process.
    """

    def __init__(self, beginning: Sequence[Processor]) -> None:
        super().__init__()
        self._records = LoggerProvider(resource(), shutdown_on_exit=False)
        self._records.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(timeout=patience(Signal.LOGS))))
        self._logger = self._records.get_logger("app")
        ending = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, redact, self._send]
        self.setFormatter(structlog.stdlib.ProcessorFormatter(processors=ending, foreign_pre_chain=beginning))
        self.addFilter(lambda record: not record.name.startswith(SENDERS))

    def emit(self, record: logging.LogRecord) -> None:
        """Send one line; the last step of its formatting does so."""
        try:
            self.format(record)
        except Exception:  # noqa: BLE001 - a line that cannot be sent must not break what it tells of
            self.handleError(record)

    def flush(self) -> None:
        """Send what waits."""
        self._records.force_flush()

    def close(self) -> None:
        """Send what waits, then stop."""
        self._records.shutdown()
        super().close()

    def _send(self, _: WrappedLogger, __: str, event: EventDict) -> str:
        """The event's words become the body, its other values attributes."""
        level = str(event.pop("level", "info"))
        event.pop("timestamp", None)  # the record has its own
        trace = event.pop("exception", None)
        self._logger.emit(
            body=str(event.pop("event", "")),
            severity_text=level.upper(),
            severity_number=SEVERITIES.get(level, SeverityNumber.INFO),
            attributes=event if trace is None else {**event, "exception.stacktrace": trace},
        )
        return ""
