"""A language for tests of rules: one line says one thing, in the words of the trade.

offer   SELL 0.5 @ 50000.0            bob stands in the book
rule    NAME every 1h [catch-up] [max 3] [awake 0-4 08:00-16:00] : buy 50 USDT of BTC-USDT
rule    NAME cron 0 9 * * mon : buy 0.001 BTC-USDT
arm | pause | end  NAME
wait    90m
crash   before the decision is written | before the order is sent | after the order was answered
down    3h                            the house stops, or has crashed, and starts again later
against frozen | against nothing      what stands against the account
rule?   NAME ARMED fired 2
fired   NAME DONE MISSED REFUSED      all firings, oldest first
said    NAME 1 TEXT                   what a firing says somewhere: why, what was sent, answers
paused  1 0                           how many orders were open at each pause of its strategies
orders  2                             orders of rules that the journal has
refused REASON : any line             what must be refused
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
import trio

from tests.actors.test_matching import order
from tests.automation.rule_house import ALICE, CRASHES, GRID, RuleHouse, rule_house
from xached.api.rule_forms import sent_sentence
from xached.automation.messages import ArmRule, CreateRule, EndRule, NoteRehearsal, PauseRule
from xached.automation.rule import Firing
from xached.automation.terms import (
    Direction,
    Drawdown,
    IndicatorReaches,
    Missed,
    OrderAction,
    PositionGains,
    PriceReaches,
    Rebalance,
    RuleTerms,
    Schedule,
    SellShares,
    StopAll,
    Target,
    Then,
    TimeWindow,
    When,
)
from xached.domain.candles import Candle, Interval
from xached.domain.history import Funds
from xached.domain.instrument import AssetName, Instrument, Symbol
from xached.domain.market import Venue
from xached.domain.messages import SetMark
from xached.domain.money import format_units, parse_decimal
from xached.domain.order import OrderType, Side, TimeInForce
from xached.domain.rejection import Rejection
from xached.storage.strategy_tables import tables_of_accounts

_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


async def play(text: str, directory: Path) -> None:
    """Play a script: a life of the house for every part between two ``down``."""
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    candles: list[Candle] = []
    for lived, down_s in _lives([line for line in lines if line]):
        async with rule_house(directory, candles) as house:
            script = RuleScript(house)
            for line in lived:
                try:
                    await script.do(line)
                except AssertionError as error:
                    raise AssertionError(f"{line}: {error}") from error
        await trio.sleep(down_s)


def seconds(text: str) -> int:
    """How long, as 90m or 1h30m."""
    return sum(int(number) * _SECONDS[unit] for number, unit in re.findall(r"(\d+)([smhd])", text))


class RuleScript:
    """Does what lines say to one life of a house."""

    def __init__(self, house: RuleHouse) -> None:
        self._house = house
        self._offers = house.exchange.journal.last_seq

    @property
    def _instrument(self) -> Instrument:
        (instrument,) = self._house.exchange.directory.values()
        return instrument

    async def do(self, line: str) -> None:
        """Do one line."""
        verb, _, rest = line.partition(" ")
        rest = rest.strip()
        if verb == "refused":
            reason, _, refused = rest.partition(" : ")
            with pytest.raises(Rejection) as rejected:
                await self.do(refused.strip())
            assert rejected.value.reason.value == reason.strip(), rejected.value
            return
        await getattr(self, f"_{verb.rstrip('?')}{'_is' if verb.endswith('?') else ''}")(rest)

    async def _offer(self, rest: str) -> None:
        side, quantity, _, price = rest.split()
        self._offers += 1
        lots, ticks = self._instrument.parse_quantity(quantity), self._instrument.parse_price(price)
        await self._house.offer(Side[side], ticks, lots, f"b{self._offers}")

    async def _mark(self, price: str) -> None:
        command = SetMark(
            symbol=self._instrument.symbol,
            price_ticks=self._instrument.parse_price(price),
            source="TEST",
            request_id="",
        )
        await self._house.exchange.matching.execute(command)

    async def _candle(self, price: str) -> None:
        self._house.candles.close(self._instrument.parse_price(price))

    async def _buy(self, quantity: str) -> None:
        await self._trade(Side.BUY, quantity)

    async def _sell(self, quantity: str) -> None:
        await self._trade(Side.SELL, quantity)

    async def _trade(self, side: Side, quantity: str) -> None:
        self._offers += 1
        lots = self._instrument.parse_quantity(quantity)
        command = attrs.evolve(
            order(GRID, f"a{self._offers}", side, 0, lots),
            type=OrderType.MARKET,
            time_in_force=TimeInForce.IOC,
            price_ticks=None,
        )
        await self._house.exchange.matching.execute(command)

    async def _rest(self, rest: str) -> None:
        side, quantity, _, price = rest.split()
        self._offers += 1
        lots, ticks = self._instrument.parse_quantity(quantity), self._instrument.parse_price(price)
        command = order(GRID, f"a{self._offers}", Side[side], ticks, lots)
        await self._house.exchange.matching.execute(command)

    async def _paused(self, rest: str) -> None:
        await trio.lowlevel.checkpoint()
        assert [(GRID, int(count)) for count in rest.split()] == self._house.paused

    async def _holds(self, rest: str) -> None:
        amount, asset = rest.split()
        funds = (await self._house.holdings()).balances.get(AssetName(asset), Funds())
        scale = self._house.exchange.directory.assets[AssetName(asset)].scale
        assert format_units(funds.available + funds.held, scale) == amount, format_units(
            funds.available + funds.held, scale
        )

    async def _open(self, count: str) -> None:
        assert len((await self._house.holdings()).orders) == int(count)

    async def _rule(self, rest: str) -> None:
        head, _, action = rest.partition(" : ")
        name, _, when = head.partition(" ")
        await self._house.ask(
            CreateRule(
                account_id=ALICE,
                purse=GRID,
                name=name,
                terms=self._terms(when, action.strip()),
                request_id=f"make-{name}",
            )
        )

    async def _arm(self, name: str) -> None:
        rule = (await self._house.rules_of())[name]
        await self._house.ask(ArmRule(account_id=ALICE, rule_id=rule.rule_id, unrehearsed=True))

    async def _rehearsed(self, name: str) -> None:
        rule = (await self._house.rules_of())[name]
        now_ns = self._house.exchange.world.now_ns()
        await self._house.ask(NoteRehearsal(account_id=ALICE, rule_id=rule.rule_id, at_ns=now_ns))

    async def _pause(self, name: str) -> None:
        rule = (await self._house.rules_of())[name]
        await self._house.ask(PauseRule(account_id=ALICE, rule_id=rule.rule_id))

    async def _end(self, name: str) -> None:
        rule = (await self._house.rules_of())[name]
        await self._house.ask(EndRule(account_id=ALICE, rule_id=rule.rule_id))

    async def _wait(self, rest: str) -> None:
        with trio.move_on_after(seconds(rest)):
            if self._house.fuse.place:
                await self._house.fuse.blown.wait()
            await trio.sleep_forever()

    async def _crash(self, place: str) -> None:
        assert place in CRASHES
        self._house.fuse.place = place

    async def _away(self, what: str) -> None:
        self._house.fuse.away = "" if what == "nothing" else what

    async def _against(self, rest: str) -> None:
        self._house.against[:] = [] if rest == "nothing" else rest.split()

    async def _forget(self, _rest: str) -> None:
        await self._house.records.forget(ALICE)
        await self._left("0")

    async def _left(self, count: str) -> None:
        rows_of = self._house.records.rows_of
        found = [await rows_of(ALICE, table, 0, 1_000) for table in tables_of_accounts()]
        assert sum(map(len, found)) == int(count)

    async def _rule_is(self, rest: str) -> None:
        name, state, _, fired = rest.split()
        rule = (await self._house.rules_of())[name]
        assert (rule.state.name, rule.memory.fired) == (state, int(fired)), rule

    async def _fired(self, rest: str) -> None:
        name, *states = rest.split()
        firings = await self._house.firings_of(name)
        assert [firing.state.name for firing in firings] == states, _told(firings)
        assert [firing.number for firing in firings] == list(range(1, len(firings) + 1))

    async def _said(self, rest: str) -> None:
        name, number, text = rest.split(maxsplit=2)
        firing = (await self._house.firings_of(name))[int(number) - 1]
        directory = self._house.exchange.directory
        told = [firing.explanation, *(f"{fact.name} {fact.value}" for fact in firing.facts)]
        for step in firing.steps:
            told += [sent_sentence(step.command, directory), step.answer]
        assert any(text in each for each in told), told

    async def _orders(self, rest: str) -> None:
        ids = self._house.accepted_ids()
        assert len(ids) == int(rest) == len({*ids}), ids

    def _terms(self, when: str, action: str) -> RuleTerms:
        awake = re.search(r" awake (\d)-(\d) (\d+):(\d+)-(\d+):(\d+)", when)
        most = re.search(r" max (\d+)", when)
        windows: tuple[TimeWindow, ...] = ()
        if awake:
            first, last, *clock = map(int, awake.groups())
            windows = (
                TimeWindow(
                    days=tuple(range(first, last + 1)),
                    from_minute=clock[0] * 60 + clock[1],
                    to_minute=clock[2] * 60 + clock[3],
                ),
            )
        rest = re.search(r" rest (\d+[smhd])", when)
        return RuleTerms(
            when=self._when(when),
            then=self._then(action),
            windows=windows,
            max_firings=int(most[1]) if most else 0,
            cooldown_s=seconds(rest[1]) if rest else 0,
        )

    def _when(self, when: str) -> When:
        missed = Missed.CATCH_UP if "catch-up" in when else Missed.SKIP
        kind, *rest = when.split()
        match kind, rest:
            case "every", [pace, *_]:
                return Schedule(cron="", every_s=seconds(pace), missed=missed)
            case "cron", [*fields]:
                return Schedule(cron=" ".join(fields[:5]), every_s=0, missed=missed)
            case "price", [symbol, side, price, *_]:
                return PriceReaches(
                    symbol=Symbol(symbol),
                    direction=Direction[side.upper()],
                    price_ticks=self._instrument.parse_price(price),
                )
            case "gains", [symbol, *gains]:
                return PositionGains(symbol=Symbol(symbol), gains_ppm=_shares(gains))
            case "indicator", [name, side, level, *settings]:
                return IndicatorReaches(
                    symbol=self._instrument.symbol,
                    venue=Venue(""),
                    interval=Interval.M5,
                    indicator=name,
                    settings=tuple(each for each in settings if "=" in each),
                    output="value",
                    direction=Direction[side.upper()],
                    threshold=level,
                )
            case "drawdown", [asset, fall, *_]:
                return Drawdown(asset=AssetName(asset), fall_ppm=_shares([fall])[0])
            case _:
                raise AssertionError(when)

    def _then(self, action: str) -> Then:
        verb, *rest = action.split()
        match verb, rest:
            case "shares", [*shares]:
                return SellShares(shares_ppm=_shares(shares))
            case "stop", ["all", *more]:
                return StopAll(sell=more == ["and", "sell"])
            case "rebalance", [symbol, weight, "drift", drift]:
                target = Target(symbol=Symbol(symbol), weight_ppm=_shares([weight])[0])
                return Rebalance(targets=(target,), drift_ppm=_shares([drift])[0])
            case _:
                return self._order(action)

    def _order(self, action: str) -> OrderAction:
        """``buy 50 USDT of BTC-USDT``, ``sell 0.1 BTC-USDT``, ``buy 25% of BTC-USDT``."""
        side, amount, *rest = action.split()
        instrument = self._instrument
        quote, share = "USDT" in rest, amount.endswith("%")
        return OrderAction(
            symbol=instrument.symbol,
            side=Side[side.upper()],
            quote_units=parse_decimal(amount, instrument.quote_scale) if quote else None,
            quantity_lots=instrument.parse_quantity(amount) if not quote and not share else None,
            share_ppm=int(amount[:-1]) * 10_000 if share else None,
            price_ticks=None,
        )


def _shares(texts: list[str]) -> tuple[int, ...]:
    return tuple(int(text.removesuffix("%")) * 10_000 for text in texts)


def _lives(lines: list[str]) -> Iterator[tuple[list[str], int]]:
    lived: list[str] = []
    for line in lines:
        if line.startswith("down "):
            yield lived, seconds(line)
            lived = []
        else:
            lived.append(line)
    yield lived, 0


def _told(firings: list[Firing]) -> str:
    return "\n".join(
        f"{firing.number} {firing.state.name} {firing.explanation}: "
        + "; ".join(step.answer for step in firing.steps)
        for firing in firings
    )
