from __future__ import annotations

import time

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from tidegate.control.signature import headers, key_of

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"type":"release.complete","text":"\xc3\xa9"}'


def test_a_receiver_with_the_standards_library_believes_us():
    made = headers("release-web-12-3", time.time(), BODY, SECRET)
    assert Webhook(SECRET).verify(BODY.decode(), made) == {"type": "release.complete", "text": "é"}


@pytest.mark.parametrize(
    ("body", "secret", "identity"),
    [
        (BODY + b" ", SECRET, "release-web-12-3"),
        (BODY, "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "release-web-12-3"),
        (BODY, SECRET, "release-web-12-4"),
    ],
)
def test_a_receiver_does_not_believe_what_was_changed(body, secret, identity):
    made = headers("release-web-12-3", time.time(), BODY, SECRET) | {"webhook-id": identity}
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body.decode(), made)


def test_an_identity_may_hold_what_a_header_may_not():
    made = headers("release-web-12-share 5 %\r\nX: é", time.time(), BODY, SECRET)
    assert made["webhook-id"] == "release-web-12-share-5-%-X:-"
    assert Webhook(SECRET).verify(BODY.decode(), made)


def test_without_a_secret_nothing_is_signed():
    made = headers("a", 1674087231.9, BODY, "")
    assert made == {"webhook-id": "a", "webhook-timestamp": "1674087231", "Content-Type": "application/json"}


def test_any_text_is_a_secret():
    assert key_of("swordfish") == b"swordfish"
    assert key_of("whsec_AAEC") == b"\x00\x01\x02"
    with pytest.raises(ValueError, match="base64"):
        key_of("whsec_!")
