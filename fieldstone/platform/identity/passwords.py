"""Passwords: argon2id, and what makes a password acceptable.

What comes in: what a person typed. What goes out: a hash to store, or whether it matches. Hashing takes tens of
milliseconds on purpose and is therefore never called inside a write unit. `verify` does the same work whether or not
there is an account, so its duration tells nothing.
"""

from __future__ import annotations

import threading
import unicodedata
from functools import cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from fieldstone.platform.kernel.errors import FieldError, Invalid

MIN_LENGTH = 10
MAX_LENGTH = 200
PARALLEL = 4
"""Hashes computed at once in a process: bounds their memory (19 MiB each)."""

_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_GATE = threading.BoundedSemaphore(PARALLEL)

_COMMON = frozenset((Path(__file__).parent / "common_passwords.txt").read_text("utf-8").split())


def hash_password(password: str) -> str:
    """The argon2id hash of a password. Slow on purpose."""
    with _GATE:
        return _HASHER.hash(_normal(password))


def verify_password(stored: str | None, password: str) -> bool:
    """Whether the password matches; the same work for an account without a password and for no account."""
    with _GATE:
        try:
            matches = _HASHER.verify(stored or _nobodys_hash(), _normal(password))
        except (Argon2Error, InvalidHashError):
            return False
    return matches and stored is not None


def check_password(password: str, *, about: tuple[str, ...], path: str = "/password") -> None:
    """Raise `Invalid` for a password that is too short, too long, well known or says who its owner is.

    `about` are texts that stand for the owner: e-mail address, name, tenant.
    """
    fault = _fault(_normal(password), about)
    if fault is not None:
        raise Invalid(errors=[fault_at(path, fault)])


def fault_at(path: str, fault: FieldError) -> FieldError:
    """The same fault, at the place where the caller's body has the password."""
    return FieldError(path=path, code=fault.code, message=fault.message, facts=fault.facts)


def _fault(password: str, about: tuple[str, ...]) -> FieldError | None:
    if len(password) < MIN_LENGTH:
        return FieldError(
            path="", code="too_short", message="Use at least {limit} characters.", facts={"limit": MIN_LENGTH}
        )
    if len(password) > MAX_LENGTH:
        return FieldError(
            path="", code="too_long", message="Use at most {limit} characters.", facts={"limit": MAX_LENGTH}
        )
    plain = password.casefold()
    if plain in _COMMON or len(set(plain)) < 4:
        return FieldError(path="", code="too_common", message="This password is too easy to guess.")
    if any(word in plain for word in _words(about)):
        return FieldError(path="", code="too_common", message="Do not use your name or address in the password.")
    return None


def _words(about: tuple[str, ...]) -> set[str]:
    words = {part for text in about for part in text.casefold().replace("@", " ").replace(".", " ").split()}
    return {word for word in words if len(word) >= 5}


def _normal(password: str) -> str:
    """One form for what different keyboards send for the same characters."""
    return unicodedata.normalize("NFC", password)


@cache
def _nobodys_hash() -> str:
    """What a password is compared with where there is no account: the same work."""
    return _HASHER.hash("nobody has this password")
