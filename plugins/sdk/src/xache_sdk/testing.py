"""Try a strategy or a signal without a daemon: feed it values, look at what it wants or says.

The same checks and the same arithmetic as in its process; see :mod:`xache_sdk.session`. The clock
follows what is fed: a closed candle is fed when it is over, everything else at its own time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from xache_sdk.context import Balance, Context, Position, Saved
from xache_sdk.feed_session import FeedSession
from xache_sdk.feeds import BadFrame, Connection, Feed, Market, Record, Way
from xache_sdk.market import Book, Candle, Instrument, Interval, Level, Side, Subscription, Trade
from xache_sdk.notifiers import Notice, NoticeKind, Severity
from xache_sdk.orders import (
    Fill,
    Intent,
    OrderStatus,
    OrderUpdate,
    Place,
)
from xache_sdk.session import Session
from xache_sdk.settings import make_settings
from xache_sdk.signal_source import SignalSource, SourceContext
from xache_sdk.signal_values import SignalValue
from xache_sdk.source_replay import open_source
from xache_sdk.source_session import SourceInput
from xache_sdk.strategy import Input, StopAsked, Strategy
from xache_sdk.v1 import plugin_pb2


class Rig:
    """A strategy under test.

    ``settings`` are values as JSON has them. Raises: SettingsError, and whatever the strategy
    raises.
    """

    def __init__(self, strategy_type: type[Strategy[Any]], settings: Mapping[str, Any]) -> None:
        self.strategy = strategy_type(make_settings(strategy_type.settings_type, dict(settings)))
        self.session = Session(self.strategy)
        self.subscriptions: list[Subscription] = list(self.session.subscriptions)

    def start(self, context: Context, warm_up: Iterable[Candle] = ()) -> list[Intent]:
        """Begin, with closed candles from before the start, oldest first."""
        for candle in warm_up:
            self.session.warm_up(candle)
        return self.session.start(context)

    def feed(self, *values: Input) -> list[Intent]:
        """Call the strategy with values, one after the other, and gather what it wants."""
        return self.feed_all(values)

    def feed_all(self, values: Iterable[Input]) -> list[Intent]:
        """The same with a series of values."""
        intents: list[Intent] = []
        for value in values:
            self.strategy.context.set_clock(_known_at_ns(value))
            intents += self.session.take(value)
        return intents

    def hold(self, symbol: str, quantity: str, cost: str = "0") -> None:
        """Let the sub-account hold a position; the update that tells of it is fed next."""
        position = self.strategy.context.position(symbol)
        position.quantity_lots = position.instrument.lots(Decimal(quantity))
        position.cost = Decimal(cost)


def _known_at_ns(value: Input) -> int:
    """When a value can be known; 0 for what has no time."""
    if isinstance(value, Candle):
        return value.ends_at_ns if value.closed else value.open_at_ns
    return 0 if isinstance(value, StopAsked) else value.at_ns


def make_instrument(symbol: str = "BTC-USDT", **rules: str) -> Instrument:
    """An instrument with a tick of 0.01 and a lot of 0.00001; any rule may be given as text."""
    base, _, quote = symbol.partition("-")
    texts = {
        "tick_size": "0.01",
        "lot_size": "0.00001",
        "min_quantity": "0.00001",
        "max_quantity": "9000",
        "max_market_quantity": "100",
        "min_notional": "5",
        "max_notional": "9000000",
    } | rules
    numbers = {name: Decimal(text) for name, text in texts.items()}
    return Instrument(
        symbol=symbol,
        base=base,
        quote=quote,
        tick_size=numbers["tick_size"],
        lot_size=numbers["lot_size"],
        min_quantity=numbers["min_quantity"],
        max_quantity=numbers["max_quantity"],
        max_market_quantity=numbers["max_market_quantity"],
        min_notional=numbers["min_notional"],
        max_notional=numbers["max_notional"],
        maker_fee_ppm=int(numbers.get("maker_fee_ppm", 0)),
        taker_fee_ppm=int(numbers.get("taker_fee_ppm", 0)),
    )


def make_candle(
    instrument: Instrument,
    open_at_ns: int,
    close: Decimal | str,
    *,
    interval: Interval = Interval.M1,
    venue: str = "XACHE",
    high: Decimal | str | None = None,
    low: Decimal | str | None = None,
    open_: Decimal | str | None = None,
    volume: Decimal | str = "1",
    closed: bool = True,
) -> Candle:
    """A candle of prices as text; what is not given is the close."""

    def ticks(price: Decimal | str | None) -> int:
        return instrument.ticks(Decimal(close if price is None else price))

    return Candle(
        instrument=instrument,
        venue=venue,
        interval=interval,
        open_at_ns=open_at_ns,
        open_ticks=ticks(open_),
        high_ticks=max(ticks(high), ticks(open_), ticks(close)),
        low_ticks=min(ticks(low), ticks(open_), ticks(close)),
        close_ticks=ticks(close),
        volume_lots=instrument.lots(Decimal(volume)),
        closed=closed,
    )


def make_trade(
    instrument: Instrument,
    at_ns: int,
    price: Decimal | str,
    quantity: Decimal | str = "1",
    *,
    side: Side = Side.BUY,
    venue: str = "XACHE",
) -> Trade:
    """A trade of a price and a quantity as text."""
    return Trade(
        instrument=instrument,
        venue=venue,
        at_ns=at_ns,
        price_ticks=instrument.ticks(Decimal(price)),
        quantity_lots=instrument.lots(Decimal(quantity)),
        taker_side=side,
    )


def make_book(
    instrument: Instrument,
    at_ns: int,
    bids: Iterable[tuple[Decimal | str, Decimal | str]],
    asks: Iterable[tuple[Decimal | str, Decimal | str]],
    *,
    venue: str = "XACHE",
) -> Book:
    """A book of prices and quantities as text, best first."""

    def levels(side: Iterable[tuple[Decimal | str, Decimal | str]]) -> tuple[Level, ...]:
        return tuple(
            Level(instrument.ticks(Decimal(price)), instrument.lots(Decimal(quantity)))
            for price, quantity in side
        )

    return Book(instrument, venue, at_ns, levels(bids), levels(asks))


def make_context(
    *instruments: Instrument,
    balances: Mapping[str, str] | None = None,
    positions: Mapping[str, str] | None = None,
    now_ns: int = 0,
    saved: Saved | None = None,
) -> Context:
    """A start with free balances and positions given as text."""
    known = {each.symbol: each for each in instruments or (make_instrument(),)}
    return Context(
        run_id="test",
        now_ns=now_ns,
        instruments=known,
        balances={
            asset: Balance(Decimal(text), Decimal(0)) for asset, text in (balances or {}).items()
        },
        positions={
            symbol: Position(known[symbol], known[symbol].lots(Decimal(text)))
            for symbol, text in (positions or {}).items()
        },
        saved=saved,
    )


def opened(place: Place, at_ns: int = 0) -> OrderUpdate:
    """The order rests in the book."""
    return _update(place, OrderStatus.OPEN, at_ns)


def ended(
    place: Place, status: OrderStatus = OrderStatus.CANCELED, reason: str = "USER", at_ns: int = 0
) -> OrderUpdate:
    """The order is over, or was refused."""
    return _update(place, status, at_ns, reason=reason)


def filled(
    place: Place,
    price: Decimal,
    quantity: Decimal | None = None,
    *,
    executed: Decimal = Decimal(0),
    maker: bool = False,
    at_ns: int = 0,
) -> OrderUpdate:
    """The order traded ``quantity`` (all of it by default), after ``executed`` before."""
    whole = place.quantity if place.quantity is not None else quantity
    assert whole is not None, "say how much an order by quote quantity traded"
    traded = whole - executed if quantity is None else quantity
    done = executed + traded >= whole
    return _update(
        place,
        OrderStatus.FILLED if done else OrderStatus.PARTIALLY_FILLED,
        at_ns,
        whole=whole,
        executed=executed + traded,
        fill=Fill(price=price, quantity=traded, fee=Decimal(0), maker=maker),
    )


def _update(
    place: Place,
    status: OrderStatus,
    at_ns: int,
    *,
    reason: str = "",
    whole: Decimal | None = None,
    executed: Decimal = Decimal(0),
    fill: Fill | None = None,
) -> OrderUpdate:
    quantity = whole or place.quantity or Decimal(0)
    return OrderUpdate(
        id=place.id,
        own=True,
        symbol=place.symbol,
        side=place.side,
        status=status,
        at_ns=at_ns,
        reason=reason,
        price=place.price,
        quantity=quantity,
        executed_quantity=executed,
        leaves_quantity=Decimal(0) if status.final else quantity - executed,
        fill=fill,
    )


class SourceRig:
    """A signal under test, run under the name ``tested``.

    ``settings`` are values as JSON has them. Raises: SettingsError, and whatever the signal raises.
    """

    def __init__(self, source_type: type[SignalSource[Any]], settings: Mapping[str, Any]) -> None:
        self.session = open_source("tested", source_type, settings)
        self.source = self.session.source
        self.subscriptions: list[Subscription] = list(self.session.subscriptions)

    def start(
        self, *instruments: Instrument, warm_up: Iterable[Candle] = (), now_ns: int = 0
    ) -> None:
        """Begin, with closed candles from before the start, oldest first."""
        for candle in warm_up:
            self.session.warm_up(candle)
        known = {each.symbol: each for each in instruments or (make_instrument(),)}
        self.session.start(SourceContext(now_ns=now_ns, instruments=known))

    def feed(self, *values: SourceInput) -> list[SignalValue]:
        """Show it market data, one piece after the other, and gather what it says."""
        said: list[SignalValue] = []
        for value in values:
            self.source.context.set_clock(_known_at_ns(value))
            said += self.session.take(value)
        return said


def make_signal(
    signal: str,
    value: float,
    as_of_ns: int,
    *,
    name: str = "value",
    confidence: float | None = None,
    valid_ns: int = 60 * 10**9,
) -> SignalValue:
    """A value of a signal, to be fed to a strategy that uses it."""
    return SignalValue(
        signal=signal,
        name=name,
        value=value,
        confidence=confidence,
        as_of_ns=as_of_ns,
        expires_at_ns=as_of_ns + valid_ns,
    )


class FeedRig:
    """A feed under test, and what it makes of frames; the same checks as in its process.

    ``settings`` are values as JSON has them; ``names`` are the venue's names of markets, where the
    operator gives one. Raises: SettingsError, and whatever the feed raises.
    """

    def __init__(
        self,
        feed_type: type[Feed[Any]],
        settings: Mapping[str, Any],
        instruments: Iterable[Instrument],
        names: Mapping[str, str] | None = None,
    ) -> None:
        markets = [Market(each, (names or {}).get(each.symbol, "")) for each in instruments]
        self.feed = feed_type(make_settings(feed_type.settings_type, dict(settings)), markets)
        self._taped = _TapedFeed(self.feed)
        self._session = FeedSession(self._taped)

    def connection(self) -> Connection:
        """Where it wants to connect. Raises: TypeError, ValueError for what is not allowed."""
        self._session.connection()
        return self.feed.connection()

    def receive(self, frame: bytes, received_ns: int = 0) -> list[Record]:
        """What it makes of a frame. Raises: BadFrame where that would be counted as a fault."""
        return self._checked(self._session.receive(frame, received_ns))

    def snapshot(self, symbol: str, body: bytes, received_ns: int = 0) -> list[Record]:
        """What it makes of the answer to a request. Raises: BadFrame, as above."""
        return self._checked(self._session.snapshot(symbol, body, received_ns))

    def repair(self, symbol: str) -> Way:
        """How it gets the next snapshot of a book. Raises: TypeError, ValueError."""
        self._session.repair(symbol)
        return self.feed.repair(symbol)

    def _checked(self, turn: plugin_pb2.PluginFeedTurn) -> list[Record]:
        tape, self._taped.tape = self._taped.tape, []
        for record in turn.records:
            if record.WhichOneof("record") == "fault" and record.fault.cause != "REFUSED":
                raise BadFrame(f"{record.fault.cause}: {record.fault.excerpt}")
        return tape


class _TapedFeed(Feed[Any]):
    """Hands on what a feed says, and keeps it."""

    def __init__(self, feed: Feed[Any]) -> None:
        super().__init__(feed.settings, feed.markets)
        self.tape: list[Record] = []
        self._feed = feed

    def connection(self) -> Connection:
        return self._feed.connection()

    def receive(self, frame: bytes) -> Iterable[Record]:
        return self._keep(self._feed.receive(frame))

    def repair(self, symbol: str) -> Way:
        return self._feed.repair(symbol)

    def snapshot(self, symbol: str, body: bytes) -> Iterable[Record]:
        return self._keep(self._feed.snapshot(symbol, body))

    def _keep(self, records: Iterable[Record]) -> Iterable[Record]:
        for record in records:
            self.tape.append(record)
            yield record


def make_notice(
    kind: NoticeKind = NoticeKind.FEED_STALE,
    severity: Severity = Severity.WARNING,
    subject: str = "venue:BINANCE",
    text: str = "silent about 2 markets",
) -> Notice:
    """A notice as the house tells it."""
    return Notice(
        notice_id="0123456789ab-1", kind=kind, severity=severity, subject=subject, text=text,
        at_ns=1_700_000_000_000_000_000,
    )  # fmt: skip
