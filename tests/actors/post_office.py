"""A mail server inside a simulated world: takes letters, and fails when it is told to."""

from __future__ import annotations

import re
from email import message_from_bytes
from email.policy import default

import attrs
import trio

from xached.adapters.smtp import Protection, SmtpServer

HOST = "localhost"
SERVER = SmtpServer(host=HOST, port=25, protection=Protection.NONE)


@attrs.frozen
class Post:
    """A letter that was taken."""

    message_id: str
    recipient: str
    subject: str
    text: str

    @property
    def code(self) -> str:
        """The one code in it."""
        (code,) = re.findall(r"\b[0-9A-Z]{4}-[0-9A-Z]{4}\b", self.text)
        return str(code)

    @property
    def link_token(self) -> str:
        """The one long token in it."""
        (token,) = re.findall(r"\b[A-Za-z0-9_-]{43}\b", self.text)
        return str(token)


@attrs.define(eq=False)
class PostOffice:
    """Letters by the order in which they were taken."""

    letters: list[Post] = attrs.field(factory=list)
    down: bool = False
    forgets_to_answer: bool = False
    """Takes the letter and hangs up without a word."""
    answers: list[bytes] = attrs.field(factory=list)
    """Said instead of taking the next letters."""
    visits: int = 0

    def to(self, recipient: str) -> list[Post]:
        """The letters to somebody."""
        return [each for each in self.letters if each.recipient == recipient]

    async def serve(self, stream: trio.abc.HalfCloseableStream) -> None:
        """Speak just enough SMTP."""
        self.visits += 1
        if self.down:
            return
        await stream.send_all(b"220 office\r\n")
        received = b""
        in_letter = False
        async for data in stream:
            received += data
            end = b"\r\n.\r\n" if in_letter else b"\r\n"
            while end in received:
                part, _, received = received.partition(end)
                if in_letter:
                    answer = self._take(part + b"\r\n")
                    if self.forgets_to_answer:
                        return
                    in_letter = False
                else:
                    in_letter = part == b"DATA"
                    answer = b"354 go on" if in_letter else b"250 fine"
                await stream.send_all(answer + b"\r\n")
                end = b"\r\n.\r\n" if in_letter else b"\r\n"

    def _take(self, content: bytes) -> bytes:
        if self.answers:
            return self.answers.pop(0)
        message = message_from_bytes(content, policy=default)
        body = message.get_payload(decode=True)
        assert isinstance(body, bytes)
        self.letters.append(
            Post(message["Message-ID"], message["To"], message["Subject"], body.decode())
        )
        return b"250 taken"
