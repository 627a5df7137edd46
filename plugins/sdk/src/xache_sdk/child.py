"""The process a strategy runs in: ``python -m xache_sdk.child``, started by the daemon.

One thread, one socket: read a frame, call the strategy, write its intents. The strategy is
imported only after the process has sealed itself, has told the daemon how, and the daemon has said
Start. A strategy that
raises is reported as Failed and the process ends with 1; when asked to stop it ends with 0.
"""

from __future__ import annotations

import argparse
import io
import socket
import sys
import traceback
from collections import deque
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from xache_sdk.context import Context
from xache_sdk.kinds import load_plugin
from xache_sdk.landlock import readable_for
from xache_sdk.orders import OrderUpdate
from xache_sdk.seal import CPU_S_MAX, close_standard_streams, seal
from xache_sdk.session import Session
from xache_sdk.settings import read_settings
from xache_sdk.strategy import StopAsked, Strategy
from xache_sdk.v1 import plugin_pb2
from xache_sdk.wire import (
    FRAME_BYTES_MAX,
    FrameError,
    FrameReader,
    frame,
    read_account,
    read_context,
    read_inputs,
    read_warm_up,
    write_intents,
    write_ready,
    write_sealed,
)

RECEIVE_BYTES = 65_536
LOG_LENGTH_MAX = 4_000
MESSAGE_LENGTH_MAX = 1_000


class HostGone(Exception):  # noqa: N818 - a state of the world
    """The daemon closed the connection."""


class Channel:
    """The connection to the daemon. The longest frames are given where they are not the usual."""

    def __init__(
        self,
        connection: socket.socket,
        *,
        read_bytes_max: int = FRAME_BYTES_MAX,
        written_bytes_max: int = FRAME_BYTES_MAX,
    ) -> None:
        self._connection = connection
        self._reader = FrameReader(read_bytes_max)
        self._written_bytes_max = written_bytes_max
        self._waiting: deque[bytes] = deque()
        self._received = 0

    def receive(self) -> plugin_pb2.HostFrame:
        """Wait for the next message. Raises: HostGone, FrameError."""
        while not self._waiting:
            data = self._connection.recv(RECEIVE_BYTES)
            if not data:
                raise HostGone
            self._waiting.extend(self._reader.feed(data))
        self._received += 1
        return plugin_pb2.HostFrame.FromString(self._waiting.popleft())

    def send(self, message: plugin_pb2.ChildFrame) -> None:
        """Write one message; waits while the daemon does not read."""
        message.input = self._received
        self._connection.sendall(frame(message.SerializeToString(), self._written_bytes_max))


class reporting:  # noqa: N801 - reads as a statement
    """Tell the daemon about what is raised inside; it goes on up and ends the process."""

    def __init__(self, channel: Channel, failure: plugin_pb2.PluginFailure) -> None:
        self._channel = channel
        self._failure = failure

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            return
        message = "".join(traceback.format_exception_only(error)).strip()
        if frames := traceback.extract_tb(trace):
            last = frames[-1]
            message += f" ({last.filename}:{last.lineno} in {last.name})"
        self._channel.send(
            plugin_pb2.ChildFrame(
                failed=plugin_pb2.PluginFailed(
                    failure=self._failure, message=_encodable(message[-MESSAGE_LENGTH_MAX:])
                )
            )
        )


