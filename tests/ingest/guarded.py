"""A broker with a second listener that not everybody may use: TLS, passwords, access lists."""

from __future__ import annotations

import base64
import hashlib
import socket
from collections.abc import Sequence
from pathlib import Path

import trustme

import deploy

_CONF = """\
per_listener_settings true
include_dir /settings/broker
persistence_location /state/
listener {port} 127.0.0.1
allow_anonymous true
listener {guarded_port} 127.0.0.1
{rules}
"""


class GuardedBroker(deploy.Broker):
    """The stack's broker, and a listener at `guarded_port` with the lines of `rules`; files go to `state`."""

    rules = ""
    guarded_port = 0

    def prepare(self, port: int) -> Sequence[str]:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.guarded_port = probe.getsockname()[1]
        command = super().prepare(port)
        conf = _CONF.format(port=port, guarded_port=self.guarded_port, rules=self.rules)
        (self.state / "broker.conf").write_text(conf)
        return command

    def with_passwords(self, users: dict[str, str], access: str) -> None:
        """Let only these users in, each to what the access list says."""
        self.state.mkdir(parents=True)
        lines = [f"{name}:{_hashed(password)}" for name, password in users.items()]
        (self.state / "passwords").write_text("\n".join(lines) + "\n")
        (self.state / "access").write_text(access)
        self.rules = "allow_anonymous false\npassword_file /state/passwords\nacl_file /state/access"

    def with_tls(self, authority: trustme.CA, *, client_certificates: bool) -> None:
        """Speak TLS with a certificate of this authority for 127.0.0.1."""
        self.state.mkdir(parents=True)
        certificate = authority.issue_cert("127.0.0.1")
        authority.cert_pem.write_to_path(self.state / "ca.pem")
        certificate.private_key_pem.write_to_path(self.state / "key.pem")
        for number, part in enumerate(certificate.cert_chain_pems):
            part.write_to_path(self.state / "certificate.pem", append=number > 0)
        self.rules = (
            "allow_anonymous true\ncafile /state/ca.pem\ncertfile /state/certificate.pem\nkeyfile /state/key.pem\n"
            f"require_certificate {'true' if client_certificates else 'false'}"
        )


def write_client(authority: trustme.CA, folder: Path) -> tuple[Path, Path, Path]:
    """Write an authority's certificate and a client certificate with its key; returns the three files."""
    client = authority.issue_cert("gateway.example")
    files = (folder / "ca.pem", folder / "client.pem", folder / "client.key")
    authority.cert_pem.write_to_path(files[0])
    client.private_key_pem.write_to_path(files[2])
    for number, part in enumerate(client.cert_chain_pems):
        part.write_to_path(files[1], append=number > 0)
    return files


def _hashed(password: str) -> str:
    """A password as Mosquitto keeps it: PBKDF2 with SHA-512."""
    salt = b"twelve bytes"
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 101)
    return f"$7$101${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"
