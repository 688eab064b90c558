"""Who sends: the headers of a message by the rules of Standard Webhooks 1.0.0, for which receivers find a library.

webhook-id: release-web-12-3        the same at every try, so a receiver may drop what it has
webhook-timestamp: 1674087231       of this try; receivers refuse what is older than some minutes
webhook-signature: v1,BASE64        HMAC-SHA256 of "id.timestamp.body"; only where a secret is set
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re

PREFIX = "whsec_"
_UNSAFE = re.compile(r"[^A-Za-z0-9_.:%-]+")


def headers(identity: str, now: float, body: bytes, secret: str) -> dict[str, str]:
    """The three headers, or two without a secret. `now` in seconds since the epoch. Of `identity`, what may not stand in a
    header becomes a hyphen."""
    identity = _UNSAFE.sub("-", identity)
    made = {"webhook-id": identity, "webhook-timestamp": str(int(now)), "Content-Type": "application/json"}
    if secret:
        signed = b"%b.%d.%b" % (identity.encode(), int(now), body)
        digest = hmac.new(key_of(secret), signed, hashlib.sha256).digest()
        made["webhook-signature"] = "v1," + base64.b64encode(digest).decode()
    return made


def key_of(secret: str) -> bytes:
    """The key of a secret: `whsec_` and base64 as the standard writes it, or any other text as it is. Raises ValueError."""
    if not secret.startswith(PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise ValueError(f"after {PREFIX} comes base64") from None
