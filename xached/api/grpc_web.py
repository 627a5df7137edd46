"""gRPC-Web: what browsers speak instead of gRPC.

A body is a sequence of frames, each a byte of flags, four bytes of length and so many bytes of
content. Messages come first; the last frame of an answer has the flag 0x80 and carries what gRPC
sends as trailers. The text form is the same in base64. The status is in the body, so whatever is
answered by this layer has the HTTP status 200.

A request has one message, or, where the method takes a stream of them and answers once, several
frames one after the other, such as an upload piece by piece. The protocol leaves those out because
a browser sends no body while it is still made; a file is there as a whole.

https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md
"""

from __future__ import annotations

import base64
import binascii
import math
import re
import struct
import urllib.parse
from http import HTTPStatus
from typing import Final

import attrs
import grpc
import trio
from google.protobuf.message import Message

from xached.api.errors import StatusError
from xached.api.grpc_call import DETAILS_KEY
from xached.api.http_message import NOT_STORED, HttpResponse, Pairs

CONTENT_TYPES: Final = {
    "application/grpc-web": False,
    "application/grpc-web+proto": False,
    "application/grpc-web-text": True,
    "application/grpc-web-text+proto": True,
}
"""Types of a body, and whether it is the text form."""

_COMPRESSED: Final = 0x01
_TRAILERS: Final = 0x80
_HEAD: Final = struct.Struct(">BI")
_TIMEOUT = re.compile(r"([0-9]{1,8})([HMSmun])", re.ASCII)
_UNIT_S: Final = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}


@attrs.frozen
class GrpcWebForm:
    """How one client writes its bodies (http_api.Form)."""

    content_type: str
    text: bool

    def read_message(self, body: bytes) -> bytes:
        """The bytes of the one message of a request. Raises: StatusError."""
        if self.text:
            try:
                body = base64.b64decode(body, validate=True)
            except (binascii.Error, ValueError):
                raise _misframed("the body is no base64") from None
        frames = Frames(len(body))
        messages = frames.feed(body)
        frames.end()
        if len(messages) != 1:
            raise _misframed("one frame with one message is needed")
        return messages[0]

    def answer(self, _message: Message, data: bytes, trailing: Pairs) -> HttpResponse:
        """See Form."""
        return self._complete(self._frame(data) + self._status(None, trailing))

    def refusal(self, error: StatusError, trailing: Pairs) -> HttpResponse:
        """See Form."""
        return self._complete(self._status(error, trailing))

    def stream_head(self) -> HttpResponse:
        """See Form."""
        return attrs.evolve(self._complete(b""), streamed=True)

    def stream_piece(self, _message: Message, data: bytes) -> bytes:
        """See Form."""
        return self._frame(data)

    def stream_end(self, error: StatusError | None, trailing: Pairs) -> bytes:
        """See Form."""
        return self._status(error, trailing)

    def _complete(self, body: bytes) -> HttpResponse:
        headers = (("content-type", self.content_type), NOT_STORED)
        return HttpResponse(HTTPStatus.OK, body, headers)

    def _frame(self, message: bytes) -> bytes:
        return self._write(_HEAD.pack(0, len(message)) + message)

    def _status(self, error: StatusError | None, trailing: Pairs) -> bytes:
        """The last frame: the status, and pairs beside it."""
        lines = [f"{key}:{value}" for key, value in trailing]
        lines.append(f"grpc-status:{0 if error is None else error.code_number}")
        if error is not None:
            lines.append(f"grpc-message:{urllib.parse.quote(error.message, safe=_PLAIN)}")
            packed = base64.b64encode(error.to_proto().SerializeToString())
            lines.append(f"{DETAILS_KEY}:{packed.decode().rstrip('=')}")
        block = "".join(f"{line}\r\n" for line in lines).encode("ascii")
        return self._write(_HEAD.pack(_TRAILERS, len(block)) + block)

    def _write(self, frame: bytes) -> bytes:
        return base64.b64encode(frame) if self.text else frame


class Frames:
    """Takes a body apart while it comes in: no more than one message is kept.

    Args:
        message_bytes_max: what a message may be at most.
    """

    def __init__(self, message_bytes_max: int) -> None:
        self._bytes_max = message_bytes_max
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that are whole now. Raises: StatusError."""
        self._rest += data
        found: list[bytes] = []
        while len(self._rest) >= _HEAD.size:
            flags, length = _HEAD.unpack_from(self._rest)
            if flags & _COMPRESSED:
                raise StatusError(
                    grpc.StatusCode.UNIMPLEMENTED, "COMPRESSION", "messages are taken as they are"
                )
            if flags:
                raise _misframed("a request is made of messages")
            if length > self._bytes_max:
                raise _misframed(f"a message has at most {self._bytes_max} bytes")
            if len(self._rest) < _HEAD.size + length:
                break
            found.append(bytes(self._rest[_HEAD.size : _HEAD.size + length]))
            del self._rest[: _HEAD.size + length]
        return found

    def end(self) -> None:
        """Nothing more comes. Raises: StatusError where a frame is cut."""
        if self._rest:
            raise _misframed("the last frame is cut")


def form_of(content_type: str) -> GrpcWebForm | None:
    """How a client writes whose bodies have this type; None where it is not gRPC-Web."""
    text = CONTENT_TYPES.get(content_type)
    return None if text is None else GrpcWebForm(content_type, text)


def deadline_of(timeout: str) -> float:
    """When a ``grpc-timeout`` ends, on trio's clock; inf without one. Raises: StatusError."""
    if not timeout:
        return math.inf
    found = _TIMEOUT.fullmatch(timeout)
    if found is None:
        raise StatusError(
            grpc.StatusCode.INVALID_ARGUMENT, "TIMEOUT_FORM", "grpc-timeout is digits and a unit"
        )
    return trio.current_time() + int(found[1]) * _UNIT_S[found[2]]


_PLAIN: Final = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != "%")
"""What the text of a status may hold as it is; gRPC writes the rest in percent signs."""


def _misframed(message: str) -> StatusError:
    return StatusError(grpc.StatusCode.INVALID_ARGUMENT, "FRAMING", message)
