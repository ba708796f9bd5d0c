"""Where messages about alerts go: webhooks, mail, and Prometheus Alertmanager. Each sends one, and says if it failed.

Knows HTTP and SMTP; knows no outbox and no rule.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import smtplib
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import unquote, urlsplit

from console.text import EPOCH
from devices import rfc3339, time_us_from_rfc3339
from engine.store.alerts import Alert

TIMEOUT_S: Final = 10.0
RESOLVE_US: Final = 4 * 60_000_000
"""An alert of which Alertmanager was not told for so long is over for it: four times the pause between tellings."""
USER_AGENT: Final = "cityvitals"


class DeliveryError(Exception):
    """Something could not be delivered this time; says why."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """One message on its way.

    Attributes:
        number: the same for every attempt, so that a receiver that got it twice can tell.
        body: JSON, see `notices.message`.
        now_us: the present.
    """

    number: int
    body: str
    now_us: int


class Outlet(Protocol):
    """Where messages go."""

    def send(self, parcel: Parcel) -> None:
        """Deliver one message.

        Raises:
            DeliveryError
        """


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A message goes where it was meant to go, or nowhere."""

    def redirect_request(self, *_: Any) -> None:
        """Follow nothing."""
        return


_OPENER = urllib.request.build_opener(_NoRedirect)


def post(url: str, body: bytes, headers: Mapping[str, str]) -> None:
    """Send a body by HTTP POST.

    Raises:
        DeliveryError: it was not taken; never tells the address, which may hold a secret.
    """
    headers = {"Content-Type": "application/json", "User-Agent": USER_AGENT, **headers}
    try:
        request = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310  (http or https, by the settings)
        # What is answered says nothing: whoever sends it slowly for ever holds nobody up.
        _OPENER.open(request, timeout=TIMEOUT_S).close()
    except urllib.error.HTTPError as error:
        error.close()
        raise DeliveryError(f"answered {error.code} {error.reason}") from None
    except OSError as error:
        raise DeliveryError(f"cannot be reached: {getattr(error, 'reason', error)}") from None
    except (http.client.HTTPException, ValueError) as error:
        raise DeliveryError(f"cannot be reached: {type(error).__name__}") from None  # its text may name the address


