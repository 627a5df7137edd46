"""The class a notifier derives from: what happened in the house, made into a request.

A notifier sends nothing. It runs in a process without network and files, is given one notice after
the other, and says what is to be sent for it; the daemon sends that as a POST to the one address
that its operator has configured, waits for the answer, and tries again when there is none. Secrets
are never given to a notifier: where a path or the value of a header has :data:`SECRET`, the daemon
puts in what its operator keeps in a file, and :data:`SIGNATURE` in a header's value becomes the
HMAC-SHA256 of the body under that secret, in hex.
"""

from __future__ import annotations

import enum
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Generic, TypeVar

from xache_sdk.settings import NoSettings

Settings = TypeVar("Settings")

SECRET: Final = "{secret}"  # noqa: S105 - the place of one
"""In a path or the value of a header: the operator's secret."""

SIGNATURE: Final = "{signature}"
"""In the value of a header: the HMAC-SHA256 of the body under the secret, in hex."""

BODY_BYTES_MAX: Final = 65_536
PATH_LENGTH_MAX: Final = 2_000
HEADERS_MAX: Final = 20
HEADER_LENGTH_MAX: Final = 1_000

_PATH: Final = re.compile(r"/?[!-~]*", re.ASCII)
_NAME: Final = re.compile(r"[A-Za-z0-9-]{1,60}", re.ASCII)
_VALUE: Final = re.compile(r"([!-~]([ -~]*[!-~])?)?", re.ASCII)

DAEMONS_OWN: Final = frozenset(
    ("host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer",
     "expect", "user-agent")
)  # fmt: skip
"""Headers that the daemon writes, in small letters."""


class NoticeKind(enum.Enum):
    """What a notice tells. More may be added; one that is not known is to be told all the same."""

    HOUSE_STARTED = "HOUSE_STARTED"
    STRATEGY_STOPPED = "STRATEGY_STOPPED"
    STRATEGY_STARTED = "STRATEGY_STARTED"
    """One that was told to have stopped runs again."""
    PLUGIN_QUARANTINED = "PLUGIN_QUARANTINED"
    PLUGIN_RELEASED = "PLUGIN_RELEASED"
    RISK_CHANGED = "RISK_CHANGED"
    """What a market, an account or the whole house may do."""
    PARITY_BROKEN = "PARITY_BROKEN"
    """A strategy that was told again what it was told wanted something else."""
    PARITY_HOLDS = "PARITY_HOLDS"
    FEED_STALE = "FEED_STALE"
    FEED_BACK = "FEED_BACK"
    PART_FAILED = "PART_FAILED"
    """A part of the house has failed: it starts again after a pause, or stays down."""
    PART_BACK = "PART_BACK"
    NOTICES_LOST = "NOTICES_LOST"
    """There were more than could be kept until they were sent."""
    OTHER = "OTHER"
    """A kind that this SDK does not know; the text says what it is."""


class Severity(enum.Enum):
    """How much a notice matters."""

    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that happened. It names no person.

    ``notice_id`` stays the same however often it is sent; ``subject`` is what it is about, as a
    market or a part of the house; ``text`` is one line for people; ``at_ns`` Unix nanoseconds.
    """

    notice_id: str
    kind: NoticeKind
    severity: Severity
    subject: str
    text: str
    at_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A POST. ``path``, with its query, goes below the operator's address; empty is just that.

    The daemon writes Host, Content-Length and the like. Raises: ValueError.
    """

    body: bytes
    path: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.body) > BODY_BYTES_MAX:
            raise ValueError(f"a body is at most {BODY_BYTES_MAX} bytes")
        if len(self.path) > PATH_LENGTH_MAX or _PATH.fullmatch(self.path) is None:
            raise ValueError(f"{self.path[:80]!r} is no path")
        if len(self.headers) > HEADERS_MAX:
            raise ValueError(f"more than {HEADERS_MAX} headers")
        for name, value in self.headers.items():
            if _NAME.fullmatch(name) is None or name.lower() in DAEMONS_OWN:
                raise ValueError(f"{name[:80]!r} is no header for a notifier to write")
            if len(value) > HEADER_LENGTH_MAX or _VALUE.fullmatch(value) is None:
                raise ValueError(
                    f"{name}: not at most {HEADER_LENGTH_MAX} printable characters,"
                    " without a blank at either end"
                )


class Notifier(ABC, Generic[Settings]):
    """Derive from this; its doc string is what operators read about it."""

    settings_type: ClassVar[type[Any]] = NoSettings
    """A frozen dataclass of what the operator can set; see :mod:`xache_sdk.settings`. Secrets do
    not belong there: see :data:`SECRET`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @abstractmethod
    def request(self, notice: Notice) -> Request | None:
        """Say what to send for a notice; None sends nothing. Anything it raises ends its process,
        and the notice is given up."""
