"""Open streams by the credential that opened them, so that they end with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import grpc

from xached.api.errors import StatusError
from xached.api.routes import Call

STREAMS_PER_CREDENTIAL_MAX: Final = 64


class StreamBook:
    """The streams of sessions, or of keys. ``kind`` names them to people."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._streams: dict[str, list[Call]] = {}

    def opened(self, credential_id: str, call: Call) -> None:
        """A stream begins. Raises: StatusError where there are too many."""
        streams = self._streams.setdefault(credential_id, [])
        if len(streams) >= STREAMS_PER_CREDENTIAL_MAX:
            raise StatusError(
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                "TOO_MANY_STREAMS",
                f"the {self._kind} has too many streams open",
                {"allowed": str(STREAMS_PER_CREDENTIAL_MAX)},
            )
        streams.append(call)

    def closed(self, credential_id: str, call: Call) -> None:
        """A stream has ended."""
        others = [other for other in self._streams.get(credential_id, ()) if other is not call]
        if others:
            self._streams[credential_id] = others
        else:
            self._streams.pop(credential_id, None)

    def revoke_if(self, holds: Callable[[Call], bool], error: StatusError) -> None:
        """End the streams of which something holds."""
        for call in [call for calls in self._streams.values() for call in calls if holds(call)]:
            call.revoke(error)

    def revoke(self, credential_id: str, error: StatusError) -> None:
        """End every stream of a credential with this status."""
        for call in self._streams.pop(credential_id, ()):
            call.revoke(error)
