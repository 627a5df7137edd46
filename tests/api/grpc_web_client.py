"""A client of gRPC-Web for tests, written from the text of the protocol."""

from __future__ import annotations

import base64
import contextlib
import struct
import urllib.parse
from collections.abc import AsyncIterator, Mapping

import attrs
from google.rpc import error_details_pb2, status_pb2

from tests.api.asgi import HOST, Reader, ask, reading
from xached.api.http_listener import AsgiApp

BINARY, TEXT = "application/grpc-web+proto", "application/grpc-web-text+proto"


@attrs.frozen
class Told:
    """What a body says."""

    messages: list[bytes]
    trailers: Mapping[str, str]
    """Empty where the body has no end."""

    @property
    def status(self) -> int:
        """The code."""
        return int(self.trailers["grpc-status"])

    @property
    def message(self) -> str:
        """What it says to people."""
        return urllib.parse.unquote(self.trailers.get("grpc-message", ""))

    @property
    def packed(self) -> bytes:
        """The google.rpc.Status; empty where it ended well."""
        value = self.trailers.get("grpc-status-details-bin", "")
        return base64.b64decode(value + "=" * (-len(value) % 4))

    @property
    def reason(self) -> str:
        """What it says to programs; empty where it ended well."""
        if not self.packed:
            return ""
        info = error_details_pb2.ErrorInfo()
        assert status_pb2.Status.FromString(self.packed).details[0].Unpack(info)
        reason: str = info.reason
        return reason


def frame(message: bytes, *, text: bool = False) -> bytes:
    """A request with one message."""
    framed = struct.pack(">BI", 0, len(message)) + message
    return base64.b64encode(framed) if text else framed


def read(body: bytes, *, text: bool = False) -> Told:
    """Take a body apart."""
    if text:
        # Each piece is padded by itself.
        assert len(body) % 4 == 0
        body = b"".join(base64.b64decode(body[at : at + 4]) for at in range(0, len(body), 4))
    messages, trailers = [], {}
    while body:
        flags, length = struct.unpack(">BI", body[:5])
        assert len(body) >= 5 + length, "a frame is whole"
        content, body = body[5 : 5 + length], body[5 + length :]
        if flags == 0x80:
            assert not body, "trailers are last"
            lines = content.decode("ascii").split("\r\n")
            assert lines.pop() == ""
            trailers = dict(line.split(":", 1) for line in lines)
        else:
            assert flags == 0
            messages.append(content)
    return Told(messages, trailers)


def headers_of(content_type: str, headers: Mapping[str, str]) -> Mapping[str, str]:
    """What a browser's client sends along."""
    return {**HOST, "content-type": content_type, "x-grpc-web": "1", **headers}


async def call(
    app: AsgiApp,
    path: str,
    message: bytes,
    headers: Mapping[str, str] | None = None,
    content_type: str = BINARY,
) -> Told:
    """Make a call and wait for all of its answer."""
    text = content_type == TEXT
    answer = await ask(
        app, path, "POST", headers_of(content_type, headers or {}), frame(message, text=text)
    )
    assert answer.status == 200
    assert answer.headers["content-type"] == content_type
    return read(answer.body, text=text)


@contextlib.asynccontextmanager
async def streaming(
    app: AsgiApp,
    path: str,
    message: bytes,
    headers: Mapping[str, str] | None = None,
    *,
    held: bool = False,
) -> AsyncIterator[Reader]:
    """Make a call whose answer goes on."""
    said = headers_of(BINARY, headers or {})
    async with reading(
        app, path, method="POST", headers=said, body=frame(message), held=held
    ) as reader:
        yield reader
