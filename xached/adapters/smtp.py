"""Mail submission (RFC 6409) over the world's connections: one connection for each letter.

The client says EHLO, turns on TLS, proves who it is, and hands over one letter. What it will not
do is the point: it sends no password and no letter in clear unless the server is on this machine;
it reads nothing that came before TLS as if it came after; it waits a bounded time and reads a
bounded reply. A reply of the 500s about the letter is final, everything else can be tried again.

::

    connect -> 220          TLS from the start, or
    EHLO    -> 250          STARTTLS -> 220, TLS, EHLO again
    AUTH PLAIN -> 235       only inside TLS
    MAIL FROM -> 250, RCPT TO -> 250, DATA -> 354, the letter and a dot -> 250
    QUIT                    its answer does not matter any more
"""

from __future__ import annotations

import base64
import contextlib
import enum
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

import attrs
import trio

from xached.runtime.world import World

REPLY_LINES_MAX = 64
LINE_BYTES_MAX = 1_024
"""RFC 5321, 4.5.3.1.5 asks for 512; some servers say more in EHLO."""

SAID_CHARS_MAX = 200
STEP_S = 30.0
"""How long one answer may take. RFC 5321 allows minutes, which nobody who waits would."""

LETTER_S = 60.0
QUIT_S = 1.0
LOOPBACK = ("localhost", "127.0.0.1", "::1")

_NS_PER_S = 1_000_000_000
_ENVELOPE = re.compile(r"[!-~]+@[A-Za-z0-9.-]+", re.ASCII)
_REPLY = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*))?", re.DOTALL)


class MailRefused(Exception):  # noqa: N818 - what the server did
    """The server will not take this letter, today or ever. The text is the server's."""


class MailDelayed(Exception):  # noqa: N818 - what happened
    """The letter is not known to be taken: no connection, no answer, or "later". Try again."""


class Protection(enum.Enum):
    """How a connection to the server is kept secret."""

    TLS = "tls"
    """From the first byte; port 465."""
    STARTTLS = "starttls"
    """By the command; port 587. A server that does not offer it gets nothing."""
    NONE = "none"
    """Not at all: only to this machine."""


@attrs.frozen(kw_only=True)
class SmtpServer:
    """Who takes the house's mail. Without a user name no proof is offered."""

    host: str
    port: int
    protection: Protection
    username: str = ""
    password: str = attrs.field(default="", repr=False)
    client_name: str = "localhost"
    """What this machine calls itself in EHLO."""

    def __attrs_post_init__(self) -> None:
        assert self.protection is not Protection.NONE or self.host in LOOPBACK
        assert self.protection is not Protection.NONE or not self.username


@attrs.frozen(kw_only=True)
class Envelope:
    """One letter on its way."""

    message_id: str
    """Stays the same however often it is sent, so that a mailbox can tell a repetition."""
    sender_name: str
    sender: str
    recipient: str = attrs.field(repr=False)
    subject: str
    text: str = attrs.field(repr=False)
    at_ns: int


