"""What the paper exchange does besides what people tell it to: it brings the venue's side in.

Theory of operation. The paper exchange is an exchange like the other. A purse of the house, the
venue, trades in it and has no orders between commands. Before an order that would take, the levels
it can reach are placed for the venue; after it what is left of them is cancelled. When the venue
trades, or its book comes within the price of an order that rests, the orders that this fills are
met by an order of the venue that does not rest. Stops look
at the venue's last trade, which is set as the mark when it concerns one, with the levels that the
woken orders can reach. So the journal has just those facts of the feed that did something, and
replaying it needs no feed.

The commands are made one by one while the exchange carries them out: each sees what the one
before has done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import attrs

from xached.domain.instrument import Instrument, Symbol
from xached.domain.list_messages import PlaceList
from xached.domain.lists import orders_of
from xached.domain.market import Level
from xached.domain.market_line import MarketLine
from xached.domain.messages import (
    CancelAll,
    Command,
    Event,
    OrderEnded,
    OrderRested,
    PlaceOrder,
    ReplaceOrder,
    SetMark,
    SliceShown,
    Traded,
)
from xached.domain.order import (
    BUY,
    EndReason,
    OrderId,
    OrderType,
    Purse,
    SelfTradePrevention,
    Side,
    TimeInForce,
    Trigger,
    TriggerSource,
)
from xached.domain.paper import VenueCopy, Waiting, paper_symbol
from xached.domain.paper_preview import shown_with
from xached.domain.portfolio import HoldingsQuery, Price, PriceKind
from xached.domain.preview import Preview, PreviewQuery
from xached.domain.protection_messages import Flatten
from xached.domain.queries import PurseQuery, Query
from xached.domain.rejection import Rejection
from xached.domain.state import Market, State

VENUE: Final = Purse("@venue/main")
"""Whose orders the venue's are. No account has such a name."""

MARK_MOVE_BP: Final = 5
"""The mark follows the venue on a move of so many basis points, when an order comes."""


@attrs.frozen(kw_only=True)
class _Wanted:
    """What an order would take at most: lots, or an amount of the quote."""

    symbol: Symbol
    side: Side
    limit_ticks: int | None
    lots: int | None
    quote_units: int | None = None
    all_or_none: bool = False
    payer: Purse | None = None
    """Who pays; None where what it pays with is still held."""


@attrs.define
class _Followed:
    """A venue's line, how far its tape was read, and what is left of its book."""

    line: MarketLine
    sequence: int
    epoch: int
    copy: VenueCopy = attrs.field(factory=VenueCopy)

    def price_ticks(self) -> int | None:
        """The venue's price of now: its last trade, or the middle of its book before any."""
        last = self.line.tape.last()
        return last.price_ticks if last is not None else self.line.mid_ticks()


@attrs.define
class _Taking:
    """A level that resting orders take from just now."""

    copy: VenueCopy
    side: Side
    price_ticks: int
    lots: int = 0

    def take(self, lots: int) -> None:
        """Some of it went."""
        self.copy.take(self.side, self.price_ticks, lots)
        self.lots += lots


