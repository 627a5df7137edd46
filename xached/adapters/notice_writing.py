"""Who writes what is posted for a notice: the house itself, or a plugin in a sealed process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

import attrs
import trio
from xache_sdk.v1 import plugin_pb2

from xached.adapters.answering_child import (
    START_S_MAX,
    AnsweringChild,
    PluginFault,
    PluginSurroundings,
    open_answering,
)
from xached.adapters.webhook import PostRefused, WebhookRequest, as_json, check_request
from xached.domain.notices import Notice
from xached.domain.plugins import Breach, PluginRefused


class Pen(Protocol):
    """Writes one notice after the other."""

    async def write(self, notice: Notice) -> WebhookRequest | None:
        """What to post for a notice; None for nothing. Raises: PluginFault."""
        ...


class Writer(Protocol):
    """Who writes."""

    def open(self) -> AbstractAsyncContextManager[Pen]:
        """Begin to write. Raises: PluginFault when that cannot be."""
        ...


class HouseWriter:
    """Writes JSON."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Pen]:
        """See Writer."""
        yield _HousePen()


class _HousePen:
    async def write(self, notice: Notice) -> WebhookRequest | None:
        await trio.lowlevel.checkpoint()
        return as_json(notice)


@attrs.frozen(kw_only=True)
class PluginWriter:
    """Has a plugin write, in a process of its own for as long as there is something to write."""

    name: str
    plugin: str
    settings_json: str
    around: PluginSurroundings

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Pen]:
        """See Writer."""
        around = self.around
        try:
            entry_point = await around.admit(self.plugin)
        except PluginRefused as refused:
            raise PluginFault(str(refused)) from None
        try:
            async with open_answering(
                around.world,
                around.command(entry_point),
                self.name,
                around.sandbox_min,
                around.answer_s_max,
            ) as child:
                start = plugin_pb2.PluginNotifierStart(settings_json=self.settings_json)
                question = plugin_pb2.HostFrame(notifier_start=start)
                answer = await child.ask(question, patience_s=START_S_MAX)
                if answer.WhichOneof("message") != "notifier_ready":
                    raise PluginFault("it did not say that it is ready", Breach.PROTOCOL)
                yield _PluginPen(child)
        except PluginFault as fault:
            if fault.breach is not None:
                await around.breached(self.plugin, fault.breach)
            raise


class _PluginPen:
    def __init__(self, child: AnsweringChild) -> None:
        self._child = child

    async def write(self, notice: Notice) -> WebhookRequest | None:
        told = plugin_pb2.PluginNotice(
            id=notice.notice_id,
            kind=notice.kind.value,
            severity=notice.severity.name,
            subject=notice.subject,
            text=notice.text,
            at_ns=notice.at_ns,
        )
        answer = await self._child.ask(plugin_pb2.HostFrame(notice=told))
        if answer.WhichOneof("message") != "notifier_request":
            raise PluginFault("that is no answer to a notice", Breach.PROTOCOL)
        wanted = answer.notifier_request
        if not wanted.send:
            return None
        request = WebhookRequest(
            path=wanted.path,
            headers=tuple((each.name, each.value) for each in wanted.headers),
            body=wanted.body,
        )
        try:
            check_request(request)
        except PostRefused as refused:
            raise PluginFault(str(refused), Breach.PROTOCOL) from None
        return request
