"""Every way in which the work on a run ends before the goal is reached."""

from app.runs.records import Approval


class Unfinished(Exception):
    """Base of all; the message is the reason that a reader sees."""


class GaveUp(Unfinished):
    """An agent cannot do its step of the plan; there may be another plan."""


class Failed(Unfinished):
    """The run cannot go on."""


class Stopped(Unfinished):
    """A limit was reached."""


class NeedsApproval(Unfinished):
    """A call waits for a person."""

    def __init__(self, approval: Approval) -> None:
        super().__init__(f"{approval.tool} waits for approval.")
        self.approval = approval
