"""The process of a signal: ``python -m xache_sdk.signal_child``, started by the daemon.

One thread, one socket: market data in, readings out. The signal is imported only after the process
has sealed itself, has told the daemon how, and the daemon has said what to begin as. One that
raises is reported as Failed and the process ends with 1; it ends with 0 when the daemon closes the
connection.
"""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import Sequence
from typing import Any

from xache_sdk.child import Channel, HostGone, read_options, reporting, seal_and_tell
from xache_sdk.kinds import load_plugin
from xache_sdk.market import Book, Candle, Trade
from xache_sdk.settings import read_settings
from xache_sdk.signal_source import SignalSource, SourceContext
from xache_sdk.signal_values import SignalValue
from xache_sdk.source_session import SourceSession
from xache_sdk.v1 import plugin_pb2
from xache_sdk.wire import (
    FrameError,
    read_inputs,
    read_instrument,
    read_warm_up,
    write_readings,
    write_ready,
)


def run(channel: Channel, entry_point: str) -> None:
    """Serve one signal until there is nothing to read.

    Raises: HostGone, FrameError, or what the signal raised, after reporting it.
    """
    opening = channel.receive()
    if opening.WhichOneof("message") == "clock":
        opening = channel.receive()  # SignalStart says itself what time it is.
    if opening.WhichOneof("message") != "signal_start":
        raise FrameError("the first message is not SignalStart")
    start = opening.signal_start
    with reporting(channel, plugin_pb2.PLUGIN_FAILURE_IMPORT):
        source_type: type[SignalSource[Any]] = load_plugin(entry_point, SignalSource)
    with reporting(channel, plugin_pb2.PLUGIN_FAILURE_SETTINGS):
        settings = read_settings(source_type.settings_type, start.settings_json)
    with reporting(channel, plugin_pb2.PLUGIN_FAILURE_CALLBACK):
        session = SourceSession(start.name, source_type(settings))
    channel.send(write_ready(session.subscriptions))
    instruments = {each.symbol: read_instrument(each) for each in start.instruments}
    context = SourceContext(now_ns=start.now_ns, instruments=instruments)
    _warm_up(channel, session, context)
    with reporting(channel, plugin_pb2.PLUGIN_FAILURE_CALLBACK):
        session.start(context)
    while True:
        _serve_one(channel, session, context)


def main(arguments: Sequence[str] | None = None) -> None:
    """Start up; see the module."""
    options = read_options("xache_sdk.signal_child", arguments)
    channel = Channel(socket.socket(fileno=options.fd))
    seal_and_tell(channel, options)
    with contextlib.suppress(HostGone):
        run(channel, options.strategy)
    sys.stdout.flush()


def _warm_up(channel: Channel, session: SourceSession, context: SourceContext) -> None:
    """Take what was before the start."""
    while True:
        message = channel.receive()
        match message.WhichOneof("message"):
            case "warm_up":
                with reporting(channel, plugin_pb2.PLUGIN_FAILURE_CALLBACK):
                    for candle in read_warm_up(message.warm_up, context.instruments):
                        session.warm_up(candle)
            case "begin":
                return
            case _:
                _follow(channel, message, context)


def _serve_one(channel: Channel, session: SourceSession, context: SourceContext) -> None:
    message = channel.receive()
    if _follow(channel, message, context):
        return
    newest: dict[str, SignalValue] = {}
    for value in read_inputs(message, context.instruments):
        if not isinstance(value, Trade | Book | Candle):
            raise FrameError("a signal is told of markets only")
        with reporting(channel, plugin_pb2.PLUGIN_FAILURE_CALLBACK):
            newest.update((said.name, said) for said in session.take(value))
    # Once for all of them: the daemon keeps the newest only, and hears out so many messages.
    if newest:
        channel.send(write_readings(newest.values()))


def _follow(channel: Channel, message: plugin_pb2.HostFrame, context: SourceContext) -> bool:
    """Handle what the signal itself is not called for; False when it is no such message."""
    match message.WhichOneof("message"):
        case "ping":
            pong = plugin_pb2.PluginPong(number=message.ping.number)
            channel.send(plugin_pb2.ChildFrame(pong=pong))
        case "clock":
            context.set_clock(message.clock.now_ns)
        case _:
            return False
    return True


if __name__ == "__main__":
    main()
