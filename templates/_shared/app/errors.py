"""Errors that reach a person: what happened, how to mend it, an HTTP status and an exit code."""

from typing import ClassVar


class AppError(Exception):
    """Base of every expected failure. Anything else is a defect and answers 500."""

    status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1
    title: ClassVar[str] = "Internal error"
    retry_after: int | None = None  # seconds after which the same call may work

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class InvalidInput(AppError):
    """The caller sent something that can never work."""

    status = 422
    exit_code = 2
    title = "Invalid input"


class NotFound(AppError):
    """The named thing does not exist, or is not the caller's."""

    status = 404
    title = "Not found"


class Unauthorized(AppError):
    """No key, an unknown key or a revoked key."""

    status = 401
    title = "Unauthorized"


class Forbidden(AppError):
    """A key that is known, but not for this."""

    status = 403
    title = "Forbidden"


class TooManyRequests(AppError):
    """The key has used up its calls for now."""

    status = 429
    title = "Too many requests"

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message, f"Try again in {retry_after} s.")
        self.retry_after = retry_after


class TooManyTokens(AppError):
    """A request larger than one request, or this day, may be."""

    status = 429
    title = "Too many tokens"


class BudgetExceeded(AppError):
    """A request dearer than one request may be, or the day's money is gone."""

    status = 402
    title = "Budget exceeded"


class UnreadableDocument(AppError):
    """A document was refused; the message is the reason shown to its owner."""

    status = 422
    title = "Unreadable document"


class ConfigurationError(AppError):
    """A setting, a prompt file or an index does not fit; the service cannot start."""

    status = 503
    exit_code = 2
    title = "Configuration error"


class ModelUnavailable(AppError):
    """No language model answered in time."""

    status = 503
    title = "Model unavailable"


class CannotDecide(AppError):
    """There is nothing sound to compare with, so the gate neither passes nor blocks."""

    exit_code = 3
    title = "Cannot decide"
