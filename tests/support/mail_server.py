"""A real SMTP server that keeps what it gets and refuses whom it is told to."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class Mail:
    """One message as it was handed in."""

    sender: str
    recipients: list[str]
    content: bytes

    @property
    def parsed(self) -> EmailMessage:
        """The message with its headers and parts."""
        message = BytesParser(policy=policy.default).parsebytes(self.content)
        assert isinstance(message, EmailMessage)
        return message


@dataclass
class MailServer:
    """`mails` are what arrived; `refuse[address]` is answered to RCPT; `reject` is answered to the next DATA
    (what came with it is in `rejected`)."""

    mails: list[Mail] = field(default_factory=list)
    refuse: dict[str, str] = field(default_factory=dict)
    reject: list[str] = field(default_factory=list)
    rejected: list[Mail] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)
    port: int = 0

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        """aiosmtpd's hook for a recipient."""
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """aiosmtpd's hook for a message."""
        mail = Mail(envelope.mail_from, list(envelope.rcpt_tos), envelope.content)
        if self.reject:
            self.rejected.append(mail)
            return self.reject.pop(0)
        self.mails.append(mail)
        return "250 OK"

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        """aiosmtpd's hook for a login: the password is `geheim`."""
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login.decode(), data.password.decode()))
        good = data.password == b"geheim"
        # "handled" would mean that this hook had answered the client itself.
        return AuthResult(success=good, handled=good)


@contextmanager
def mail_server(
    context: ssl.SSLContext | None = None, smtps: bool = False, login: bool = False
) -> Iterator[MailServer]:
    """A server on this machine: plain, with STARTTLS (`context`), or TLS from the start (`smtps`)."""
    server = MailServer()
    options: dict[str, Any] = {"hostname": "127.0.0.1", "port": 0, "authenticator": server.authenticate}
    if smtps:
        options |= {"ssl_context": context, "auth_require_tls": False}
    elif context is not None:
        options |= {"tls_context": context, "require_starttls": True}
    controller = Bound(server, auth_required=login, **options)
    controller.start()
    server.port = controller.bound
    try:
        yield server
    finally:
        controller.stop()


class Bound(Controller):
    """A controller on a port the system chose."""

    @property
    def bound(self) -> int:
        """The port."""
        assert self.server is not None
        return int(self.server.sockets[0].getsockname()[1])

    def _trigger_server(self) -> None:
        # The controller proves that it runs by connecting to the port it was asked for, which is not the one it got.
        self.port = self.bound
        super()._trigger_server()


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context with a certificate for 127.0.0.1 made for it, and a client's that trusts nothing else."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    return server, ssl.create_default_context(cafile=str(pem))
