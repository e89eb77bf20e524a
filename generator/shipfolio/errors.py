"""The errors that a person sees: one line that says what happened, one that says how to mend it."""


class ShipfolioError(Exception):
    """Something failed (exit code 1). `remedy` is the next thing to do, in the imperative."""

    exit_code = 1

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class UsageError(ShipfolioError):
    """The command line, an answer or the destination is not acceptable (exit code 2)."""

    exit_code = 2


class NeedsPerson(ShipfolioError):
    """Done as far as a machine can: conflicts, drift, a failed rubric (exit code 3)."""

    exit_code = 3


class Interrupted(ShipfolioError):
    """Stopped by Ctrl-C or a termination signal (exit code 130)."""

    exit_code = 130
