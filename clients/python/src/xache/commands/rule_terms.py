"""What a rule says, as options of a command and as text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Annotated, Final, Literal

import attrs
from cyclopts import Group, Parameter

from xache.commands.market import INTERVALS
from xache.commands.options import Flag, usage
from xache.commands.terms import duration_s, expiry_ns
from xache.explain import percent
from xache.output import moment
from xache.v1 import automation_pb2, types_pb2

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
PPM: Final = 1_000_000

_WINDOW = re.compile(
    r"(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))? (?P<from>\d\d:\d\d)-(?P<to>\d\d:\d\d)", re.ASCII
)
_PERCENT = re.compile(r"(\d{1,6})(?:\.(\d{1,4}))?%", re.ASCII)

_WHEN = Group("When", sort_key=10)
_THEN = Group("Then", sort_key=11)
_BOUNDS = Group("Bounds", sort_key=12)


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class RuleTermsOptions:
    """What a rule says."""

    every: Annotated[str, Parameter(group=_WHEN)] = ""
    """At whole multiples of this since 1970, UTC: 1h is on the hour, 1d at midnight."""
    cron: Annotated[str, Parameter(group=_WHEN)] = ""
    """At these times, UTC: minute hour day month weekday, as "0 9 * * mon"."""
    catch_up: Annotated[Flag, Parameter(group=_WHEN)] = False
    """Make up for the newest time that passed while the house was down."""
    above: Annotated[str, Parameter(group=_WHEN)] = ""
    """When the price of --of rises to this."""
    below: Annotated[str, Parameter(group=_WHEN)] = ""
    """When the price of --of falls to this."""
    gains: Annotated[str, Parameter(group=_WHEN)] = ""
    """When the position in --of is worth so much more than it cost, as 5%,10%,20%."""
    indicator: Annotated[str, Parameter(group=_WHEN)] = ""
    """With --above or --below: an indicator of --of instead of its price, as rsi."""
    set_: Annotated[Sequence[str], Parameter(name="--set", group=_WHEN, negative="")] = ()
    """A setting of the indicator that differs from its default, as NAME=VALUE."""
    output: Annotated[str, Parameter(group=_WHEN)] = ""
    """Which of the indicator's outputs; the first when left out."""
    interval: Annotated[
        Literal["1m", "5m", "15m", "1h", "1d"], Parameter(group=_WHEN, show_default=True)
    ] = "1h"
    """How long the candles of the indicator are."""
    venue: Annotated[str, Parameter(group=_WHEN)] = ""
    """Whose candles; those of the house when left out."""
    of: Annotated[str, Parameter(group=_WHEN)] = ""
    """The market that is watched."""
    drawdown: Annotated[str, Parameter(group=_WHEN)] = ""
    """When the profit of the purse has fallen by this share of its worth, as 10%."""
    asset: Annotated[str, Parameter(group=_WHEN)] = "USDT"
    """The quote asset that a drawdown is counted in."""
    buy: Annotated[str, Parameter(group=_THEN)] = ""
    """Buy in this market."""
    sell: Annotated[str, Parameter(group=_THEN)] = ""
    """Sell in this market."""
    quantity: Annotated[str, Parameter(alias="-q", group=_THEN)] = ""
    """How much of the base asset."""
    quote: Annotated[str, Parameter(group=_THEN)] = ""
    """Instead: what leaves your purse, or of a sale reaches it."""
    share: Annotated[str, Parameter(group=_THEN)] = ""
    """Instead: how much of what is free, as 25%."""
    price: Annotated[str, Parameter(alias="-p", group=_THEN)] = ""
    """The limit; at the market when left out."""
    sell_shares: Annotated[str, Parameter(group=_THEN)] = ""
    """Sell a share of the position at each of --gains, as 25%,25%,50%."""
    weights: Annotated[str, Parameter(group=_THEN)] = ""
    """Sell and buy until the weights are these, as BTC-USDT=50%,ETH-USDT=30%."""
    drift: Annotated[str, Parameter(group=_THEN)] = "0%"
    """With --weights: do nothing while no weight is off by so much."""
    stop_all: Annotated[Flag, Parameter(group=_THEN)] = False
    """Cancel every open order of the purse and pause its other rules."""
    sell_all: Annotated[Flag, Parameter(group=_THEN)] = False
    """The same, and sell every position."""
    awake: Annotated[Sequence[str], Parameter(group=_BOUNDS, negative="")] = ()
    """Only then, UTC, as "mon-fri 08:00-16:00"; may be repeated."""
    times: Annotated[int, Parameter(group=_BOUNDS)] = 0
    """It ends after so many firings."""
    cooldown: Annotated[str, Parameter(group=_BOUNDS)] = ""
    """It does not fire again before, as 1h."""
    until: Annotated[str, Parameter(group=_BOUNDS)] = ""
    """It ends then: 30d, or a time such as 2026-12-31T23:59:59Z."""

    def message(self) -> automation_pb2.RuleTerms:
        """The terms. Raises: SystemExit where they make no sense."""
        message = automation_pb2.RuleTerms(
            windows=[_window(text) for text in self.awake],
            max_firings=self.times,
            cooldown_s=duration_s(self.cooldown) if self.cooldown else 0,
            ends_at_ns=expiry_ns(self.until) if self.until else 0,
        )
        self._say_when(message)
        self._say_then(message)
        return message

    def _say_when(self, message: automation_pb2.RuleTerms) -> None:
        given = (self.every, self.cron, self.above, self.below, self.gains, self.drawdown)
        if sum(map(bool, given)) != 1:
            raise usage(
                "Say when: one of --every, --cron, --above, --below, --gains and --drawdown."
            )
        if bool(self.of) != bool(self.above or self.below or self.gains):
            raise usage("--of names the market of --above, --below and --gains.")
        if self.indicator and not (self.above or self.below):
            raise usage("--indicator comes with --above or --below.")
        direction = automation_pb2.DIRECTION_BELOW
        if self.above:
            direction = automation_pb2.DIRECTION_ABOVE
        if self.indicator:
            indicator = automation_pb2.IndicatorReaches(
                symbol=self.of.upper(),
                venue=self.venue.upper(),
                interval=INTERVALS[self.interval],
                indicator=self.indicator.lower(),
                settings=self.set_,
                output=self.output,
                direction=direction,
                threshold=self.above or self.below,
            )
            message.indicator.CopyFrom(indicator)
        elif self.above or self.below:
            message.price.symbol = self.of.upper()
            message.price.price = self.above or self.below
            message.price.direction = direction
        elif self.gains:
            message.gains.symbol = self.of.upper()
            message.gains.gains_ppm.extend(_shares(self.gains, "--gains"))
        elif self.drawdown:
            message.drawdown.asset = self.asset.upper()
            message.drawdown.fall_ppm = ppm(self.drawdown, "--drawdown")
        else:
            missed = automation_pb2.MISSED_TIMES_SKIP
            if self.catch_up:
                missed = automation_pb2.MISSED_TIMES_CATCH_UP
            every_s = duration_s(self.every) if self.every else 0
            schedule = automation_pb2.Schedule(cron=self.cron, every_s=every_s, missed=missed)
            message.schedule.CopyFrom(schedule)

    def _say_then(self, message: automation_pb2.RuleTerms) -> None:
        stops = self.stop_all or self.sell_all
        given = (self.buy, self.sell, self.sell_shares, self.weights, stops)
        if sum(map(bool, given)) != 1:
            raise usage(
                "Say what it does: one of --buy, --sell, --sell-shares, --weights, --stop-all and "
                "--sell-all."
            )
        if self.sell_shares:
            message.sell_shares.shares_ppm.extend(_shares(self.sell_shares, "--sell-shares"))
        elif self.weights:
            message.rebalance.drift_ppm = ppm(self.drift, "--drift")
            for text in self.weights.split(","):
                symbol, _, weight = text.partition("=")
                weight_ppm = ppm(weight, "--weights")
                message.rebalance.targets.add(symbol=symbol.upper(), weight_ppm=weight_ppm)
        elif stops:
            message.stop_all.CopyFrom(automation_pb2.StopAll(sell=self.sell_all))
        else:
            message.order.CopyFrom(self._order())

    def _order(self) -> automation_pb2.OrderAction:
        if sum(map(bool, (self.quantity, self.quote, self.share))) != 1:
            raise usage("Give one of --quantity, --quote and --share.")
        return automation_pb2.OrderAction(
            symbol=(self.buy or self.sell).upper(),
            side=types_pb2.SIDE_BUY if self.buy else types_pb2.SIDE_SELL,
            quantity=self.quantity,
            quote_quantity=self.quote,
            share_ppm=ppm(self.share, "--share") if self.share else 0,
            price=self.price,
        )