class PaperLiquidity:
    """The venue's side of every paper market."""

    def __init__(
        self,
        line_of: Callable[[Symbol], MarketLine | None],
        prefix: str,
    ) -> None:
        """Args:
        line_of: the venue's line of a real symbol, None while there is none.
        prefix: begins the ids of the venue's orders; never used before.
        """
        self._rules: dict[Symbol, Instrument] = {}
        self._line_of = line_of
        self._prefix = prefix
        self._count = 0
        self._taking: _Taking | None = None
        self._followed: dict[Symbol, _Followed] = {}

    def mirror(self, instrument: Instrument) -> None:
        """Bring the venue's side of this real instrument in from now on."""
        self._rules[paper_symbol(instrument)] = instrument

    # --- what the actor asks ------------------------------------------------------------------

    def admit(self, command: Command) -> Command:
        """The command as paper takes it. Raises: Rejection where a real minimum is not met.

        Whatever price a stop names, on paper it looks at the venue's last trade.
        """
        match command:
            case PlaceOrder():
                return self._admit_order(command)
            case PlaceList():
                legs = tuple(
                    attrs.evolve(leg, trigger=_watching_mark(leg.trigger)) for leg in command.legs
                )
                return attrs.evolve(command, legs=legs)
            case _:
                return command

    def before(self, command: Command, state: State, at_ns: int) -> Iterator[Command]:
        """What goes before a command: what the venue did meanwhile, and what it has to offer."""
        for symbol, market in state.markets.items():
            yield from self._catch_up(state, market, self._follow(symbol))
        heard = [
            (state.markets[wanted.symbol], followed, wanted)
            for wanted in _wanted(command, state, at_ns)
            if (followed := self._followed.get(wanted.symbol)) is not None
            and not followed.line.stale
        ]
        # All marks first: to set one takes away what was offered before.
        for market, followed, wanted in heard:
            yield from self._follow_price(state, market, followed, exact=wanted.lots == 0)
        for market, followed, wanted in heard:
            yield from self._offer(market, followed, _within_means(state, market, wanted))

    def after(self, state: State) -> Iterator[Command]:
        """What goes after a command: the venue's orders leave."""
        venue = state.purses.get(VENUE)
        if venue is not None and venue.open_orders:
            yield _leave()

    def read(self, query: Query[Any], state: State, seq: int) -> Any:
        """Answer a question with the venue in view: what it offers, and its price of now.

        Raises: Rejection.
        """
        match query:
            case PreviewQuery():
                return self._preview(query, state, seq)
            case HoldingsQuery():
                holdings = query.read(state, seq)
                return attrs.evolve(
                    holdings, prices={**holdings.prices, **dict(self._prices(state))}
                )
            case _:
                return query.read(state, seq)

    def note(self, events: tuple[Event, ...], state: State) -> None:
        """See what was done."""
        for event in events:
            if isinstance(event, Traded):
                followed = self._followed.get(event.symbol)
                if followed is not None and event.maker_purse == VENUE:
                    side = event.taker_side.opposite
                    followed.copy.take(side, event.price_ticks, event.quantity_lots)
                elif self._taking is not None and event.taker_purse == VENUE:
                    self._taking.take(event.quantity_lots)
            elif isinstance(event, OrderRested | SliceShown):
                if event.purse != VENUE:
                    self._wait(state, event.symbol, event.order_id)
            elif isinstance(event, OrderEnded):
                for followed in self._followed.values():
                    followed.copy.leave(event.order_id)

    def has_news(self, state: State) -> bool:
        """Whether the venue has traded, or offers, what an order waits for."""
        for symbol, followed in self._followed.items():
            market = state.markets[symbol]
            if market.order_count and (
                followed.sequence != followed.line.tape.sequence
                or any(_within(market, followed, side) is not None for side in Side)
            ):
                return True
        return False

    def refresh(self) -> None:
        """Look at the books of the venue as they are now."""
        for followed in self._followed.values():
            if followed.copy.is_touched:
                followed.copy.refresh(followed.line.book.depth)

    # --- following the venue ------------------------------------------------------------------

    def _follow(self, symbol: Symbol) -> _Followed | None:
        known = self._followed.get(symbol)
        if known is None and symbol in self._rules:
            line = self._line_of(self._rules[symbol].symbol)
            if line is not None:
                known = _Followed(line, line.tape.sequence, line.tape.epoch)
                self._followed[symbol] = known
        return known

    def _catch_up(
        self, state: State, market: Market, followed: _Followed | None
    ) -> Iterator[Command]:
        if followed is None:
            return
        tape = followed.line.tape
        if tape.epoch == followed.epoch and market.order_count:
            while followed.sequence < tape.sequence:
                start = max(followed.sequence, tape.oldest - 1)
                (trade,) = tape.after(start, 1)
                followed.sequence = trade.sequence
                yield from self._traded(
                    state,
                    market,
                    followed,
                    trade.taker_side,
                    trade.price_ticks,
                    trade.quantity_lots,
                )
        followed.sequence, followed.epoch = tape.sequence, tape.epoch
        if followed.copy.is_touched:
            followed.copy.refresh(followed.line.book.depth)
        for side in Side:
            yield from self._meet_book(market, followed, side)

    def _meet_book(self, market: Market, followed: _Followed, side: Side) -> Iterator[Command]:
        """Fill orders that rest on ``side`` from levels that have come within their price."""
        while (level := _within(market, followed, side)) is not None:
            price_ticks, lots = level
            taken = self._taking = _Taking(followed.copy, side.opposite, price_ticks)
            yield self._order(market, side.opposite, price_ticks, lots, TimeInForce.IOC)
            self._taking = None
            if not taken.lots:
                return

    def _traded(
        self,
        state: State,
        market: Market,
        followed: _Followed,
        taker_side: Side,
        price_ticks: int,
        lots: int,
    ) -> Iterator[Command]:
        """What a trade of the venue fills, then what it wakes."""
        side = taker_side.opposite
        best = market.book.best_ticks(side)
        if best is not None and (best >= price_ticks if side is BUY else best <= price_ticks):
            waiting = [
                Waiting(order_id, at_ticks, state.orders[order_id].leaves_lots)
                for order_id, at_ticks, _ in market.book.queue(side)
            ]
            filled = followed.copy.traded(
                side, price_ticks, lots, waiting, followed.line.book.depth
            )
            if filled:
                if _has_moved(market.mark_ticks, price_ticks):
                    yield from self._set_mark(state, market, followed, price_ticks)
                yield self._order(market, taker_side, price_ticks, filled, TimeInForce.IOC)
        triggers = market.triggers
        if triggers is not None and triggers.reached(TriggerSource.MARK, price_ticks):
            yield from self._set_mark(state, market, followed, price_ticks)

    def _prices(self, state: State) -> Iterator[tuple[Symbol, Price]]:
        """The venue's price of every market that it is heard of, as a mark."""
        for symbol in state.markets:
            followed = self._follow(symbol)
            if followed is None or followed.line.stale:
                continue
            price_ticks = followed.price_ticks()
            if price_ticks is not None:
                yield symbol, Price(price_ticks, PriceKind.MARK)

    def _preview(self, query: PreviewQuery, state: State, seq: int) -> Preview:
        """Work an order out against the venue and whoever rests on paper."""
        try:
            command = self._admit_order(query.command)
        except Rejection as refusal:
            purse = PurseQuery(query.command.purse).read(state, seq)
            return Preview(seq=seq, purse=purse, row=None, refusal=refusal)
        admitted = PreviewQuery(command, query.now_ns)
        followed = self._follow(command.symbol)
        if followed is None or followed.line.stale or command.symbol not in state.markets:
            return admitted.read(state, seq)
        market = state.markets[command.symbol]
        followed.copy.refresh(followed.line.book.depth)
        wanted = _within_means(state, market, _wanted_by(command))
        mark_ticks = followed.price_ticks()
        if wanted.lots != 0 and mark_ticks is not None:
            mark_ticks = mark_ticks if _has_moved(market.mark_ticks, mark_ticks) else None
        offered = list(self._offer(market, followed, wanted))
        with shown_with(state, command.symbol, offered, mark_ticks, query.now_ns) as shown:
            return admitted.read(shown, seq)

    def _follow_price(
        self, state: State, market: Market, followed: _Followed, *, exact: bool
    ) -> Iterator[Command]:
        """Let the mark follow the venue; exactly, for an order that is to wait for it."""
        price_ticks = followed.price_ticks()
        if price_ticks is None:
            return
        if exact or _has_moved(market.mark_ticks, price_ticks):
            yield from self._set_mark(state, market, followed, price_ticks)

    def _set_mark(
        self, state: State, market: Market, followed: _Followed, price_ticks: int
    ) -> Iterator[Command]:
        """Set the mark, with what the orders that it wakes can reach."""
        symbol = market.instrument.symbol
        triggers = market.triggers
        for side, ladder in triggers.ladders(TriggerSource.MARK) if triggers is not None else ():
            lots = sum(state.orders[each].leaves_lots for each in ladder.woken(price_ticks))
            if lots:
                wanted = _Wanted(symbol=symbol, side=side, limit_ticks=None, lots=lots)
                yield from self._offer(market, followed, wanted)
        yield SetMark(
            symbol=symbol, price_ticks=price_ticks, source=followed.line.venue, request_id=""
        )
        yield from self.after(state)

    # --- the venue's orders -------------------------------------------------------------------

    def _offer(self, market: Market, followed: _Followed, wanted: _Wanted) -> Iterator[PlaceOrder]:
        """The levels that an order can reach, best first."""
        lots, quote_units = wanted.lots, wanted.quote_units
        if followed.line.stale or lots == 0:
            return
        side, limit = wanted.side.opposite, wanted.limit_ticks
        levels = [
            (price_ticks, offered)
            for price_ticks, offered in followed.copy.offered(followed.line.book.depth, side)
            if limit is None
            or (price_ticks <= limit if wanted.side is BUY else price_ticks >= limit)
        ]
        if wanted.all_or_none and lots is not None and sum(each for _, each in levels) < lots:
            return  # It ends without a trade, whatever of it is there.
        for price_ticks, offered in levels:
            yield self._order(market, side, price_ticks, offered, TimeInForce.GTC)
            if lots is not None:
                lots -= offered
                if lots <= 0:
                    return
            elif quote_units is not None:
                quote_units -= market.instrument.notional_units(price_ticks, offered)
                if quote_units < 0:
                    return

    def _order(
        self, market: Market, side: Side, price_ticks: int, lots: int, time: TimeInForce
    ) -> PlaceOrder:
        self._count += 1
        instrument = market.instrument
        return PlaceOrder(
            purse=VENUE,
            client_order_id=f"{self._prefix}{self._count}",
            symbol=instrument.symbol,
            side=side,
            type=OrderType.LIMIT,
            time_in_force=time,
            price_ticks=price_ticks,
            quantity_lots=min(lots, instrument.max_quantity_lots),
            quote_units=None,
            # Whoever stands within its price has met it before.
            post_only=time is TimeInForce.GTC,
            self_trade_prevention=SelfTradePrevention.NONE,
            expires_at_ns=None,
        )

    # --- parts --------------------------------------------------------------------------------

    def _wait(self, state: State, symbol: Symbol, order_id: OrderId) -> None:
        order, followed = state.orders.get(order_id), self._followed.get(symbol)
        if order is not None and order.price_ticks is not None and followed is not None:
            followed.copy.wait(order_id, order.side, order.price_ticks, followed.line.book.depth)

    def _admit_order(self, order: PlaceOrder) -> PlaceOrder:
        self._check_minimums(order)
        return attrs.evolve(order, trigger=_watching_mark(order.trigger))

    def _check_minimums(self, order: PlaceOrder) -> None:
        real = self._rules.get(order.symbol)
        if real is None or order.purse == VENUE:
            return
        if order.quantity_lots is not None and (order.price_ticks or order.side is BUY):
            real.check_quantity(order.quantity_lots, market=order.price_ticks is None)
        if order.quote_units is not None:
            real.check_notional(order.quote_units)
        elif order.price_ticks is not None and order.quantity_lots is not None:
            real.check_notional(real.notional_units(order.price_ticks, order.quantity_lots))


