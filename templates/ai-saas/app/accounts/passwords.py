"""Passwords: argon2id hashes with the parameters that OWASP recommends, and a few that nobody may choose."""

import secrets

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from app.errors import InvalidInput

SHORTEST, LONGEST = 10, 200  # characters; longer ones would only cost time
FEWEST_DIFFERENT = 5
HASHER = PasswordHash((Argon2Hasher(time_cost=2, memory_cost=19_456, parallelism=1),))  # 19 MiB per password at work
NOBODY = HASHER.hash(secrets.token_urlsafe(16))  # what is checked where there is no account, to take the same time


def hashed(password: str) -> str:
    """What is stored."""
    return HASHER.hash(password)


def matches(password: str, stored: str | None) -> bool:
    """Whether the password is the stored one; without one the answer is no, after the same work."""
    return HASHER.verify(password, stored or NOBODY) and stored is not None


def refuse_weak(password: str, email: str) -> None:
    """Length is what counts, so rules about digits and signs there are none.

    Raises:
        InvalidInput: it repeats few characters, or is made of the address.
    """
    local, _, domain = email.partition("@")
    plain = password.lower()
    if len(set(plain)) < FEWEST_DIFFERENT or plain in (email, local * 2, domain) or plain in COMMON:
        raise InvalidInput("This password is easily guessed.", "Take four words that do not belong together.")


# Those of at least ten characters that stand on every list of stolen passwords.
COMMON = frozenset(
    """1234567890 0123456789 12345678910 0987654321 1q2w3e4r5t qwertyuiop qwerty1234 qwerty12345 qwerty123456
    password12 password123 password1234 passw0rd123 iloveyou12 iloveyou123 letmein1234 welcome123 welcome1234
    administrator changeme123 adminadmin admin12345 admin123456 football123 sunshine123 princess123 1qaz2wsx3edc
    abcdefghij abcd123456 asdfghjkl1 q1w2e3r4t5 zxcvbnm123 passwordpassword correcthorsebatterystaple""".split()
)
