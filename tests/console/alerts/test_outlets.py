"""What reaches a receiver: webhooks that can be checked, mails over TLS, and what Alertmanager understands."""

from __future__ import annotations

import email
import email.policy
import hashlib
import hmac
import ssl
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
import trustme

from console.alerts import Change, Transition
from console.alerts.notices import alert_topic, message
from console.alerts.outlets import Alertmanager, DeliveryError, Mail, Parcel, Webhook
from engine.store.alerts import Alert
from tests.console.alerts.make import HOUR_US, T0
from tests.console.alerts.receivers import LOOPBACK, http_receiver, smtp_receiver

NOW_US = T0 + HOUR_US
ALERT = Alert(
    "pm_high", "threshold", "zone:north", "critical", "초미세먼지 is\nhigh", "40 µg/m³, above 35", T0, T0,
    "pm2_5_mean-hour", T0, Decimal("40.125"), Decimal(35), "ug/m3", alert_id=7,
)  # fmt: skip
PARCEL = Parcel(12, message("seoul", Transition(Change.OPENED, ALERT, True, ALERT.detail), NOW_US), NOW_US)


def test_a_webhook_gets_json_that_its_receiver_can_check() -> None:
    with http_receiver() as receiver:
        Webhook(f"{receiver.url}/hook", "s3cret").send(PARCEL)
        Webhook(receiver.url).send(PARCEL)
    signed, bare = receiver.got
    told = signed.json
    assert (told["event"], told["city"], told["alert"]["scope"], told["alert"]["value"]) == (
        "opened", "seoul", "zone:north", "40.125",
    )  # fmt: skip
    assert (signed.path, signed.headers["x-cityvitals-delivery"]) == ("/hook", "12")
    stamp = signed.headers["x-cityvitals-timestamp"]
    wanted = hmac.new(b"s3cret", stamp.encode() + b"." + signed.body, hashlib.sha256).hexdigest()
    assert signed.headers["x-cityvitals-signature"] == f"sha256={wanted}"
    assert int(stamp) == NOW_US // 1_000_000
    assert "x-cityvitals-signature" not in bare.headers


@pytest.mark.parametrize("status", [302, 404, 500])
def test_an_answer_that_is_no_yes_is_a_failure_and_no_redirect_is_followed(status: int) -> None:
    with http_receiver() as receiver:
        receiver.status = status
        with pytest.raises(DeliveryError, match=str(status)):
            Webhook(receiver.url).send(PARCEL)
    assert len(receiver.got) == 1


def test_a_receiver_that_is_away_is_a_failure_that_does_not_tell_the_address() -> None:
    with http_receiver() as receiver:
        gone = receiver.url
    with pytest.raises(DeliveryError) as failed:
        Webhook(f"{gone}/token-123").send(PARCEL)
    assert "token-123" not in str(failed.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:x/token-123", "http://127.0.0.1:1/token-123\x7f", "token-123"])
def test_an_address_that_is_none_is_a_failure_that_does_not_tell_it(url: str) -> None:
    with pytest.raises(DeliveryError) as failed:
        Webhook(url).send(PARCEL)
    assert "token-123" not in str(failed.value)


def test_what_cannot_be_a_header_is_a_failure_and_no_other_header() -> None:
    with pytest.raises(DeliveryError, match="cannot be a mail"):
        Mail("smtp://127.0.0.1:1", "duty@city.example\nBcc: other@city.example", ("a@city.example",)).send(PARCEL)


def test_a_mail_goes_out_encrypted_with_everything_that_is_known(tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(LOOPBACK).configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    with smtp_receiver(context) as server:
        url = f"smtp://duty:p%40ss@{LOOPBACK}:{server.port}"
        Mail(url, "alerts@city.example", ("a@x.example", "b@x.example"), ca_file=tmp_path / "ca.pem").send(PARCEL)
    ((to, text, encrypted),) = server.got
    assert (to, encrypted, len(server.logins)) == (["a@x.example", "b@x.example"], True, 1)
    mail = email.message_from_bytes(text.encode(), policy=email.policy.default)
    assert mail["Subject"] == "[critical] opened: 초미세먼지 is high - zone:north (seoul)"
    assert mail["Message-ID"].startswith("<alert-12.")
    body = mail.get_content()
    assert "40 µg/m³, above 35" in body
    assert "value: 40.125" in body


def test_no_mail_goes_out_where_the_server_does_not_encrypt_unless_that_is_wanted() -> None:
    with smtp_receiver() as server:
        url = f"smtp://{LOOPBACK}:{server.port}"
        with pytest.raises(DeliveryError, match="STARTTLS"):
            Mail(url, "a@x.example", ("b@x.example",)).send(PARCEL)
        assert server.got == []
        Mail(url, "a@x.example", ("b@x.example",), starttls=False).send(PARCEL)
        assert len(server.got) == 1
        server.refuse = True
        with pytest.raises(DeliveryError, match="refuse"):
            Mail(url, "a@x.example", ("b@x.example",), starttls=False).send(PARCEL)


def test_alertmanager_is_told_what_stands_until_later_and_what_ended_when() -> None:
    shelved = replace(ALERT, scope="zone:south", shelved_until_us=NOW_US + 1, shelved_by="kim")
    ended = replace(ALERT, scope="city", cleared_us=T0 + 5, cause="over")
    with http_receiver() as receiver:
        assert Alertmanager(f"{receiver.url}/", "seoul").tell([ALERT, shelved, ended], NOW_US) == 2
        assert Alertmanager(receiver.url, "seoul").tell([shelved], NOW_US) == 0
    (got,) = receiver.got
    assert got.path == "/api/v2/alerts"
    standing, over = got.json
    assert standing["labels"] == {
        "alertname": "pm_high", "severity": "critical", "city": "seoul", "scope": "zone:north", "kind": "threshold",
    }  # fmt: skip
    assert standing["annotations"] == {"summary": ALERT.title, "description": ALERT.detail}
    assert standing["startsAt"] < over["endsAt"] < standing["endsAt"]


def test_a_topic_holds_any_name_of_a_gateway() -> None:
    assert (
        alert_topic("seoul", "silent", "gateway:roof/+ #1") == "cityvitals/seoul/alert/silent/gateway:roof%2F%2B%20%231"
    )
    assert alert_topic("seoul", "silent", "station:a.b-1_2") == "cityvitals/seoul/alert/silent/station:a.b-1_2"
