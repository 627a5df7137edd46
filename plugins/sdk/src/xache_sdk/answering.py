"""The process of a feed or a notifier: ``python -m xache_sdk.answering``, started by the daemon.

One thread, one socket: a question in, an answer out, until the daemon closes the connection. The
plugin is imported only after the process has sealed itself, has told the daemon how, and the daemon
has said what to begin as. One that raises is reported as Failed and the process ends with 1.
"""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import Sequence
from typing import Any, Final

from xache_sdk.child import Channel, HostGone, read_options, reporting, seal_and_tell
from xache_sdk.feed_session import FeedSession, open_session
from xache_sdk.feeds import Feed, Market
from xache_sdk.kinds import find
from xache_sdk.notifiers import Notice, NoticeKind, Notifier, Request, Severity
from xache_sdk.settings import read_settings
from xache_sdk.v1 import plugin_pb2
from xache_sdk.wire import FrameError, read_instrument

QUESTION_BYTES_MAX: Final = 5 * 1024 * 1024
"""A frame of a venue has up to 4 MiB."""

ANSWER_BYTES_MAX: Final = 2 * 1024 * 1024


def run(channel: Channel, entry_point: str) -> None:
    """Answer questions until there are none. Raises: HostGone, FrameError, what the plugin raised.

    What it raised is reported before.
    """
    opening = channel.receive()
    match opening.WhichOneof("message"):
        case "feed_start":
            _run_feed(channel, entry_point, opening.feed_start)
        case "notifier_start":
            _run_notifier(channel, entry_point, opening.notifier_start)
        case _:
            raise FrameError("the first message says neither feed nor notifier")


def load_feed(entry_point: str) -> type[Feed[Any]]:
    """Import ``module:Class``. Raises: TypeError when it is no feed; what the import raises."""
    found = find(entry_point)
    if not (isinstance(found, type) and issubclass(found, Feed)):
        raise TypeError(f"{entry_point} is not a Feed")
    return found


def load_notifier(entry_point: str) -> type[Notifier[Any]]:
    """Import ``module:Class``. Raises: TypeError when it is no notifier; what the import raises."""
    found = find(entry_point)
    if not (isinstance(found, type) and issubclass(found, Notifier)):
        raise TypeError(f"{entry_point} is not a Notifier")
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Start up; see the module."""
    options = read_options("xache_sdk.answering", arguments)
    channel = Channel(
        socket.socket(fileno=options.fd),
        read_bytes_max=QUESTION_BYTES_MAX,
        written_bytes_max=ANSWER_BYTES_MAX,
    )
    seal_and_tell(channel, options)
    with contextlib.suppress(HostGone):
        run(channel, options.strategy)
    sys.stdout.flush()


# --- feeds -----------------------------------------------------------------------------------


def _run_feed(channel: Channel, entry_point: str, start: plugin_pb2.PluginFeedStart) -> None:
    with reporting(channel, plugin_pb2.PLUGIN_FAILURE_IMPORT):
        feed_type = load_feed(entry_point)
    with reporting(channel, plugin_pb2.PLUGIN_FAILURE_SETTINGS):
        settings = read_settings(feed_type.settings_type, start.settings_json)
    markets = [Market(read_instrument(each.instrument), each.name) for each in start.markets]
    with reporting(channel, plugin_pb2.PLUGIN_FAILURE_CALLBACK):
        session = open_session(feed_type, settings, markets)
        connection = session.connection()
    channel.send(plugin_pb2.ChildFrame(feed_connection=connection))
    while True:
        question = channel.receive()
        with reporting(channel, plugin_pb2.PLUGIN_FAILURE_CALLBACK):
            turn = _turn(session, question)
        channel.send(plugin_pb2.ChildFrame(feed_turn=turn))


def _turn(session: FeedSession, question: plugin_pb2.HostFrame) -> plugin_pb2.PluginFeedTurn:
    match question.WhichOneof("message"):
        case "feed_frame":
            return session.receive(question.feed_frame.data, question.feed_frame.received_ns)
        case "feed_repair":
            return session.repair(question.feed_repair.symbol)
        case "feed_snapshot":
            found = question.feed_snapshot
            return session.snapshot(found.symbol, found.data, found.received_ns)
        case _:
            raise FrameError("that is no question to a feed")


# --- notifiers -------------------------------------------------------------------------------


def _run_notifier(
    channel: Channel, entry_point: str, start: plugin_pb2.PluginNotifierStart
) -> None:
    with reporting(channel, plugin_pb2.PLUGIN_FAILURE_IMPORT):
        notifier_type = load_notifier(entry_point)
    with reporting(channel, plugin_pb2.PLUGIN_FAILURE_SETTINGS):
        settings = read_settings(notifier_type.settings_type, start.settings_json)
    with reporting(channel, plugin_pb2.PLUGIN_FAILURE_CALLBACK):
        notifier = notifier_type(settings)
    channel.send(plugin_pb2.ChildFrame(notifier_ready=plugin_pb2.PluginNotifierReady()))
    while True:
        question = channel.receive()
        if question.WhichOneof("message") != "notice":
            raise FrameError("that is no question to a notifier")
        with reporting(channel, plugin_pb2.PLUGIN_FAILURE_CALLBACK):
            request = _write_request(notifier.request(_read_notice(question.notice)))
        channel.send(plugin_pb2.ChildFrame(notifier_request=request))


def _read_notice(message: plugin_pb2.PluginNotice) -> Notice:
    known = NoticeKind.__members__
    return Notice(
        notice_id=message.id,
        kind=known.get(message.kind, NoticeKind.OTHER),
        severity=Severity[message.severity],
        subject=message.subject,
        text=message.text,
        at_ns=message.at_ns,
    )


def _write_request(request: Request | None) -> plugin_pb2.PluginNotifierRequest:
    if request is None:
        return plugin_pb2.PluginNotifierRequest(send=False)
    if not isinstance(request, Request):
        raise TypeError(f"request() returns a Request, not {type(request).__name__}")
    headers = [
        plugin_pb2.PluginHeader(name=name, value=value) for name, value in request.headers.items()
    ]
    return plugin_pb2.PluginNotifierRequest(
        send=True, path=request.path, headers=headers, body=request.body
    )


if __name__ == "__main__":
    main()
