"""What an API key of this project may be used for."""

from enum import StrEnum


class Scope(StrEnum):
    """What a key may be used for; `admin` allows everything."""

    ASK = "ask"
    DOCUMENTS = "documents"
    FEEDBACK = "feedback"
    ADMIN = "admin"