def _within(market: Market, followed: _Followed, side: Side) -> Level | None:
    """The best level the venue offers, if an order that rests on ``side`` would take it."""
    best = market.book.best_ticks(side)
    if best is None or followed.line.stale:
        return None
    level = next(followed.copy.offered(followed.line.book.depth, side.opposite), None)
    if level is None or (level[0] > best if side is BUY else level[0] < best):
        return None
    return level


def _wanted(command: Command, state: State, at_ns: int) -> Iterator[_Wanted]:
    """What a command could take."""
    match command:
        case PlaceOrder():
            yield _wanted_by(command)
        case PlaceList():
            for leg in orders_of(command, at_ns):
                yield _wanted_by(leg)
        case ReplaceOrder():
            purse = state.purses.get(command.purse)
            replaced = command.replaced_order_id
            if replaced is None and purse is not None and command.replaced_client_order_id:
                replaced = purse.by_client_id.get(command.replaced_client_order_id)
            order = state.orders.get(replaced) if replaced is not None else None
            if order is not None and order.purse == command.purse:
                yield _Wanted(
                    symbol=order.symbol,
                    side=order.side,
                    limit_ticks=command.price_ticks or order.price_ticks,
                    lots=0
                    if order.trigger is not None
                    else (command.quantity_lots or order.quantity_lots),
                )
        case Flatten():
            purse = state.purses.get(command.purse)
            for symbol, position in purse.positions.items() if purse is not None else ():
                if position.quantity_lots and command.symbol in (None, symbol):
                    yield _Wanted(
                        symbol=symbol, side=Side.SELL, limit_ticks=None, lots=position.quantity_lots
                    )
        case _:
            return