def signature(secret: str, now_s: int, body: bytes) -> str:
    """Return what a webhook's receiver compares: HMAC-SHA256 of `<seconds>.<body>`, in hexadecimal digits."""
    return hmac.new(secret.encode(), f"{now_s}.".encode() + body, hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class Webhook:
    """An address that gets every message as HTTP POST.

    Attributes:
        url: http or https.
        secret: signs the messages; None: they are not signed.
    """

    url: str
    secret: str | None = None

    def send(self, parcel: Parcel) -> None:
        """Deliver one message.

        Raises:
            DeliveryError
        """
        body, now_s = parcel.body.encode(), parcel.now_us // 1_000_000
        headers = {"X-Cityvitals-Delivery": str(parcel.number), "X-Cityvitals-Timestamp": str(now_s)}
        if self.secret is not None:
            headers["X-Cityvitals-Signature"] = f"sha256={signature(self.secret, now_s, body)}"
        post(self.url, body, headers)


@dataclass(frozen=True, slots=True)
class Mail:
    """People who get a mail for every message.

    Attributes:
        server: `smtp://user:password@host:port` or `smtps://…`.
        sender: whose mail it is.
        receivers: who gets it.
        starttls: with `smtp`, nothing is sent over a connection that the server does not encrypt.
        ca_file: certificates that the server's is checked against; the system's where left out.
    """

    server: str
    sender: str
    receivers: tuple[str, ...]
    starttls: bool = True
    ca_file: Path | None = None

    def send(self, parcel: Parcel) -> None:
        """Deliver one message.

        Raises:
            DeliveryError
        """
        parts = urlsplit(self.server)
        host = parts.hostname or ""
        try:
            mail = self._mail(parcel)
            context = ssl.create_default_context(cafile=None if self.ca_file is None else str(self.ca_file))
            with self._connected(parts.scheme, host, parts.port, context) as connection:
                if parts.scheme == "smtp" and self.starttls:
                    connection.starttls(context=context)
                if parts.username is not None:
                    connection.login(unquote(parts.username), unquote(parts.password or ""))
                connection.send_message(mail, self.sender, self.receivers)
        except (OSError, smtplib.SMTPException) as error:
            raise DeliveryError(f"the mail server refuses: {_said(error)}") from None
        except ValueError as error:  # an address or a name that no mail and no server can have
            raise DeliveryError(f"this cannot be a mail: {error}") from None

    @staticmethod
    def _connected(scheme: str, host: str, port: int | None, context: ssl.SSLContext) -> smtplib.SMTP:
        if scheme == "smtps":
            return smtplib.SMTP_SSL(host, port or 465, timeout=TIMEOUT_S, context=context)
        return smtplib.SMTP(host, port or 587, timeout=TIMEOUT_S)

    def _mail(self, parcel: Parcel) -> EmailMessage:
        told = json.loads(parcel.body)
        alert = told["alert"]
        mail = EmailMessage()
        mail["From"], mail["To"] = self.sender, ", ".join(self.receivers)
        words = f"[{alert['severity']}] {told['event']}: {alert['title']} - {alert['scope']} ({told['city']})"
        mail["Subject"] = " ".join(words.split())
        at_us = time_us_from_rfc3339(told["at"])
        mail["Date"] = format_datetime(EPOCH.fromtimestamp(at_us / 1_000_000, EPOCH.tzinfo))
        # The same for every attempt: a server that took it once may throw the second away.
        mail["Message-ID"] = f"<alert-{parcel.number}.{at_us}@{self.sender.rpartition('@')[2] or 'cityvitals'}>"
        mail["Auto-Submitted"] = "auto-generated"
        lines = [
            f"{told['event'].upper()}: {' '.join(alert['title'].split())}", told["text"], "",
            *(f"{key}: {alert[key]}" for key in _MAILED if alert[key] not in (None, [], False)),
        ]  # fmt: skip
        # Not every server takes bytes above 127.
        mail.set_content("\n".join(lines) + "\n", cte="quoted-printable")
        return mail


_MAILED: Final = (
    "id", "rule", "scope", "severity", "state", "detail", "value", "limit", "unit", "members", "examples", "opened",
    "cleared", "acknowledged_by", "escalated",
)  # fmt: skip


def _said(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        return f"{error.smtp_code} {said.decode('utf-8', 'replace') if isinstance(said, bytes) else said}"
    return str(error) or type(error).__name__


@dataclass(frozen=True, slots=True)
class Alertmanager:
    """A Prometheus Alertmanager, told of everything that stands again and again: it takes silence for an end.

    Attributes:
        url: its address, without `/api/v2/alerts`.
        city: code of the city.
    """

    url: str
    city: str

    def tell(self, alerts: Iterable[Alert], now_us: int) -> int:
        """Tell it what stands and what was cleared lately; return how many it was told of.

        Raises:
            DeliveryError
        """
        found = [self._labelled(one, now_us) for one in alerts if not one.shelved(now_us)]
        if found:
            post(f"{self.url.rstrip('/')}/api/v2/alerts", json.dumps(found).encode(), {})
        return len(found)

    def _labelled(self, alert: Alert, now_us: int) -> dict[str, object]:
        ends_us = now_us + RESOLVE_US if alert.cleared_us is None else alert.cleared_us
        return {
            "labels": {
                "alertname": alert.rule, "severity": alert.severity, "city": self.city, "scope": alert.scope,
                "kind": alert.kind,
            },
            "annotations": {"summary": alert.title, "description": alert.detail},
            "startsAt": rfc3339(alert.opened_us),
            "endsAt": rfc3339(ends_us),
        }  # fmt: skip


def addresses(text: str | None) -> Sequence[str]:
    """Return the addresses of a setting, between which stand commas or blanks."""
    return (text or "").replace(",", " ").split()
