"""How a receiver knows that a call came from here: the scheme of Standard Webhooks (HMAC-SHA256).

What comes in: the tenant's secret, the message's id, the time and the body. What goes out: the three headers. Who
calls it: the sender of webhooks; receivers check with any Standard Webhooks library. The id is the same for every
attempt, so a receiver can drop repeats by it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping

PREFIX = "whsec_"


def tenant_secret(key: str, tenant: str) -> str:
    """The secret that a tenant shares with its receivers, made from the installation's key; starts with `whsec_`."""
    digest = hmac.new(key.encode(), f"fieldstone webhook {tenant}".encode(), hashlib.sha256).digest()
    return PREFIX + base64.b64encode(digest).decode()


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """`v1,` and the base64 HMAC of `id.timestamp.body`."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def headers(secret: str, message_id: str, timestamp: int, body: bytes) -> Mapping[str, str]:
    """The headers of one attempt; `timestamp` is in seconds since 1970."""
    return {
        "Content-Type": "application/json",
        "User-Agent": "Fieldstone-Webhooks/1",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(secret, message_id, timestamp, body),
    }
