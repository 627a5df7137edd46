"""One rule on a schedule against a model that counts hours: whatever stops, crashes and starts.

The model knows nothing of files, ids and looks; it says which firings there are and how many
orders. Checked by breaking, each seen red: no look for what was sent before a crash, a late order
sent all the same, missed times made up for whatever the rule says.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Final, TypeAlias

import attrs
import trio
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from tests.automation.rule_house import (
    AFTER_ORDER,
    BEFORE_NOTE,
    BEFORE_ORDER,
    CRASHES,
    RuleHouse,
    rule_house,
)
from tests.automation.rule_script import RuleScript

EXAMPLES: Final = 200 if os.environ.get("XACHE_LONG") else 12
MOST: Final = 6
"""Firings after which the rule ends."""

Op: TypeAlias = tuple[str, int | str]

_TEN_MINUTES = st.integers(1, 30)
_OP: st.SearchStrategy[Op] = st.one_of(
    st.tuples(st.just("wait"), _TEN_MINUTES),
    st.tuples(st.just("down"), _TEN_MINUTES),
    st.tuples(st.just("crash"), st.sampled_from(CRASHES)),
    st.tuples(st.just("arm"), st.just("")),
    st.tuples(st.just("pause"), st.just("")),
)
_PROGRAM = st.lists(_OP, min_size=3, max_size=12)


@attrs.define
class Model:
    """What should be, counted in minutes. The rule is due on the hour; lives begin at five past,
    and everything takes tens of minutes, so that nothing is on time by a hair."""

    catch_up: bool
    minute: int = 5
    armed: bool = False
    ended: bool = False
    alive: bool = True
    crash: str = ""
    cursor: int = 0
    fired: int = 0
    orders: int = 0
    firings: list[str] = attrs.field(factory=list)

    def do(self, op: Op) -> None:
        """What an operation changes."""
        match op:
            case "wait", int(tens):
                self._pass(tens * 10)
            case "down", int(tens):
                self.alive, self.crash = False, ""
                self._pass(tens * 10)
                self._start()
            case "crash", str(place):
                if self.alive:
                    self.crash = place
            case "arm", _:
                if self.alive and not self.ended and not self.armed:
                    self.armed, self.cursor = True, self.minute
            case "pause", _:
                if self.alive:
                    self.armed = False
            case _:
                raise AssertionError(op)

    def _pass(self, minutes: int) -> None:
        for minute in range(self.minute + 1, self.minute + minutes + 1):
            if minute % 60 == 0 and self.armed and self.alive:
                self._due(minute)
        self.minute += minutes

    def _due(self, minute: int) -> None:
        crash, self.crash = self.crash, ""
        if crash:
            self.alive = False
        if crash != BEFORE_NOTE:
            self.cursor = minute
            # What is torn apart is finished after ten minutes or more: too late to be sent.
            self._fire("LAPSED" if crash == BEFORE_ORDER else "DONE")
        assert crash in ("", BEFORE_NOTE, BEFORE_ORDER, AFTER_ORDER)

    def _fire(self, state: str) -> None:
        self.firings.append(state)
        self.fired += 1
        self.orders += state == "DONE"
        if self.fired == MOST:
            self.armed, self.ended = False, True

    def _start(self) -> None:
        self.alive = True
        newest = self.minute // 60 * 60
        if self.armed and newest > self.cursor:
            self.cursor = newest
            if self.catch_up:
                self._fire("DONE")
            else:
                self.firings.append("MISSED")


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@example(program=[("arm", ""), ("crash", BEFORE_ORDER), ("wait", 8), ("down", 2)], catch_up=False)
@example(program=[("arm", ""), ("crash", AFTER_ORDER), ("wait", 8), ("down", 2)], catch_up=True)
@given(program=_PROGRAM, catch_up=st.booleans())
def test_a_schedule_does_what_counting_hours_says(program: list[Op], catch_up: bool) -> None:
    clock = MockClock(autojump_threshold=0)
    with tempfile.TemporaryDirectory() as directory:
        trio.run(_run, [*program, ("down", 1)], catch_up, Path(directory), clock=clock)


async def _run(program: list[Op], catch_up: bool, directory: Path) -> None:
    model, rest = Model(catch_up), list(program)
    policy = " catch-up" if catch_up else ""
    while True:
        async with rule_house(directory, []) as house:
            script = RuleScript(house)
            if model.minute == 5:
                await script.do("offer SELL 9 @ 50000.0")
                await script.do(f"rule x every 1h max {MOST}{policy} : buy 50 USDT of BTC-USDT")
                await script.do("wait 5m")
            else:
                await script.do("wait 2s")
                await _compare(model, house)
            down = await _live(script, rest, model)
            if not rest and down is None:
                return
        assert down is not None
        await trio.sleep(down * 600 - 2)
        model.do(("down", down))


async def _live(script: RuleScript, rest: list[Op], model: Model) -> int | None:
    """One life, up to the next stop; for how long that is, in tens of minutes."""
    while rest:
        verb, value = op = rest.pop(0)
        if verb == "down":
            return int(value)
        if verb == "wait":
            await script.do(f"wait {int(value) * 10}m")
        elif verb == "crash" and model.alive:
            await script.do(f"crash {value}")
        elif verb in ("arm", "pause") and _may(verb, model):
            await script.do(f"{verb} x")
        model.do(op)
    return None


def _may(verb: str, model: Model) -> bool:
    """Who is dead hears nothing; what has ended or was never armed refuses."""
    return model.alive and not model.ended and (verb == "arm" or model.armed)


async def _compare(model: Model, house: RuleHouse) -> None:
    firings = await house.firings_of("x")
    assert [firing.state.name for firing in firings] == model.firings
    ids = house.accepted_ids()
    assert len(ids) == len({*ids}) == model.orders
    rule = (await house.rules_of())["x"]
    assert (rule.memory.fired, rule.state.name == "ENDED") == (model.fired, model.ended)
