"""Mail submission: to a real server over real sockets, and to servers that misbehave.

Checked by breaking, each seen red: no dot-stuffing, a password sent before STARTTLS, bytes from
before TLS read as if they came after, and a refusal of the recipient that counts as "later".
"""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from tests.adapters.mail_server import PASSWORD, USERNAME, mail_server
from xached.adapters.smtp import (
    Envelope,
    MailDelayed,
    MailRefused,
    Protection,
    SmtpServer,
    compose,
    submit,
)
from xached.runtime.world import RealWorld, SimulatedWorld

TEXT = "Your code is ABCD-EFGH.\n\n.a line with a dot\n.\n..\nAnd one more: ä\n"


def letter(recipient: str = "alice@example.com", subject: str = "Your code") -> Envelope:
    return Envelope(
        message_id="m1",
        sender_name="XACHE",
        sender="house@xache.example",
        recipient=recipient,
        subject=subject,
        text=TEXT,
        at_ns=1_767_225_600_000_000_000,
    )


def to(port: int, protection: Protection = Protection.NONE, password: str = "") -> SmtpServer:
    return SmtpServer(
        host="localhost",
        port=port,
        protection=protection,
        username=USERNAME if password else "",
        password=password,
    )


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A key and its certificate, self-signed for localhost."""
    directory = tmp_path_factory.mktemp("tls")
    key, certificate = directory / "key.pem", directory / "certificate.pem"
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
        f"-subj /CN=mail -addext subjectAltName=DNS:localhost -keyout {key} -out {certificate}"
    )
    subprocess.run(command.split(), check=True, capture_output=True)
    return key, certificate


def context(pair: tuple[Path, Path]) -> ssl.SSLContext:
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(pair[1], pair[0])
    return serving


def trusting(pair: tuple[Path, Path]) -> RealWorld:
    return RealWorld(ssl.create_default_context(cafile=str(pair[1])))


async def test_a_letter_arrives_as_it_was_written() -> None:
    with mail_server() as server:
        await submit(RealWorld(), to(server.port), letter())
        await submit(RealWorld(), to(server.port), letter())
    first, second = server.letters
    assert first.sender == "house@xache.example"
    assert first.recipients == ("alice@example.com",)
    assert first.text.replace("\r\n", "\n") == TEXT
    assert first.message["From"] == "XACHE <house@xache.example>"
    assert first.message["To"] == "alice@example.com"
    assert first.message["Subject"] == "Your code"
    assert first.message["Auto-Submitted"] == "auto-generated"
    assert first.message["Message-ID"] == second.message["Message-ID"] == "<m1@xache.example>"


@pytest.mark.parametrize("protection", [Protection.STARTTLS, Protection.TLS])
async def test_the_password_and_the_letter_go_through_tls(
    pair: tuple[Path, Path], protection: Protection
) -> None:
    starttls = protection is Protection.STARTTLS
    with mail_server(context(pair), starttls=starttls, login=starttls) as server:
        password = PASSWORD if starttls else ""
        await submit(trusting(pair), to(server.port, protection, password), letter())
    assert [each.encrypted for each in server.letters] == [True]


async def test_a_server_that_nobody_vouches_for_gets_nothing(pair: tuple[Path, Path]) -> None:
    for protection in (Protection.STARTTLS, Protection.TLS):
        starttls = protection is Protection.STARTTLS
        with (
            mail_server(context(pair), starttls=starttls) as server,
            pytest.raises(MailDelayed, match="certificate verify failed"),
        ):
            await submit(RealWorld(), to(server.port, protection), letter())
        assert server.letters == []


async def test_a_wrong_password_of_ours_does_not_make_letters_refused(
    pair: tuple[Path, Path],
) -> None:
    with (
        mail_server(context(pair), login=True) as server,
        pytest.raises(MailDelayed, match="AUTH: 535"),
    ):
        await submit(trusting(pair), to(server.port, Protection.STARTTLS, "wrong"), letter())


async def test_what_a_server_says_of_a_letter_is_final_or_not() -> None:
    with mail_server() as server:
        server.answers = ["451 later", "554 never"]
        with pytest.raises(MailDelayed, match="the letter: 451 later"):
            await submit(RealWorld(), to(server.port), letter())
        with pytest.raises(MailRefused, match="the letter: 554 never"):
            await submit(RealWorld(), to(server.port), letter())
        server.recipient_answer = "550 no such box"
        with pytest.raises(MailRefused, match="RCPT: 550 no such box"):
            await submit(RealWorld(), to(server.port), letter())
        server.recipient_answer = "450 try again"
        with pytest.raises(MailDelayed, match="RCPT: 450 try again"):
            await submit(RealWorld(), to(server.port), letter())
        assert server.letters == []


async def test_nobody_listens() -> None:
    with mail_server() as server:
        pass
    with pytest.raises(MailDelayed, match=r"OSError|Connection"):
        await submit(RealWorld(), to(server.port), letter())


# --- Servers that misbehave, in a simulated world. -------------------------------------------

Script = Callable[[trio.abc.HalfCloseableStream], Awaitable[None]]


def world(script: Script) -> SimulatedWorld:
    return SimulatedWorld(1, servers={"localhost": script})


async def saying(stream: trio.abc.HalfCloseableStream, heard: list[bytes], said: bytes) -> None:
    """Say it all at once, and listen until the other hangs up."""
    await stream.send_all(said)
    async for data in stream:
        heard.append(bytes(data))


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n", "does not speak SMTP"),
        (b"220-and\r\n" * 70, "does not end"),
        (b"2" * 5_000, "does not end"),
        (b"220 \xff\x1b[31mhello\r\n421 \x1b[2Jgone\r\n", r"EHLO: 421 \?\[2Jgone"),
        (b"554 go away\r\n", "greeting: 554 go away"),
        (b"220 x\r\n250 x\r\n250 x\r\n250 x\r\n", "takes too long"),
        (b"", "takes too long"),
    ],
)
async def test_a_server_can_say_what_it_likes(
    autojump_clock: MockClock, said: bytes, told: str
) -> None:
    heard: list[bytes] = []
    with pytest.raises(MailDelayed, match=told):
        await submit(world(partial(saying, heard=heard, said=said)), to(25), letter())
    assert trio.current_time() < 61


async def test_without_starttls_no_password_is_sent(autojump_clock: MockClock) -> None:
    heard: list[bytes] = []
    said = b"220 x\r\n250-x\r\n250 AUTH PLAIN\r\n235 in\r\n"
    server = to(25, Protection.STARTTLS, PASSWORD)
    with pytest.raises(MailDelayed, match="offers no STARTTLS"):
        await submit(world(partial(saying, heard=heard, said=said)), server, letter())
    assert b"".join(heard) == b"EHLO localhost\r\n"


async def test_what_was_said_before_tls_is_not_heard_after_it(autojump_clock: MockClock) -> None:
    """Somebody in between adds answers to the one to STARTTLS, for us to read later."""
    heard: list[bytes] = []
    said = b"220 x\r\n250-x\r\n250 STARTTLS\r\n220 go on\r\n250 AUTH PLAIN\r\n235 in\r\n"
    server = to(25, Protection.STARTTLS, PASSWORD)
    with pytest.raises(MailDelayed, match="went on in clear"):
        await submit(world(partial(saying, heard=heard, said=said)), server, letter())
    assert b"AUTH" not in b"".join(heard)


async def test_a_server_that_hangs_up_after_the_letter_has_taken_it(
    autojump_clock: MockClock,
) -> None:
    heard = bytearray()

    async def script(stream: trio.abc.HalfCloseableStream) -> None:
        await stream.send_all(b"220 x\r\n250 x\r\n250 x\r\n250 x\r\n354 go\r\n250 taken\r\n")
        while b"\r\n.\r\n" not in heard:
            heard.extend(await stream.receive_some(10_000))

    await submit(world(script), to(25), letter())
    assert heard.count(b"RCPT TO:<alice@example.com>") == 1
    assert heard.count(b"Subject: Your code") == 1, "it is not sent again"


@pytest.mark.parametrize(
    "recipient", ["a@b.example\r\nRCPT TO:<c@d.example>", "a b@c.example", "a@b>c", ""]
)
async def test_an_address_cannot_say_more_than_itself(recipient: str) -> None:
    with mail_server() as server:
        with pytest.raises((ValueError, MailRefused, IndexError)):
            await submit(RealWorld(), to(server.port), letter(recipient))
        assert server.letters == []


@given(st.text(max_size=80))
def test_a_subject_is_one_header_or_nothing(subject: str) -> None:
    try:
        composed = compose(letter(subject=subject))
    except ValueError:
        assert not subject.isprintable()
        return
    head = composed.partition(b"\r\n\r\n")[0]
    names = [
        line.partition(b":")[0]
        for line in head.split(b"\r\n")
        if not line.startswith((b" ", b"\t"))
    ]
    assert names == [
        b"From",
        b"To",
        b"Subject",
        b"Date",
        b"Message-ID",
        b"Auto-Submitted",
        b"Content-Type",
        b"Content-Transfer-Encoding",
        b"MIME-Version",
    ]


def test_a_password_is_only_for_a_server_that_is_talked_to_in_tls() -> None:
    with pytest.raises(AssertionError):
        SmtpServer(host="mail.example", port=25, protection=Protection.NONE)
    with pytest.raises(AssertionError):
        to(25, Protection.NONE, PASSWORD)
    assert PASSWORD not in repr(to(25, Protection.TLS, PASSWORD))
    assert TEXT not in repr(letter())
