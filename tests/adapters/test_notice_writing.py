"""Notices that a plugin writes, in a real process.

Checked by breaking, each seen red: an answer that is waited for without end, and a request that is
not looked at again outside the process.
"""

from __future__ import annotations

import json

import attrs
import pytest

from tests.adapters.test_plugin_feed import Minded, around
from tests.adapters.test_webhook import NOTICE
from xached.adapters.answering_child import PluginFault
from xached.adapters.notice_writing import PluginWriter
from xached.domain.plugins import Breach


def writer(minded: Minded, act: str = "", plugin: str = "Chat") -> PluginWriter:
    surroundings = attrs.evolve(
        around(minded, []),
        admit=lambda name: minded.admit(name) if name == "refused" else _entry_point(name),
        answer_s_max=1.0 if act == "stall" else 30.0,
    )
    return PluginWriter(
        name="notifier ops",
        plugin=plugin,
        settings_json=json.dumps({"channel": "night", "act": act}),
        around=surroundings,
    )


async def _entry_point(name: str) -> str:
    return f"noticing:{name}"


async def test_a_plugin_writes_what_others_want_to_read() -> None:
    minded = Minded()
    async with writer(minded).open() as pen:
        request = await pen.write(NOTICE)
        assert await pen.write(attrs.evolve(NOTICE, text="unsaid")) is None
    assert request is not None
    assert json.loads(request.body) == {
        "channel": "night", "id": "abc-1",
        "text": "WARNING FEED_STALE venue:BINANCE: silent about 2 markets",
    }  # fmt: skip
    assert request.path == "/messages"
    assert ("Authorization", "Bearer {secret}") in request.headers, "it never sees the secret"
    assert minded.breaches == []


@pytest.mark.parametrize(
    ("act", "failure", "breach"),
    [
        ("raise", "callback: RuntimeError: a bug", None),
        ("wrong", "callback: TypeError: request", None),
        ("exit", "the process ended with 3", None),
        ("stall", "it did not answer within 1 s", Breach.STALLED),
        ("escape", "its path leads out of the operator's", Breach.PROTOCOL),
    ],
)
async def test_a_plugin_that_goes_wrong(act: str, failure: str, breach: Breach | None) -> None:
    minded = Minded()
    with pytest.raises(PluginFault) as fault:
        async with writer(minded, act).open() as pen:
            await pen.write(NOTICE)
    assert failure in str(fault.value)
    assert minded.breaches == ([] if breach is None else [breach])


@pytest.mark.parametrize(
    ("plugin", "failure"),
    [("refused", "'refused' is not approved"), ("Settings", "import: TypeError")],
)
async def test_a_plugin_that_may_not_write(plugin: str, failure: str) -> None:
    with pytest.raises(PluginFault, match=failure):
        async with writer(Minded(), plugin=plugin).open():
            raise AssertionError
