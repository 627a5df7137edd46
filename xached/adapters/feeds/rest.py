"""One GET of a venue's REST side, over a connection of the world's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import h11
import trio

from xached.adapters.feeds.session import Endpoint
from xached.runtime.world import World

RECEIVE_BYTES: Final = 65_536


class RestFailed(Exception):  # noqa: N818 - it says what happened
    """A venue's REST side did not answer as it should. ``retry_after_s``: what it asks for."""

    def __init__(self, message: str, retry_after_s: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


async def get(
    world: World,
    endpoint: Endpoint,
    target: str,
    *,
    body_bytes_max: int,
    timeout_s: float,
    public: bool = False,
) -> bytes:
    """Return the body of an answer 200. ``public``: as :meth:`World.dial`. Raises: RestFailed."""
    try:
        with trio.fail_after(timeout_s):
            stream = await world.dial(endpoint.host, endpoint.port, tls=endpoint.tls, public=public)
            try:
                return await _get(stream, endpoint, target, body_bytes_max)
            finally:
                await trio.aclose_forcefully(stream)
    except trio.TooSlowError:
        raise RestFailed(f"{endpoint.host} took longer than {timeout_s:g} s") from None
    except (OSError, trio.BrokenResourceError, h11.RemoteProtocolError) as error:
        raise RestFailed(f"{endpoint.host}: {error}") from error


async def _get(
    stream: trio.abc.Stream, endpoint: Endpoint, target: str, body_bytes_max: int
) -> bytes:
    connection = h11.Connection(h11.CLIENT)
    request = h11.Request(
        method="GET",
        target=endpoint.path + target,
        headers=[
            ("Host", endpoint.authority),
            ("Accept", "application/json"),
            ("Connection", "close"),
            ("User-Agent", "xached"),
        ],
    )
    await stream.send_all(connection.send(request) + connection.send(h11.EndOfMessage()))
    body = bytearray()
    while True:
        event = connection.next_event()
        match event:
            case h11.NEED_DATA:
                connection.receive_data(bytes(await stream.receive_some(RECEIVE_BYTES)))
            case h11.Response(status_code=200) | h11.InformationalResponse():
                pass
            case h11.Response(status_code=status, headers=headers):
                raise RestFailed(f"{endpoint.host} answers {status}", _retry_after_s(headers))
            case h11.Data(data=data):
                body += data
                if len(body) > body_bytes_max:
                    raise RestFailed(f"{endpoint.host} answers more than {body_bytes_max} bytes")
            case _:  # The end of the message, or of the connection.
                return bytes(body)


def _retry_after_s(headers: Iterable[tuple[bytes, bytes]]) -> float:
    for name, value in headers:
        if name == b"retry-after" and value.isdigit() and len(value) < 6:
            return float(value)
    return 0.0
