"""What a plugin says of itself, and whether it looks ahead, is asked in a sealed process."""

from __future__ import annotations

from typing import Any

import pytest
from xache_sdk.landlock import landlock_abi
from xache_sdk.seal import Layer

from tests.plugins.test_work import command
from xached.adapters.work import WorkFailed, WorkLimits, do_work
from xached.runtime.work_frames import Document
from xached.runtime.world import RealWorld

LIMITS = WorkLimits(memory_bytes=2 << 30, cpu_s=60)

pytestmark = [
    pytest.mark.skipif(landlock_abi() == 0, reason="this kernel has no Landlock"),
    pytest.mark.xdist_group("work"),
]


async def examine(
    entry_point: str, check: bool = True, kind: str = "strategy", **settings: Any
) -> dict[str, Any]:
    """Have a plugin of the tests looked at."""
    answer = await do_work(
        RealWorld(),
        command("examine", LIMITS, strategy=entry_point),
        Document(
            header={
                "entry_point": entry_point,
                "kind": kind,
                "settings": settings,
                "check": check,
            }
        ),
        limits=LIMITS,
        sandbox_min=frozenset({Layer.FILES, Layer.SYSTEM_CALLS}),
        progress=lambda _ppm: None,
    )
    return dict(answer.header)


async def test_a_strategy_tells_its_settings_and_is_tried_over_real_prices() -> None:
    found = await examine("examined:Honest")
    assert found["about"] == "Buys after a rise."
    schema = found["settings_schema"]
    assert schema["required"] == ["symbol"]
    assert schema["properties"]["quantity"]["x-exclusiveMinimum"] == "0"
    assert found["look_ahead"] == {"state": "PASSED", "why": ""}


async def test_one_that_knows_the_future_is_found_with_the_place() -> None:
    """Checked: without ``check_no_look_ahead`` it passes."""
    found = (await examine("examined:Cheat"))["look_ahead"]
    assert found["state"] == "FAILED"
    assert "examined.py:" in found["why"]


async def test_those_that_read_trades_and_books_are_tried_over_some() -> None:
    """Checked: while only candles were made, nobody found those that peek."""
    for name in ("OfTrades", "OfBooks"):
        assert (await examine(f"examined:{name}"))["look_ahead"]["state"] == "PASSED"
    for name in ("PeekingTrades", "PeekingBooks"):
        found = (await examine(f"examined:{name}"))["look_ahead"]
        assert (name, found["state"]) == (name, "FAILED")


async def test_what_cannot_be_tried_is_not_said_to_have_passed() -> None:
    assert (await examine("examined:OfNothing"))["look_ahead"] == {
        "state": "NOT_APPLICABLE",
        "why": "it reads no market data",
    }
    unguessable = (await examine("examined:Unguessable"))["look_ahead"]
    assert (unguessable["state"], unguessable["why"]) == (
        "NOT_CHECKED",
        "its settings: say the word",
    )
    given = await examine("examined:Unguessable", magic="xyzzy")
    assert given["look_ahead"]["state"] == "PASSED"


async def test_to_tell_its_settings_it_is_not_tried() -> None:
    assert "look_ahead" not in await examine("examined:Cheat", check=False)


async def test_what_is_no_strategy_has_no_answer() -> None:
    with pytest.raises(WorkFailed, match="is not a Strategy"):
        await examine("acting:NotAStrategy")
    with pytest.raises(WorkFailed, match="ModuleNotFoundError"):
        await examine("nowhere:Nothing")


async def test_a_signal_is_tried_like_a_strategy() -> None:
    """Checked: without ``check_source`` the one that peeks passes."""
    honest = await examine("signalling:Trend", kind="signal")
    assert honest["about"] == "How far the price is above its average."
    assert honest["look_ahead"] == {"state": "PASSED", "why": ""}
    peeking = (await examine("signalling:Peeking", kind="signal"))["look_ahead"]
    assert peeking["state"] == "FAILED"
    assert "signalling.py:" in peeking["why"]
    of_trades = (await examine("signalling:Echo", kind="signal"))["look_ahead"]
    assert of_trades["state"] == "PASSED"


async def test_a_strategy_that_uses_signals_is_tried_with_some() -> None:
    """Checked: without signals among the data neither does anything, and both pass."""
    assert (await examine("signalling:Follower"))["look_ahead"]["state"] == "PASSED"
    assert (await examine("signalling:Late"))["look_ahead"]["state"] == "FAILED"


async def test_one_kind_is_not_taken_for_another() -> None:
    with pytest.raises(WorkFailed, match="is not a SignalSource"):
        await examine("examined:Honest", kind="signal")
    with pytest.raises(WorkFailed, match="is not a Strategy"):
        await examine("signalling:Trend")