NO_RULE_TERMS = RuleTermsOptions()


def when_text(terms: automation_pb2.RuleTerms) -> str:
    """When a rule fires, as text."""
    text = _when(terms)
    for window in terms.windows:
        days = " ".join(DAYS[day] for day in window.days if day < len(DAYS))
        text += f", {days} {_minute(window.from_minute)}-{_minute(window.to_minute)}"
    if terms.cooldown_s:
        text += f", then rests {terms.cooldown_s} s"
    if terms.max_firings:
        text += f", {terms.max_firings} times"
    if terms.ends_at_ns:
        text += f", until {moment(terms.ends_at_ns)}"
    return text


def then_text(terms: automation_pb2.RuleTerms) -> str:
    """What a rule does, as text."""
    match terms.WhichOneof("then"):
        case "order":
            return _order_text(terms.order)
        case "sell_shares":
            return f"sell {_percents(terms.sell_shares.shares_ppm)} of the position"
        case "rebalance":
            weights = (
                f"{each.symbol} {percent(each.weight_ppm)}" for each in terms.rebalance.targets
            )
            drift = terms.rebalance.drift_ppm
            return f"bring back to {', '.join(weights)} when off by {percent(drift)}"
        case "stop_all":
            return "stop everything" + (" and sell" if terms.stop_all.sell else "")
        case _:
            return "as a newer xache knows"


