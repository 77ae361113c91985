"""Signatures, against the reference implementation of Standard Webhooks."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from alerts.errors import SigningError
from alerts.signing import secrets_of, sign, verify

OLD = "whsec_" + base64.b64encode(b"o" * 32).decode()
NEW = "whsec_" + base64.b64encode(b"n" * 32).decode()
BODY = '{"résumé": "ü"}'.encode()


def test_the_reference_package_verifies_what_we_sign() -> None:
    now = datetime.now(UTC)
    headers = sign(secrets_of(NEW), "msg_1", now, BODY)
    assert Webhook(NEW).verify(BODY, headers) == {"résumé": "ü"}
    with pytest.raises(WebhookVerificationError):
        Webhook(NEW).verify(BODY + b" ", headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(OLD).verify(BODY, headers)


def test_both_secrets_verify_during_a_rotation() -> None:
    headers = sign(secrets_of(f"{NEW},{OLD}"), "msg_1", datetime.now(UTC), BODY)
    for secret in (NEW, OLD):
        Webhook(secret).verify(BODY, headers)


def test_we_verify_what_the_reference_package_signs() -> None:
    now = datetime.now(UTC)
    signature = Webhook(NEW).sign("msg_2", now, BODY.decode())
    headers = {"Webhook-Id": "msg_2", "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature}
    verify(secrets_of(NEW), headers, BODY, now)
    verify(secrets_of(f"{OLD},{NEW}"), headers, BODY, now)
    with pytest.raises(SigningError, match="no signature"):
        verify(secrets_of(OLD), headers, BODY, now)
    with pytest.raises(SigningError, match="5 minutes"):
        verify(secrets_of(NEW), headers, BODY, now + timedelta(minutes=6))
    with pytest.raises(SigningError, match="missing"):
        verify(secrets_of(NEW), {}, BODY, now)


@pytest.mark.parametrize("wrong", ["", " , ", "whsec_###", "whsec_" + base64.b64encode(b"short").decode()])
def test_a_malformed_secret_is_refused_and_never_repeated(wrong: str) -> None:
    with pytest.raises(SigningError) as caught:
        secrets_of(wrong)
    assert not wrong.strip(" ,") or wrong not in str(caught.value)