class LogStream(io.TextIOBase):
    """Standard output of a strategy: what it prints goes to its owner, line by line."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._line = ""

    def write(self, text: str) -> int:
        """Take text; whole lines are sent."""
        lines, newline, self._line = (self._line + text).rpartition("\n")
        if newline and lines:
            self._send(lines)
        elif len(self._line) > LOG_LENGTH_MAX:
            self.flush()
        return len(text)

    def flush(self) -> None:
        """Send what is left of a line."""
        line, self._line = self._line, ""
        if line:
            self._send(line)

    def _send(self, text: str) -> None:
        self._channel.send(
            plugin_pb2.ChildFrame(log=plugin_pb2.PluginLog(text=_encodable(text[:LOG_LENGTH_MAX])))
        )


def _encodable(text: str) -> str:
    """Text without what UTF-8 has no bytes for: it must arrive, whatever is in it."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def run(channel: Channel, entry_point: str) -> None:
    """Serve one strategy until it is asked to stop.

    Raises: HostGone, FrameError, or what the strategy raised, after reporting it.
    """
    opening = channel.receive()
    if opening.WhichOneof("message") == "clock":
        opening = channel.receive()  # Start says itself what time it is.
    if opening.WhichOneof("message") != "start":
        raise FrameError("the first message is not Start")
    with reporting(channel, plugin_pb2.PLUGIN_FAILURE_IMPORT):
        strategy_type: type[Strategy[Any]] = load_plugin(entry_point, Strategy)
    with reporting(channel, plugin_pb2.PLUGIN_FAILURE_SETTINGS):
        settings = read_settings(strategy_type.settings_type, opening.start.settings_json)
    context = read_context(opening.start)
    with reporting(channel, plugin_pb2.PLUGIN_FAILURE_CALLBACK):
        session = Session(strategy_type(settings))
        ready = write_ready(
            session.subscriptions,
            predicts=strategy_type.predicts,
            uses=sorted(session.uses),
        )
    channel.send(ready)
    if not _warm_up(channel, session, context):
        return
    with reporting(channel, plugin_pb2.PLUGIN_FAILURE_CALLBACK):
        frames = list(write_intents(session.start(context)))
    for each in frames:
        channel.send(each)
    while _serve_one(channel, session):
        pass


def main(arguments: Sequence[str] | None = None) -> None:
    """Start up; see the module."""
    options = read_options("xache_sdk.child", arguments)
    channel = Channel(socket.socket(fileno=options.fd))
    seal_and_tell(channel, options)
    run(channel, options.strategy)
    sys.stdout.flush()


def read_options(prog: str, arguments: Sequence[str] | None) -> argparse.Namespace:
    """What every process of a plugin is told on its command line."""
    parser = argparse.ArgumentParser(prog=prog)
    parser.add_argument("--strategy", required=True)
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--memory-bytes", type=int, required=True)
    parser.add_argument("--cpu-s", type=int, default=CPU_S_MAX)
    parser.add_argument("--fd", type=int, required=True)
    return parser.parse_args(arguments)


def seal_and_tell(channel: Channel, options: argparse.Namespace) -> None:
    """Give up what a plugin does not need, and tell the daemon; what is printed goes there too."""
    close_standard_streams()
    readable, listable = readable_for(options.strategy)
    with reporting(channel, plugin_pb2.PLUGIN_FAILURE_SANDBOX):
        sealed = seal(
            parent=options.parent,
            memory_bytes=options.memory_bytes,
            readable=readable,
            listable=listable,
            cpu_s=options.cpu_s,
        )
    # The daemon says what to do only to a process that is sealed well enough: nothing of the
    # plugin has run when this is told.
    channel.send(write_sealed(sealed))
    sys.stdout = sys.stderr = LogStream(channel)


def _warm_up(channel: Channel, session: Session, context: Context) -> bool:
    """Take what was before the start; False when it is asked to stop before it began."""
    while True:
        message = channel.receive()
        match message.WhichOneof("message"):
            case "warm_up":
                with reporting(channel, plugin_pb2.PLUGIN_FAILURE_CALLBACK):
                    for candle in read_warm_up(message.warm_up, context.instruments):
                        session.warm_up(candle)
            case "order_update":
                for update in read_inputs(message, context.instruments):
                    assert isinstance(update, OrderUpdate)
                    context.note_order(update)
            case "begin":
                return True
            case "stop":
                return False
            case _:
                _follow(channel, message, context)


def _serve_one(channel: Channel, session: Session) -> bool:
    """Handle one message; False after the last."""
    message = channel.receive()
    context = session.strategy.context
    if _follow(channel, message, context):
        return True
    for value in read_inputs(message, context.instruments):
        with reporting(channel, plugin_pb2.PLUGIN_FAILURE_CALLBACK):
            frames = list(write_intents(session.take(value)))
        for each in frames:
            channel.send(each)
        if isinstance(value, StopAsked):
            return False
    return True


def _follow(channel: Channel, message: plugin_pb2.HostFrame, context: Context) -> bool:
    """Handle what the strategy itself is not called for; False when it is no such message."""
    match message.WhichOneof("message"):
        case "ping":
            pong = plugin_pb2.PluginPong(number=message.ping.number)
            channel.send(plugin_pb2.ChildFrame(pong=pong))
        case "clock":
            context.set_clock(message.clock.now_ns)
        case "account":
            read_account(message.account, context)
        case _:
            return False
    return True


if __name__ == "__main__":
    main()