def _when(terms: automation_pb2.RuleTerms) -> str:
    match terms.WhichOneof("when"):
        case "schedule":
            schedule = terms.schedule
            text = f'cron "{schedule.cron}"' if schedule.cron else f"every {schedule.every_s} s"
            if schedule.missed == automation_pb2.MISSED_TIMES_CATCH_UP:
                text += ", catching up"
            return text
        case "price":
            rises = terms.price.direction == automation_pb2.DIRECTION_ABOVE
            word = "rises" if rises else "falls"
            return f"{terms.price.symbol} {word} to {terms.price.price}"
        case "indicator":
            seen = terms.indicator
            rises = seen.direction == automation_pb2.DIRECTION_ABOVE
            named = f"{seen.indicator}({', '.join(seen.settings)}) of {seen.symbol}"
            return f"{named} {'rises' if rises else 'falls'} to {seen.threshold}"
        case "gains":
            return f"{terms.gains.symbol} gains {_percents(terms.gains.gains_ppm)}"
        case "drawdown":
            fall = percent(terms.drawdown.fall_ppm)
            return f"a loss of {fall} in {terms.drawdown.asset}"
        case _:
            return "as a newer xache knows"


def _percents(values: Iterable[int]) -> str:
    return ", ".join(percent(value) for value in values)


def _shares(text: str, option: str) -> list[int]:
    return [ppm(each, option) for each in text.split(",")]


def ppm(text: str, option: str) -> int:
    """Read a share, as 25% or 0.5%. Raises: SystemExit."""
    found = _PERCENT.fullmatch(text)
    if found is None:
        raise usage(f"{option} is a share such as 25% or 0.5%.")
    whole, part = found.groups(default="")
    return int(whole) * PPM // 100 + int((part or "0").ljust(4, "0"))


def _order_text(order: automation_pb2.OrderAction) -> str:
    word = "buy" if order.side == types_pb2.SIDE_BUY else "sell"
    if order.share_ppm:
        amount = f"{percent(order.share_ppm)} of what is free in"
    elif order.quote_quantity:
        amount = f"for {order.quote_quantity} in"
    else:
        amount = f"{order.quantity} in"
    return f"{word} {amount} {order.symbol}" + (f" at {order.price}" if order.price else "")


def _window(text: str) -> automation_pb2.TimeWindow:
    found = _WINDOW.fullmatch(text)
    if found is None or not {found["first"], found["last"] or "mon"} <= {*DAYS}:
        raise usage('A window is written as "mon-fri 08:00-16:00".')
    first = DAYS.index(found["first"])
    last = DAYS.index(found["last"] or found["first"])
    if last < first:
        raise usage("Days of a window are in order from mon to sun.")
    return automation_pb2.TimeWindow(
        days=range(first, last + 1),
        from_minute=_minutes(found["from"]),
        to_minute=_minutes(found["to"]),
    )


def _minutes(text: str) -> int:
    hours, minutes = map(int, text.split(":"))
    if hours > 23 or minutes > 59:
        raise usage(f"{text} is no time of a day.")
    return hours * 60 + minutes


def _minute(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
