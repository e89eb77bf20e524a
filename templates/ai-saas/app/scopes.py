"""What an API key may be used for: one of the service, or one of an organisation."""

from enum import StrEnum


class Scope(StrEnum):
    """What a key may be used for; `admin` allows everything and is never given to an organisation's key."""

    ASK = "ask"
    DOCUMENTS = "documents"
    FEEDBACK = "feedback"
    ADMIN = "admin"