def _wanted_by(order: PlaceOrder) -> _Wanted:
    lots = order.quantity_lots
    if order.trigger is not None:
        lots = 0
    elif order.post_only:
        lots = 1
    return _Wanted(
        symbol=order.symbol,
        side=order.side,
        limit_ticks=order.price_ticks,
        lots=lots,
        quote_units=order.quote_units,
        all_or_none=order.time_in_force is TimeInForce.FOK,
        payer=order.purse,
    )


def _within_means(state: State, market: Market, wanted: _Wanted) -> _Wanted:
    """What an order can reach; without funds it is refused by what the first lot costs."""
    if wanted.lots == 0 or _has_funds(state, market, wanted):
        return wanted
    return attrs.evolve(wanted, lots=1, all_or_none=False)


def _has_funds(state: State, market: Market, wanted: _Wanted) -> bool:
    payer = wanted.payer
    if payer is None:
        return True
    instrument = market.instrument
    asset = instrument.quote if wanted.side is BUY else instrument.base
    return payer in state.purses and state.ledger.available_units(payer, asset) > 0


def _watching_mark(trigger: Trigger | None) -> Trigger | None:
    return attrs.evolve(trigger, source=TriggerSource.MARK) if trigger is not None else None


def _has_moved(mark_ticks: int | None, price_ticks: int) -> bool:
    if mark_ticks is None:
        return True
    return abs(price_ticks - mark_ticks) * 10_000 >= MARK_MOVE_BP * mark_ticks


def _leave() -> CancelAll:
    return CancelAll(purse=VENUE, symbol=None, request_id="", reason=EndReason.USER)
