"""An exchange of candles: which orders of a run trade in a candle, at what price, in what order.

What happens in a candle, in this order:

1. *Its open.* Orders arrive that were placed up to its opening time. First those that rested: one
   whose price the market left behind trades at its own price, as maker; a trigger that was jumped
   over starts. Then those that arrive, in their order: a market order trades at the open, a limit
   order too when it crosses, otherwise it rests. What strategies want when they are told so, at
   the open, meets the same open.
2. *Its range* (fill model TOUCH). Nobody knows the way a price took through a candle, so the worse
   one is assumed: low before high while the account holds the base, high before low while it does
   not; then the close. On the way, orders are reached in order of their prices, at one price the
   older first: a limit order trades at its own price, as maker, once the market is
   ``through_ticks`` beyond it; a stop starts at its price and trades like a taker there.
   What strategies want when they are told so, at the candle's end, meets the next candle.
3. *Its end.* Only now are strategies told the candle.

A taker pays half a spread, slippage and, where the run has a coefficient, its impact beyond the
price it meets; a limit order never more than its limit. Candles without an open order of
their market are never looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from xache_sdk.market import Side as ToldSide
from xache_sdk.orders import (
    Amend,
    Cancel,
    CancelAll,
    ChangeRefused,
    OrderUpdate,
    Place,
    Replace,
)
from xache_sdk.orders import OrderStatus as ToldStatus

from xached.domain import risk
from xached.domain.fees import due_units
from xached.domain.filters import check_slices
from xached.domain.instrument import PPM
from xached.domain.order import (
    BUY,
    SELL,
    EndReason,
    OrderStatus,
    Side,
    TimeInForce,
)
from xached.domain.rejection import Reason, Rejection
from xached.research.backtest.account import Account, FillRow, Line
from xached.research.backtest.candle_market import NEVER, UNLIMITED, CandleMarket
from xached.research.backtest.orders import (
    Arrival,
    Resting,
    amended_lots,
    hold_of,
    lots_of,
    make_order,
    replaced_place,
    update_of_arrival,
    update_of_order,
    update_of_refusal,
)
from xached.research.backtest.terms import FillModel, MarketData, RunSettings, to_units

TOLD_BUY: Final = ToldSide.BUY
ANSWERS_MAX: Final = 1_000
"""So many times strategies may answer at one and the same moment before it counts as endless."""

Told: TypeAlias = OrderUpdate | ChangeRefused
Tell: TypeAlias = Callable[[int, Told, int], None]
"""Tell a strategy, by its number, at a time."""


class EndlessAnswers(Exception):  # noqa: N818 - it says what is the matter
    """A strategy answers every answer: it would never come to the next candle."""


class CandleExchange:
    """Takes what strategies want and fills it from candles."""

    def __init__(self, account: Account, data: Sequence[MarketData], settings: RunSettings) -> None:
        self.account = account
        self.settings = settings
        self.markets = [
            CandleMarket(line, each) for line, each in zip(account.lines, data, strict=True)
        ]
        self.by_symbol = {market.line.told.symbol: market for market in self.markets}
        self.busy: list[CandleMarket] = []
        """Markets with an open order; the list itself stays the same for the whole run."""
        self.refusals: Counter[str] = Counter()
        self.orders = 0
        self.unfilled = 0
        """Market orders that found too little volume."""
        self._open: dict[tuple[int, str], tuple[CandleMarket, Resting]] = {}
        self._used_ids: set[tuple[int, str]] = set()
        self._reports: list[tuple[int, Told]] = []
        self._telling = False
        self._listening: frozenset[int] = frozenset()
        self._tell: Tell = lambda _strategy, _told, _now_ns: None
        self._volume_ppm = settings.max_volume_ppm
        self._taker_ppm = settings.taker_cost_ppm
        self._impact_ppm = settings.impact_ppm
        self._size = settings.size

    def __getstate__(self) -> dict[str, object]:
        # Who is told is connected again by the run that is continued.
        return {**self.__dict__, "_tell": None}

    def connect(self, listening: frozenset[int], tell: Tell) -> None:
        """Say which strategies hear of their orders, and how."""
        self._listening = listening
        self._tell = tell

    def open_orders(self, strategy: int, now_ns: int) -> dict[str, OrderUpdate]:
        """The open orders of a strategy by id, oldest first."""
        found: dict[str, OrderUpdate] = {}
        for market in self.markets:
            for each in (*market.resting, *market.arriving):
                if each.strategy != strategy:
                    continue
                told = market.line.told
                found[each.place.id] = (
                    update_of_order(each, told, now_ns)
                    if isinstance(each, Resting)
                    else update_of_arrival(each, told, now_ns, ToldStatus.OPEN)
                )
        return found

    def place(self, strategy: int, place: Place, now_ns: int) -> None:
        """Take an order. What is refused is told like everything else."""
        self.orders += 1
        market = self.by_symbol.get(place.symbol)
        try:
            if market is None or now_ns < market.first_ns:  # Not listed yet.
                raise Rejection(Reason.UNKNOWN_INSTRUMENT, "no such instrument", field="symbol")
            key = strategy, place.id
            if key in self._used_ids:
                raise Rejection(Reason.ID_REUSED, "the run has used this id")
            if place.price is not None or place.trigger is not None:
                self._take_waiting(market, strategy, place, now_ns)
                return
            if not market.busy:
                market.seek(now_ns)
                market.busy = True
                self.busy.append(market)
            market.arriving.append(self._read_market(market, strategy, place, now_ns))
            self._used_ids.add(key)
        except Rejection as refusal:
            self._refuse(strategy, place, now_ns, refusal.reason.name)
            self.flush(now_ns)

    def cancel(self, strategy: int, intent: Cancel | CancelAll, now_ns: int) -> None:
        """End one order, or all of a strategy. Market orders are on their way and cannot end."""
        for (owner, order_id), (market, resting) in list(self._open.items()):
            if owner != strategy:
                continue
            if isinstance(intent, Cancel):
                wanted = order_id == intent.id
            else:
                wanted = intent.symbol in (None, market.line.told.symbol)
            if wanted:
                self._end(market, resting, OrderStatus.CANCELED, EndReason.USER, now_ns)
        self.flush(now_ns)

    def amend(self, strategy: int, intent: Amend, now_ns: int) -> None:
        """Make an open order smaller."""
        found = self._open.get((strategy, intent.id))
        if found is None:
            self._change_refused(strategy, intent.id, "", "", "UNKNOWN_ORDER", now_ns)
            return
        market, resting = found
        order, line = resting.order, market.line
        try:
            fewer = amended_lots(resting, intent, line.told, line.instrument)
        except Rejection as refusal:
            symbol, reason = line.told.symbol, refusal.reason.name
            self._change_refused(strategy, intent.id, "", symbol, reason, now_ns)
            return
        self.account.reduce(line, order, fewer, now_ns)
        self._report(market, resting, now_ns)
        self.flush(now_ns)

    def replace(self, strategy: int, intent: Replace, now_ns: int) -> None:
        """End an open order and place another in its stead, or do nothing."""
        found = self._open.get((strategy, intent.id))
        if found is None:
            self._change_refused(strategy, intent.id, intent.new_id, "", "UNKNOWN_ORDER", now_ns)
            return
        market, resting = found
        line = market.line
        try:
            fresh = replaced_place(resting, intent, line.told)
            self.orders += 1
            if (strategy, fresh.id) in self._used_ids:
                raise Rejection(Reason.ID_REUSED, "the run has used this id")
            self._take_waiting(market, strategy, fresh, now_ns, replaced=resting)
        except (Rejection, ValueError) as refusal:
            reason = refusal.reason.name if isinstance(refusal, Rejection) else "COMBINATION"
            self._change_refused(
                strategy, intent.id, intent.new_id, line.told.symbol, reason, now_ns
            )

    def flush(self, now_ns: int) -> None:
        """Tell what happened; strategies may answer. Raises: EndlessAnswers."""
        if self._telling:
            return  # What an answer leads to is told after it, not inside it.
        self._telling = True
        rounds = 0
        while self._reports:
            rounds += 1
            if rounds > ANSWERS_MAX:
                raise EndlessAnswers("a strategy places an order whenever it hears of one")
            reports, self._reports = self._reports, []
            for strategy, told in reports:
                self._tell(strategy, told, now_ns)
        self._telling = False

    def advance(self, until_ns: int) -> None:
        """Let time pass: ends of candles up to a time, opens before it."""
        busy = self.busy
        while busy:
            market = busy[0] if len(busy) == 1 else min(busy, key=_order_in_time)
            at_ns = market.next_ns
            if market.walking:
                if at_ns > until_ns:
                    return
                self._walk(market)
            elif at_ns >= until_ns:
                return
            else:
                self._meet_open(market)

    # Orders come in.

    def _read_market(
        self, market: CandleMarket, strategy: int, place: Place, now_ns: int
    ) -> Arrival:
        side = BUY if place.side is TOLD_BUY else SELL
        quantity = place.quantity
        if quantity is None:
            assert place.quote_quantity is not None
            instrument = market.line.instrument
            quote_units = to_units(place.quote_quantity, instrument.quote_scale)
            instrument.check_notional(quote_units)
            return Arrival(self.orders, strategy, place, side, None, quote_units, now_ns)
        lots = market.known_lots.get(quantity)
        if lots is None:
            lots = market.known_lots[quantity] = lots_of(market.line.told, quantity)
        lowest, highest = market.safe_lots
        if not lowest <= lots <= highest:
            self._check_market(market, side, lots, now_ns)
        return Arrival(self.orders, strategy, place, side, lots, None, now_ns)

    @staticmethod
    def _check_market(market: CandleMarket, side: Side, lots: int, now_ns: int) -> None:
        line, instrument = market.line, market.line.instrument
        free = line.base.free_units // instrument.lot_units
        if side is SELL and lots == free <= instrument.max_market_quantity_lots:
            return  # All that is free may go, down to a lot, however little it is.
        instrument.check_quantity(lots, market=True)
        instrument.check_notional(instrument.notional_units(market.last_ticks(now_ns), lots))

    def _take_waiting(
        self,
        market: CandleMarket,
        strategy: int,
        place: Place,
        now_ns: int,
        replaced: Resting | None = None,
    ) -> None:
        line = market.line
        instrument = line.instrument
        if not market.busy:
            market.seek(now_ns)
        order = make_order(place, line.told, instrument, self.orders, now_ns)
        resting = Resting(order, strategy, place)
        last = market.last_ticks(now_ns)
        self._check_filters(market, resting, last, replaced)
        if order.trigger is not None:
            resting.wait(instrument, last)
            stop = order.trigger.stop_ticks
            if stop is not None and (last >= stop if resting.upward else last <= stop):
                raise Rejection(Reason.TRIGGER_PASSED, "the stop price has been reached already")
        units = hold_of(resting, instrument, last)
        holding = line.quote if order.side is BUY else line.base
        freed = replaced.order.held_units if replaced is not None else 0
        if holding.free_units + freed < units:
            raise Rejection(Reason.INSUFFICIENT_FUNDS, "not enough is free")
        if replaced is not None:
            self._end(market, replaced, OrderStatus.CANCELED, EndReason.REPLACED, now_ns)
        self.account.hold(line, order, units)
        key = strategy, place.id
        self._used_ids.add(key)
        self._open[key] = market, resting
        self._report(market, resting, now_ns)
        if not market.busy:
            market.busy = True
            self.busy.append(market)
        market.arriving.append(resting)
        self.flush(now_ns)

    def _check_filters(
        self, market: CandleMarket, resting: Resting, last_ticks: int, replaced: Resting | None
    ) -> None:
        instrument, order = market.line.instrument, resting.order
        at_ticks = order.price_ticks
        if at_ticks is not None:
            instrument.check_price(at_ticks)
        if order.stop_ticks is not None:
            instrument.check_price(order.stop_ticks, "stop_price")
        instrument.check_quantity(order.quantity_lots, market=at_ticks is None)
        if order.display_lots is not None:
            check_slices(instrument, order.quantity_lots, order.display_lots)
        worth_at = at_ticks or order.stop_ticks or last_ticks
        instrument.check_notional(instrument.notional_units(worth_at, order.quantity_lots))
        if at_ticks is not None:
            reference = order.stop_ticks if order.stop_ticks is not None else last_ticks
            band = risk.band_ticks(instrument, order.side, reference)
            risk.check_band(instrument, at_ticks, band)
        others = [each for each in market.arriving if isinstance(each, Resting)]
        others = [each for each in (*market.resting, *others) if each is not replaced]
        risk.check_open_orders(len(others), instrument.max_open_orders, instrument.symbol)
        if order.reduce_only:
            reducing = sum(each.order.leaves_lots for each in others if each.order.reduce_only)
            if order.quantity_lots > market.line.position.quantity_lots - reducing:
                raise Rejection(Reason.REDUCE_ONLY, "the position is smaller")

    # A candle opens.

    def _meet_open(self, market: CandleMarket) -> None:
        row, at_ns = market.row, market.next_ns
        price = market.open.item(row)
        if self._volume_ppm is not None:
            volume = market.volume.item(row) * self._volume_ppm // PPM
            market.volume_left = volume // self._size
        if market.resting:
            self._expire(market, at_ns)
            for resting in tuple(market.resting):
                if resting in market.resting:
                    self._jump(market, resting, price, at_ns)
            if self._reports:
                self.flush(at_ns)
        elif len(market.arriving) == 1:  # as nearly always; what follows would do the same
            (only,) = market.arriving
            if isinstance(only, Arrival) and only.at_ns <= at_ns:
                market.arriving.clear()
                self._fill_market(market, only, price, at_ns)
                if self._reports:
                    self.flush(at_ns)
        if market.arriving:
            self._meet_arriving(market, price, at_ns)
        if market.resting and self.settings.fill_model is FillModel.TOUCH:
            market.walking = True
            market.next_ns = market.ends.item(row)
        else:
            self._next_candle(market)

    def _meet_arriving(self, market: CandleMarket, price: int, at_ns: int) -> None:
        """Let what was placed by now arrive, and what its answers place."""
        rounds = 0
        while market.arriving:
            ready = [each for each in market.arriving if _placed_ns(each) <= at_ns]
            if not ready:
                break
            rounds += 1
            if rounds > ANSWERS_MAX:
                raise EndlessAnswers("a strategy places an order whenever it hears of one")
            market.arriving = [each for each in market.arriving if _placed_ns(each) > at_ns]
            for each in ready:
                if isinstance(each, Resting):
                    self._arrive(market, each, price, at_ns)
                else:
                    self._fill_market(market, each, price, at_ns)
            if self._reports:
                self.flush(at_ns)

    def _next_candle(self, market: CandleMarket) -> None:
        market.walking = False
        market.row = row = market.row + 1
        if market.resting or market.arriving:
            market.next_ns = market.opens.item(row) if row < market.rows else NEVER
        else:
            market.busy = False
            self.busy.remove(market)

    def _expire(self, market: CandleMarket, at_ns: int) -> None:
        for resting in tuple(market.resting):
            expiry = resting.order.expires_at_ns
            if expiry is not None and expiry <= at_ns:
                self._end(market, resting, OrderStatus.EXPIRED, EndReason.TIME, at_ns)

    def _jump(self, market: CandleMarket, resting: Resting, price: int, at_ns: int) -> None:
        """A candle opens at a price: what waited sees it."""
        if resting.order.status is OrderStatus.UNTRIGGERED:
            level = resting.watch_ticks
            assert level is not None
            if price >= level if resting.upward else price <= level:
                self._reach(market, resting, price, at_ns)
            elif resting.extreme_ticks is not None:
                resting.follow(market.line.instrument, price)
        elif _is_past(price, self._level(resting), upward=resting.upward):
            self._reach(market, resting, price, at_ns)

    def _arrive(self, market: CandleMarket, resting: Resting, price: int, at_ns: int) -> None:
        """An order that can wait meets its first price."""
        order = resting.order
        if order.status.is_over:
            return  # cancelled on its way
        market.resting.append(resting)
        if order.expires_at_ns is not None and order.expires_at_ns <= at_ns:
            self._end(market, resting, OrderStatus.EXPIRED, EndReason.TIME, at_ns)
        elif order.status is OrderStatus.UNTRIGGERED:
            self._jump(market, resting, price, at_ns)
        else:
            self._cross(market, resting, price, at_ns)

    def _cross(self, market: CandleMarket, resting: Resting, price: int, at_ns: int) -> None:
        """A limit order meets a price: it trades as taker, rests or ends."""
        order, settings = resting.order, self.settings
        limit = order.price_ticks
        assert limit is not None
        resting.upward = order.side is SELL
        half = _part(price, settings.half_spread_ppm)
        best = price + half if order.side is BUY else price - half
        crosses = best <= limit if order.side is BUY else best >= limit
        if crosses and order.post_only:
            if not order.slide:
                self._end(market, resting, OrderStatus.CANCELED, EndReason.POST_ONLY, at_ns)
                return
            slid = best - 1 if order.side is BUY else best + 1
            order.price_ticks = max(slid, market.line.instrument.min_price_ticks)
            crosses = False
        lots = min(order.leaves_lots, market.volume_left) if crosses else 0
        kind = order.time_in_force
        if kind is TimeInForce.FOK and lots < order.leaves_lots:
            self._end(market, resting, OrderStatus.EXPIRED, EndReason.FOK, at_ns)
            return
        if lots:
            paid = self._taker_price(market, order.side, price, lots)
            paid = min(paid, limit) if order.side is BUY else max(paid, limit)
            self._fill(market, resting, lots, paid, at_ns, maker=False)
        if kind is TimeInForce.IOC and not order.status.is_over:
            self._end(market, resting, OrderStatus.EXPIRED, EndReason.IOC, at_ns)

    def _fill_market(self, market: CandleMarket, arrival: Arrival, price: int, at_ns: int) -> None:
        line, side = market.line, arrival.side
        wanted = arrival.lots
        if wanted is None:
            paid = self._taker_price(market, side, price, 0)
            if self._impact_ppm:  # What it would be without it says how large it is at most.
                most = min(self._lots_for_quote(line, arrival, paid), market.volume_left)
                paid = self._taker_price(market, side, price, most)
            wanted = self._lots_for_quote(line, arrival, paid)
        else:
            paid = self._taker_price(market, side, price, min(wanted, market.volume_left))
        lots = wanted
        if wanted > market.volume_left:
            lots = market.volume_left
            self.unfilled += 1
        if wanted and not lots:
            self._tell_arrival(line, arrival, at_ns, ToldStatus.EXPIRED, "NO_LIQUIDITY")
            return
        row = self.account.take(line, arrival.number, side, lots, paid, at_ns) if lots else None
        if row is None:
            self._refuse(arrival.strategy, arrival.place, at_ns, "INSUFFICIENT_FUNDS")
            return
        if market.volume_left != UNLIMITED:
            market.volume_left -= lots
        if arrival.strategy in self._listening:
            whole = lots == wanted
            status = ToldStatus.FILLED if whole else ToldStatus.EXPIRED
            reason = "" if whole else "NO_LIQUIDITY"
            self._tell_arrival(line, arrival, at_ns, status, reason, row)
        if side is SELL and market.resting:
            self._trim_reducing(market, at_ns)

    def _lots_for_quote(self, line: Line, arrival: Arrival, price: int) -> int:
        """BUY: the most lots whose cost with fee fits. SELL: the fewest that bring the amount."""
        instrument, amount = line.instrument, arrival.quote_units
        assert amount is not None
        if arrival.side is BUY:
            if amount > line.quote.free_units:
                return 0
            most = min(instrument.max_market_quantity_lots, amount)
            return self.account.affordable(line, price, most, amount)
        low, high = 1, line.base.free_units // instrument.lot_units

        def brought(lots: int) -> int:
            notional = instrument.notional_units(price, lots)
            return notional - due_units(notional, instrument.taker_fee_ppm, 0, 0)

        if brought(high) < amount:
            return 0
        while low < high:
            middle = (low + high) // 2
            if brought(middle) >= amount:
                high = middle
            else:
                low = middle + 1
        return high

    # A candle's range.

    def _walk(self, market: CandleMarket) -> None:
        row, at_ns = market.row, market.next_ns
        low, high = market.low.item(row), market.high.item(row)
        holding = market.line.base.free_units + market.line.base.held_units > 0
        price = market.open.item(row)
        for end in (low, high) if holding else (high, low):
            self._leg(market, price, end, at_ns)
            price = end
        self._leg(market, price, market.close.item(row), at_ns)
        self._next_candle(market)
        if self._reports:
            self.flush(at_ns)

    def _leg(self, market: CandleMarket, price: int, end: int, at_ns: int) -> None:
        """Let the price go from one to another and reach what is on its way."""
        while market.resting:
            nearest: Resting | None = None
            nearest_key = (0, 0)
            for resting in market.resting:
                level = self._level(resting)
                if not _is_past(max(price, end) if resting.upward else min(price, end), level,
                                upward=resting.upward):  # fmt: skip
                    continue
                if not market.volume_left and resting.order.status is not OrderStatus.UNTRIGGERED:
                    continue
                at = price if _is_past(price, level, upward=resting.upward) else level
                key = (abs(at - price), resting.order.order_id)
                if nearest is None or key < nearest_key:
                    nearest, nearest_key = resting, key
            if nearest is None:
                break
            price += nearest_key[0] if end >= price else -nearest_key[0]
            self._reach(market, nearest, price, at_ns)
        for resting in market.resting:
            if resting.extreme_ticks is not None and (
                resting.order.status is OrderStatus.UNTRIGGERED
            ):
                resting.follow(market.line.instrument, end)

    def _level(self, resting: Resting) -> int:
        """The price that reaches an order."""
        order = resting.order
        if order.status is OrderStatus.UNTRIGGERED:
            assert resting.watch_ticks is not None
            return resting.watch_ticks
        assert order.price_ticks is not None
        beyond = self.settings.through_ticks
        return order.price_ticks + beyond if resting.upward else order.price_ticks - beyond

    def _reach(self, market: CandleMarket, resting: Resting, price: int, at_ns: int) -> None:
        order = resting.order
        if order.status is not OrderStatus.UNTRIGGERED:
            lots = min(order.leaves_lots, market.volume_left)
            if order.reduce_only:
                lots = min(lots, market.line.position.quantity_lots)
            limit = order.price_ticks
            assert limit is not None
            if lots:
                self._fill(market, resting, lots, limit, at_ns, maker=True)
        elif resting.needs_activation:
            resting.follow(market.line.instrument, price)
        elif order.price_ticks is not None:
            order.status = OrderStatus.OPEN
            self._report(market, resting, at_ns)
            self._cross(market, resting, price, at_ns)
        else:
            self._fill_triggered(market, resting, price, at_ns)

    def _fill_triggered(
        self, market: CandleMarket, resting: Resting, price: int, at_ns: int
    ) -> None:
        """A stop starts at market: it may draw on free money; what it cannot pay for expires."""
        order, line = resting.order, market.line
        order.status = OrderStatus.TRIGGERED
        self._report(market, resting, at_ns)
        lots = min(order.leaves_lots, market.volume_left)
        paid = self._taker_price(market, order.side, price, lots)
        reason = EndReason.NO_LIQUIDITY
        if order.side is BUY:
            self.account.free(line, order)
            fit = self.account.affordable(line, paid, lots, line.quote.free_units)
            if fit < lots:
                lots, reason = fit, EndReason.FUNDS
            self.account.hold(line, order, self.account.taker_cost(line, paid, lots))
        elif order.reduce_only:
            lots, reason = min(lots, line.position.quantity_lots), EndReason.REDUCE_ONLY
        if lots:
            self._fill(market, resting, lots, paid, at_ns, maker=False)
        if not order.status.is_over:
            self._end(market, resting, OrderStatus.EXPIRED, reason, at_ns)

    # What happens to an order.

    def _fill(
        self,
        market: CandleMarket,
        resting: Resting,
        lots: int,
        price: int,
        at_ns: int,
        *,
        maker: bool,
    ) -> None:
        order = resting.order
        row = self.account.fill(market.line, order, lots, price, at_ns, maker=maker)
        if market.volume_left != UNLIMITED:
            market.volume_left -= lots
        if not order.leaves_lots:
            self._drop(market, resting)
            self.account.release(market.line, order, OrderStatus.FILLED, EndReason.NONE)
        self._report(market, resting, at_ns, row)
        if order.side is SELL and market.resting:
            self._trim_reducing(market, at_ns)

    def _trim_reducing(self, market: CandleMarket, at_ns: int) -> None:
        """Take off reduce-only orders what the position no longer has, the newest first."""
        reducing = [each for each in market.resting if each.order.reduce_only]
        excess = sum(each.order.leaves_lots for each in reducing)
        excess -= market.line.position.quantity_lots
        for resting in reversed(reducing):
            if excess <= 0:
                return
            lots = min(excess, resting.order.leaves_lots)
            excess -= lots
            if lots == resting.order.leaves_lots:
                self._end(market, resting, OrderStatus.CANCELED, EndReason.REDUCE_ONLY, at_ns)
            else:
                self.account.reduce(market.line, resting.order, lots, at_ns)
                self._report(market, resting, at_ns)

    def _end(
        self,
        market: CandleMarket,
        resting: Resting,
        status: OrderStatus,
        reason: EndReason,
        at_ns: int,
    ) -> None:
        self._drop(market, resting)
        self.account.release(market.line, resting.order, status, reason)
        self._report(market, resting, at_ns)

    def _drop(self, market: CandleMarket, resting: Resting) -> None:
        del self._open[resting.strategy, resting.place.id]
        if resting in market.resting:
            market.resting.remove(resting)

    def _report(
        self, market: CandleMarket, resting: Resting, at_ns: int, row: FillRow | None = None
    ) -> None:
        if resting.strategy in self._listening:
            update = update_of_order(resting, market.line.told, at_ns, row)
            self._reports.append((resting.strategy, update))

    def _tell_arrival(
        self,
        line: Line,
        arrival: Arrival,
        at_ns: int,
        status: ToldStatus,
        reason: str,
        row: FillRow | None = None,
    ) -> None:
        if arrival.strategy in self._listening:
            update = update_of_arrival(arrival, line.told, at_ns, status, reason, row)
            self._reports.append((arrival.strategy, update))

    def _refuse(self, strategy: int, place: Place, at_ns: int, reason: str) -> None:
        self.refusals[reason] += 1
        if strategy in self._listening:
            self._reports.append((strategy, update_of_refusal(place, at_ns, reason)))

    def _change_refused(
        self, strategy: int, order_id: str, new_id: str, symbol: str, reason: str, now_ns: int
    ) -> None:
        self.refusals[reason] += 1
        self._reports.append(
            (
                strategy,
                ChangeRefused(
                    id=order_id, new_id=new_id, symbol=symbol, reason=reason, at_ns=now_ns
                ),
            )
        )
        self.flush(now_ns)

    def _taker_price(self, market: CandleMarket, side: Side, price: int, lots: int) -> int:
        ppm = self._taker_ppm
        if self._impact_ppm:
            ppm += market.impact_ppm(lots * self._size, self._impact_ppm)
        if not ppm:
            return price
        cost = _part(price, ppm)
        return price + cost if side is BUY else max(1, price - cost)


def _part(price: int, ppm: int) -> int:
    """A part of a price, rounded up: against whoever takes."""
    return -(-price * ppm // PPM)


def _is_past(price: int, level: int, *, upward: bool) -> bool:
    return price >= level if upward else price <= level


def _placed_ns(each: Arrival | Resting) -> int:
    return each.order.accepted_at_ns if isinstance(each, Resting) else each.at_ns


def _order_in_time(market: CandleMarket) -> tuple[int, bool, int]:
    """Earlier first; at one time ends before opens, then the order of the markets."""
    return market.next_ns, not market.walking, market.line.index
