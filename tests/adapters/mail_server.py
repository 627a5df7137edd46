"""A real mail server (aiosmtpd) on a free port, in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import attrs
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

USERNAME = "xache"
PASSWORD = "mail-room-key"


@attrs.frozen
class Received:
    """One letter, as the server took it."""

    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage
    encrypted: bool

    @property
    def text(self) -> str:
        """What the letter says."""
        content = self.message.get_content()
        assert isinstance(content, str)
        return content


@attrs.define(eq=False)
class MailServer:
    """What a server got, and what it is to say."""

    port: int = 0
    letters: list[Received] = attrs.field(factory=list)
    answers: list[str] = attrs.field(factory=list)
    """Said instead of taking the next letters."""
    recipient_answer: str = ""
    """Said to RCPT when it is not empty."""
    arrived: threading.Condition = attrs.field(factory=threading.Condition)
    """Told when a letter was taken."""

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.recipient_answer:
            return self.recipient_answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.answers:
            return self.answers.pop(0)
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        assert server.transport is not None
        self.letters.append(
            Received(
                envelope.mail_from or "",
                tuple(envelope.rcpt_tos),
                message,
                server.transport.get_extra_info("sslcontext") is not None,
            )
        )
        with self.arrived:
            self.arrived.notify_all()
        return "250 taken"


def check_login(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
) -> AuthResult:
    right = LoginPassword(USERNAME.encode(), PASSWORD.encode())
    return AuthResult(success=mechanism == "PLAIN" and data == right, handled=False)


@contextlib.contextmanager
def mail_server(
    context: ssl.SSLContext | None = None, *, starttls: bool = True, login: bool = False
) -> Iterator[MailServer]:
    """Serve until the end of the block; with a context in TLS, at once or by STARTTLS."""
    server = MailServer()
    loop = asyncio.new_event_loop()

    def protocol() -> SMTP:
        return SMTP(
            server,
            hostname="mail.test",
            tls_context=context if starttls else None,
            require_starttls=context is not None and starttls,
            auth_required=login,
            authenticator=check_login if login else None,
            loop=loop,
        )

    direct = None if starttls else context
    listener = loop.run_until_complete(loop.create_server(protocol, "127.0.0.1", 0, ssl=direct))
    server.port = listener.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(listener.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
