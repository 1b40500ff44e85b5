"""Secrets: made here, stored only as hashes.

Tokens and session secrets are 256 random bits, so a plain SHA-256 of them cannot be guessed back; passwords go
through argon2 in `passwords`. A presented secret carries its tenant in clear (`fs_acme_...`, `acme....`), so the
tenant is known before any query; the hash covers the whole text, so a secret is worth nothing in another tenant.
"""

from __future__ import annotations

import hashlib
import secrets

BITS = 256


def new_secret() -> str:
    """256 random bits, URL-safe, 43 characters."""
    return secrets.token_urlsafe(BITS // 8)


def hash_secret(secret: str) -> str:
    """What is stored instead of a secret: SHA-256 in hex."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def new_token(tenant: str) -> str:
    """An API token of a tenant: `fs_<tenant>_<secret>`."""
    return f"fs_{tenant}_{new_secret()}"


def new_session_secret(tenant: str) -> str:
    """The value of a session cookie: `<tenant>.<secret>`."""
    return f"{tenant}.{new_secret()}"


def new_one_time_token(tenant: str) -> str:
    """A token to set a password with, once: `fsp_<tenant>_<secret>`."""
    return f"fsp_{tenant}_{new_secret()}"


def new_recovery_code() -> str:
    """80 random bits as four groups of four letters and digits, without look-alikes, for typing by hand."""
    letters = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
    code = "".join(secrets.choice(letters) for _ in range(16))
    return "-".join(code[start : start + 4] for start in range(0, 16, 4))


def tidy_recovery_code(typed: str) -> str:
    """What a person typed, in the form the code was made in."""
    letters = "".join(character for character in typed.upper() if character.isalnum())[:16]
    return "-".join(letters[start : start + 4] for start in range(0, len(letters), 4))