def compose(envelope: Envelope) -> bytes:
    """The bytes of a letter: plain text, ASCII, lines that end in CR LF.

    Raises: ValueError where a header would not be one line.
    """
    for field in (envelope.sender_name, envelope.subject, envelope.message_id):
        if not field.isprintable():
            raise ValueError("a header is one line of printable characters")
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(envelope.sender_name, addr_spec=envelope.sender)
    message["To"] = Address(addr_spec=envelope.recipient)
    message["Subject"] = envelope.subject
    message["Date"] = format_datetime(datetime.fromtimestamp(envelope.at_ns // _NS_PER_S, UTC))
    message["Message-ID"] = f"<{envelope.message_id}@{envelope.sender.rpartition('@')[2]}>"
    # RFC 3834: nobody's absence is to be answered to us.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(envelope.text, charset="utf-8", cte="quoted-printable")
    return message.as_bytes()


async def submit(world: World, server: SmtpServer, envelope: Envelope) -> None:
    """Hand one letter over. On return the server has taken it.

    Raises: MailRefused; MailDelayed, and then it may have been taken all the same.
    """
    letter = compose(envelope)
    for address in (envelope.sender, envelope.recipient):
        if _ENVELOPE.fullmatch(address) is None:
            raise MailRefused("an address that no server would take")
    with _delayed(), trio.fail_after(LETTER_S):
        tls = server.protection is Protection.TLS
        with trio.fail_after(STEP_S):
            stream = await world.dial(server.host, server.port, tls=tls)
        conversation = _Conversation(stream)
        try:
            await _submit(world, server, envelope, letter, conversation)
        finally:
            await trio.aclose_forcefully(conversation.stream)


async def _submit(
    world: World,
    server: SmtpServer,
    envelope: Envelope,
    letter: bytes,
    conversation: _Conversation,
) -> None:
    await conversation.expect(220, "the greeting")
    offers = await _hello(server, conversation)
    if server.protection is Protection.STARTTLS:
        if "STARTTLS" not in offers:
            raise MailDelayed("the server offers no STARTTLS, and nothing is sent without")
        await conversation.ask(b"STARTTLS", 220, "STARTTLS")
        await conversation.secure(world, server.host)
        await _hello(server, conversation)
    if server.username:
        proof = base64.b64encode(f"\0{server.username}\0{server.password}".encode())
        await conversation.ask(b"AUTH PLAIN " + proof, 235, "AUTH")
    await conversation.ask(f"MAIL FROM:<{envelope.sender}>".encode(), 250, "MAIL")
    await conversation.ask(f"RCPT TO:<{envelope.recipient}>".encode(), 250, "RCPT", of_letter=True)
    await conversation.ask(b"DATA", 354, "DATA", of_letter=True)
    await conversation.ask(_stuffed(letter), 250, "the letter", of_letter=True)
    with trio.move_on_after(QUIT_S), contextlib.suppress(MailDelayed, trio.BrokenResourceError):
        await conversation.ask(b"QUIT", 221, "QUIT")


async def _hello(server: SmtpServer, conversation: _Conversation) -> frozenset[str]:
    """Say who we are; what the server offers."""
    lines = await conversation.ask(f"EHLO {server.client_name}".encode(), 250, "EHLO")
    return frozenset(line.partition(" ")[0].upper() for line in lines[1:])


class _Conversation:
    """Lines to and from a server."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self._received = b""

    async def ask(
        self, command: bytes, code: int, step: str, *, of_letter: bool = False
    ) -> list[str]:
        """Send a line and wait for its answer. Raises: MailDelayed; MailRefused."""
        with trio.fail_after(STEP_S):
            await self.stream.send_all(command + b"\r\n")
        return await self.expect(code, step, of_letter=of_letter)

    async def expect(self, code: int, step: str, *, of_letter: bool = False) -> list[str]:
        """Wait for an answer. Only what is said ``of_letter`` can be final.

        Raises: MailDelayed; MailRefused.
        """
        with trio.fail_after(STEP_S):
            given, lines = await self._reply()
        if given == code or (given == 251 and code == 250):
            return lines
        said = f"{step}: {given} {' '.join(lines)}"[:SAID_CHARS_MAX]
        if of_letter and given >= 500:
            raise MailRefused(said)
        raise MailDelayed(said)

    async def secure(self, world: World, host: str) -> None:
        """Go on in TLS. What came before it was not proved by anybody, and is not looked at."""
        if self._received:
            raise MailDelayed("STARTTLS: the server went on in clear")
        with trio.fail_after(STEP_S):
            self.stream = await world.secure(self.stream, host)

    async def _reply(self) -> tuple[int, list[str]]:
        lines: list[str] = []
        while True:
            match = _REPLY.fullmatch(await self._line())
            if match is None:
                raise MailDelayed("the server does not speak SMTP")
            code, more, text = match.groups()
            lines.append(_shown(text or b""))
            if more != b"-":
                return int(code), lines
            if len(lines) >= REPLY_LINES_MAX:
                raise MailDelayed("the server's answer does not end")

    async def _line(self) -> bytes:
        while b"\n" not in self._received:
            if len(self._received) > LINE_BYTES_MAX:
                raise MailDelayed("the server's line does not end")
            received = await self.stream.receive_some(LINE_BYTES_MAX)
            if not received:
                raise MailDelayed("the server hung up")
            self._received += received
        line, _, self._received = self._received.partition(b"\n")
        return line.removesuffix(b"\r")


@contextlib.contextmanager
def _delayed() -> Iterator[None]:
    """What the network does, told as one thing."""
    try:
        yield
    except trio.TooSlowError:
        raise MailDelayed("the server takes too long") from None
    except (OSError, trio.BrokenResourceError) as error:
        raise MailDelayed(f"{type(error).__name__}: {error}"[:SAID_CHARS_MAX]) from error


def _stuffed(letter: bytes) -> bytes:
    """A letter as DATA takes it: a dot that begins a line is doubled, a lone one ends it."""
    assert letter.endswith(b"\r\n")
    return re.sub(rb"(?m)^\.", b"..", letter) + b"."


def _shown(text: bytes) -> str:
    """What a server says, fit for a log."""
    return "".join(char if " " <= char <= "~" else "?" for char in text.decode("latin-1"))
