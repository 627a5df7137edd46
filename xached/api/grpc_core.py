"""The only door to grpcio's core: a private module of grpcio, hence its pinned minor version.

It is the module that grpcio's own public server is written on; what is used of it here has been
the same from grpcio 1.54 on.
"""

from __future__ import annotations

import importlib
from typing import Any, Final

cygrpc: Final[Any] = importlib.import_module("grpc._cython.cygrpc")
"""Typed as Any because it has no types."""

CoreEvent = Any
"""An event of a completion queue."""

NO_FLAGS: Final = 0
BUFFER_HINT: Final[int] = cygrpc.WriteFlag.buffer_hint
QUEUE_TIMEOUT: Final[int] = cygrpc.CompletionType.queue_timeout
QUEUE_SHUTDOWN: Final[int] = cygrpc.CompletionType.queue_shutdown
