"""A naive exchange: what the real one must agree with, slow and obvious.

Written from the trading semantics, not from the code it judges. The book is one list of orders,
scanned for the best; a match is made lot by lot; fees are fractions rounded once; what an order
holds is computed from scratch whenever somebody asks. Nothing is indexed, nothing is carried.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction

import attrs

from xached.domain.instrument import AssetName, Instrument, Symbol
from xached.domain.messages import PlaceOrder
from xached.domain.order import (
    EndReason,
    MarketState,
    OrderStatus,
    OrderType,
    Purse,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from xached.domain.rejection import Reason

MILLION = 1_000_000
RESTING = (TimeInForce.GTC, TimeInForce.GTD)


@attrs.define(eq=False)
class ModelOrder:
    """One order. ``traded`` lists (price, lots, as maker) of what it traded, lot by lot.

    In the book ``shown`` is what others see of it and ``stamp`` its place in the queue.
    """

    number: int
    terms: PlaceOrder
    instrument: Instrument
    quantity: int
    prevented: int = 0
    shown: int = 0
    stamp: int = 0
    traded: list[tuple[int, int, bool]] = attrs.field(factory=list)
    maker_ppm: int = 0
    taker_ppm: int = 0

    @property
    def executed(self) -> int:
        return sum(lots for _, lots, _ in self.traded)

    @property
    def leaves(self) -> int:
        return self.quantity - self.executed - self.prevented

    @property
    def price(self) -> int:
        assert self.terms.price_ticks is not None
        return self.terms.price_ticks

    def exact_fee(self) -> Fraction:
        """The fee of all it traded, before rounding."""
        return sum(
            (
                Fraction(self.instrument.notional_units(price, lots))
                * (self.maker_ppm if as_maker else self.taker_ppm)
                / MILLION
                for price, lots, as_maker in self.traded
            ),
            Fraction(0),
        )

    def fee(self) -> int:
        """The fee of all it traded, rounded once, toward the house."""
        return math.ceil(self.exact_fee())

    def need(self) -> tuple[AssetName, int]:
        """What it must hold while it rests."""
        if self.terms.side is Side.SELL:
            return self.instrument.base, self.leaves * self.instrument.lot_units
        rest = self.instrument.notional_units(self.price, self.leaves)
        worse = max(self.maker_ppm, self.taker_ppm)
        due = math.ceil(self.exact_fee() + Fraction(rest * worse, MILLION))
        return self.instrument.quote, rest + due - self.fee()


@attrs.define
class Walk:
    """What a taker would meet: (maker, lots) that trade, that only go off both orders, and all."""

    fills: list[tuple[ModelOrder, int]] = attrs.field(factory=list)
    lost: list[tuple[ModelOrder, int]] = attrs.field(factory=list)
    met: list[tuple[ModelOrder, int]] = attrs.field(factory=list)

    def with_fill(self, maker: ModelOrder, lots: int) -> Walk:
        return Walk([*self.fills, (maker, lots)], self.lost, [*self.met, (maker, lots)])

    def with_loss(self, maker: ModelOrder, lots: int) -> Walk:
        return Walk(self.fills, [*self.lost, (maker, lots)], [*self.met, (maker, lots)])


@attrs.define
class Outcome:
    """What came of a command."""

    refused: Reason | None = None
    status: OrderStatus | None = None
    reason: EndReason = EndReason.NONE
    executed: int = 0
    trades: list[tuple[int, int, int]] = attrs.field(factory=list)
    """(maker, price, lots), fill by fill."""
    prevented: list[tuple[int, int, int]] = attrs.field(factory=list)
    ended: list[tuple[int, OrderStatus, EndReason, int]] = attrs.field(factory=list)
    """Other orders that ended: (order, status, reason, executed)."""


@attrs.define
class ModelPosition:
    """Quantity in lots, cost and realised profit in quote units."""

    quantity: int = 0
    cost: int = 0
    realised: int = 0


class ModelExchange:
    """Takes the same commands; orders are known by the number they were accepted under."""

    def __init__(self, instruments: list[Instrument], max_orders: int, max_notional: int) -> None:
        self.instruments = {instrument.symbol: instrument for instrument in instruments}
        self.max_orders = max_orders
        self.max_notional = max_notional
        self.owned: dict[tuple[Purse, AssetName], int] = defaultdict(int)
        self.fees: dict[AssetName, int] = defaultdict(int)
        self.positions: dict[tuple[Purse, Symbol], ModelPosition] = defaultdict(ModelPosition)
        self.resting: list[ModelOrder] = []
        self.reference: dict[Symbol, int] = {}
        self.last: dict[Symbol, int] = {}
        self.trades: dict[Symbol, list[tuple[int, int]]] = defaultdict(list)
        """(price, lots) of all trades: no program runs for five minutes."""
        self.state: dict[Symbol, MarketState] = dict.fromkeys(self.instruments, MarketState.TRADING)
        self.tiers: list[tuple[int, int, int]] = []
        """(volume, maker rate, taker rate), the least volume first."""
        self.volumes: dict[str, int] = defaultdict(int)
        """Quote units that each account has traded with others: no program runs for a day."""
        self.frozen: set[Purse] = set()
        self.halted = False
        self.stamps = 0

    # --- what is there --------------------------------------------------------------------------

    def held(self, purse: Purse, asset: AssetName) -> int:
        """What open orders of a purse hold of an asset."""
        needs = [order.need() for order in self.resting if order.terms.purse == purse]
        return sum(units for held, units in needs if held == asset)

    def free(self, purse: Purse, asset: AssetName) -> int:
        """What a purse may use."""
        return self.owned[purse, asset] - self.held(purse, asset)

    def queue(self, symbol: Symbol, side: Side) -> list[ModelOrder]:
        """Resting orders of a side by price, then by when they joined the queue."""
        found = [
            order
            for order in self.resting
            if order.terms.symbol == symbol and order.terms.side is side
        ]
        best_first = -1 if side is Side.BUY else 1
        return sorted(found, key=lambda order: (best_first * order.price, order.stamp))

    # --- commands -------------------------------------------------------------------------------

    def due(self, at_ns: int) -> list[int]:
        """Which orders' time has come, by expiry, then by number."""
        due = [
            (order.terms.expires_at_ns, order.number)
            for order in self.resting
            if order.terms.expires_at_ns is not None and order.terms.expires_at_ns <= at_ns
        ]
        return [number for _, number in sorted(due)]

    def expire(self, numbers: list[int]) -> None:
        """End orders whose time has come."""
        self.resting = [order for order in self.resting if order.number not in numbers]

    def cancel(self, purse: Purse, number: int) -> Outcome:
        """Cancel one order of a purse."""
        for order in self.resting:
            if order.number == number and order.terms.purse == purse:
                self.resting.remove(order)
                return Outcome(None, OrderStatus.CANCELED, EndReason.USER, order.executed)
        return Outcome(Reason.UNKNOWN_ORDER)

    def amend(self, purse: Purse, number: int, total: int, expected: int | None) -> Outcome:
        """Lower the total of an order, where it is."""
        if self.halted or purse in self.frozen:
            return Outcome(Reason.HALTED if self.halted else Reason.PURSE_FROZEN)
        order, refused = self._find(purse, number, expected)
        if order is None:
            return Outcome(refused)
        if not order.executed + order.prevented < total <= order.quantity:
            return Outcome(Reason.QUANTITY_RANGE)
        if total == order.quantity:
            return Outcome()
        if self.state[order.terms.symbol] is MarketState.HALTED:
            return Outcome(Reason.MARKET_STATE)
        if total < order.instrument.min_quantity_lots:
            return Outcome(Reason.QUANTITY_RANGE)
        notional = order.instrument.notional_units(order.price, total)
        if notional < order.instrument.min_notional_units:
            return Outcome(Reason.NOTIONAL_RANGE)
        order.quantity = total
        order.shown = min(order.shown, order.leaves)
        return Outcome()

    def replace(
        self, purse: Purse, old: int, number: int, price: int | None, total: int | None
    ) -> Outcome:
        """Take an order away and place another; put it back where it was when that is refused."""
        order, refused = self._find(purse, old, None)
        if order is None:
            return Outcome(refused)
        total = order.quantity if total is None else total
        if total <= order.executed + order.prevented:
            return Outcome(Reason.QUANTITY_RANGE)
        terms = attrs.evolve(
            order.terms,
            client_order_id=f"o{number}",
            price_ticks=order.price if price is None else price,
            quantity_lots=total - order.executed - order.prevented,
        )
        if terms.display_lots is not None:
            assert terms.quantity_lots is not None
            display = min(terms.display_lots, terms.quantity_lots)
            terms = attrs.evolve(terms, display_lots=display)
        place = self.resting.index(order)
        self.resting.remove(order)
        outcome = self.place(number, terms)
        if outcome.refused is not None:
            self.resting.insert(place, order)
        else:
            gone = (old, OrderStatus.CANCELED, EndReason.REPLACED, order.executed)
            outcome.ended.insert(0, gone)
        return outcome

    def _find(
        self, purse: Purse, number: int, expected: int | None
    ) -> tuple[ModelOrder | None, Reason | None]:
        for order in self.resting:
            if order.number == number and order.terms.purse == purse:
                if expected not in (None, order.executed):
                    return None, Reason.ORDER_CHANGED
                return order, None
        return None, Reason.UNKNOWN_ORDER if expected is None else Reason.ORDER_CHANGED

    def cancel_all(self, purse: Purse, symbol: Symbol | None) -> list[int]:
        """Cancel the orders of a purse, oldest first."""
        mine = [
            order
            for order in self.resting
            if order.terms.purse == purse and symbol in (None, order.terms.symbol)
        ]
        for order in mine:
            self.resting.remove(order)
        return [order.number for order in mine]

    def transfer(
        self, source: Purse, target: Purse, asset: AssetName, units: int
    ) -> tuple[Reason | None, list[int]]:
        """Move money between purses of one account; tells which orders that ended."""
        if self.halted:
            return Reason.HALTED, []
        if source in self.frozen:
            return Reason.PURSE_FROZEN, []
        if units > self.free(source, asset):
            return Reason.INSUFFICIENT_FUNDS, []
        self.owned[source, asset] -= units
        self.owned[target, asset] += units
        for symbol, instrument in self.instruments.items():
            if instrument.base != asset:
                continue
            mine, other = self.positions[source, symbol], self.positions[target, symbol]
            lots = min(mine.quantity, math.floor(Fraction(units, instrument.lot_units)))
            cost = math.floor(Fraction(mine.cost * lots, mine.quantity)) if lots else 0
            for position, sign in ((mine, -1), (other, 1)):
                position.quantity += sign * lots
                position.cost += sign * cost
        outcome = Outcome()
        self._trim(outcome)
        return None, [number for number, *_ in outcome.ended]

    def place(self, number: int, terms: PlaceOrder) -> Outcome:
        """Place an order, or say which rule it breaks first."""
        instrument = self.instruments[terms.symbol]
        for reason, broken in self._rules(terms, instrument):
            if broken:
                return Outcome(reason)
        order = ModelOrder(number, terms, instrument, terms.quantity_lots or 0)
        order.maker_ppm, order.taker_ppm = self._rates(terms.purse, instrument)
        outcome, walk, stopped = self._walk(order)
        executed = sum(lots for _, lots in walk.fills)
        if terms.quote_units is not None:
            if executed == 0:
                return Outcome(Reason.NO_LIQUIDITY)
            if executed > instrument.max_market_quantity_lots:
                return Outcome(Reason.QUANTITY_RANGE)
            if self._owns_too_much(terms, instrument, executed):
                return Outcome(Reason.POSITION_RANGE)
            order.quantity = executed + sum(lots for _, lots in walk.lost)
        if self._lacks_funds(order, walk):
            return Outcome(Reason.INSUFFICIENT_FUNDS)
        opposite = self.queue(terms.symbol, _opposite(terms.side))
        if terms.post_only and opposite and _meets(terms.side, order.price, opposite[0].price):
            return Outcome(None, OrderStatus.CANCELED, EndReason.POST_ONLY)
        if terms.time_in_force is TimeInForce.FOK and executed < order.quantity:
            return Outcome(None, OrderStatus.EXPIRED, EndReason.FOK)
        self._settle(order, outcome, walk)
        outcome.executed = executed
        outcome.status, outcome.reason = self._fate(order, stopped)
        self._trim(outcome)
        return outcome

    # --- rules ----------------------------------------------------------------------------------

    def _rules(self, terms: PlaceOrder, instrument: Instrument) -> Iterator[tuple[Reason, bool]]:
        symbol, price, lots = terms.symbol, terms.price_ticks, terms.quantity_lots
        is_market = terms.type is OrderType.MARKET
        yield Reason.HALTED, self.halted
        yield Reason.PURSE_FROZEN, terms.purse in self.frozen
        yield Reason.MARKET_STATE, not self._state_allows(terms)
        yield (
            Reason.PRICE_RANGE,
            price is not None
            and not instrument.min_price_ticks <= price <= instrument.max_price_ticks,
        )
        exempt = is_market and self._is_whole_balance(terms, instrument)
        most = instrument.max_market_quantity_lots if is_market else instrument.max_quantity_lots
        if lots is not None:
            yield Reason.QUANTITY_RANGE, lots > most
            fewest = instrument.min_market_quantity_lots if is_market else None
            fewest = instrument.min_quantity_lots if fewest is None else fewest
            yield Reason.QUANTITY_RANGE, lots < fewest and not exempt
        if terms.display_lots is not None:
            yield Reason.QUANTITY_RANGE, terms.display_lots < instrument.min_quantity_lots
        if terms.quote_units is not None:
            notional = terms.quote_units
        else:
            assert lots is not None
            at = Fraction(price or self._average(symbol) or self.reference[symbol])
            notional = math.floor(at * instrument.notional_units(1, lots))
        yield Reason.NOTIONAL_RANGE, notional > instrument.max_notional_units
        yield Reason.NOTIONAL_RANGE, notional < instrument.min_notional_units and not exempt
        if price is not None:
            low, high = self._band(terms.side, instrument)
            yield Reason.PRICE_BAND, not low <= price <= high
        mine = [order for order in self.resting if order.terms.purse == terms.purse]
        here = [order for order in mine if order.terms.symbol == symbol]
        yield Reason.OPEN_ORDERS, len(here) + 1 > instrument.max_open_orders
        yield Reason.POSITION_RANGE, self._owns_too_much(terms, instrument, lots or 0)
        yield Reason.ORDER_SIZE, notional > self.max_notional
        yield Reason.OPEN_ORDERS, len(mine) + 1 > self.max_orders
        if terms.reduce_only:
            yield Reason.REDUCE_ONLY, (lots or 0) > -self._excess(terms.purse, symbol)

    def _rates(self, purse: Purse, instrument: Instrument) -> tuple[int, int]:
        """Maker and taker rate of a new order: the cheaper of the instrument's and the tier's."""
        maker, taker = instrument.maker_fee_ppm, instrument.taker_fee_ppm
        for volume, tier_maker, tier_taker in self.tiers:
            if self.volumes[purse.partition("/")[0]] >= volume:
                maker = min(instrument.maker_fee_ppm, tier_maker)
                taker = min(instrument.taker_fee_ppm, tier_taker)
        return maker, taker

    def _average(self, symbol: Symbol) -> Fraction | None:
        """The volume-weighted price of what was traded."""
        trades = self.trades[symbol]
        volume = sum(lots for _, lots in trades)
        return Fraction(sum(price * lots for price, lots in trades), volume) if volume else None

    def _owns_too_much(self, terms: PlaceOrder, instrument: Instrument, lots: int) -> bool:
        if terms.side is Side.SELL or instrument.max_position_lots is None or lots == 0:
            return False
        buying = sum(
            order.leaves
            for order in self.resting
            if order.terms.purse == terms.purse
            and order.terms.symbol == terms.symbol
            and order.terms.side is Side.BUY
        )
        owned = Fraction(self.owned[terms.purse, instrument.base], instrument.lot_units)
        return owned + buying + lots > instrument.max_position_lots

    def _state_allows(self, terms: PlaceOrder) -> bool:
        state = self.state[terms.symbol]
        if state is MarketState.POST_ONLY:
            opposite = self.queue(terms.symbol, _opposite(terms.side))
            return (
                terms.type is OrderType.LIMIT
                and terms.time_in_force in RESTING
                and terms.price_ticks is not None
                and not (opposite and _meets(terms.side, terms.price_ticks, opposite[0].price))
            )
        return state is MarketState.TRADING

    def _is_whole_balance(self, terms: PlaceOrder, instrument: Instrument) -> bool:
        lots = terms.quantity_lots
        if terms.side is Side.BUY or not lots:
            return False
        free = self.free(terms.purse, instrument.base)
        return lots * instrument.lot_units <= free < (lots + 1) * instrument.lot_units

    def _band(self, side: Side, instrument: Instrument) -> tuple[Fraction, Fraction]:
        reference = self.reference[instrument.symbol]
        down, up = (
            (instrument.buy_band_down_ppm, instrument.buy_band_up_ppm)
            if side is Side.BUY
            else (instrument.sell_band_down_ppm, instrument.sell_band_up_ppm)
        )
        return (
            Fraction(reference * (MILLION - down), MILLION),
            Fraction(reference * (MILLION + up), MILLION),
        )

    def _lacks_funds(self, order: ModelOrder, walk: Walk) -> bool:
        terms, instrument = order.terms, order.instrument
        if terms.side is Side.SELL:
            need = order.quantity * instrument.lot_units
            return self.free(terms.purse, instrument.base) < need
        if terms.quote_units is not None:
            need = terms.quote_units
        elif terms.type is OrderType.LIMIT:
            _, need = order.need()
        else:
            moved = [(maker, lots) for maker, lots in walk.lost if _moves(order, maker)]
            cost = _cost(instrument, walk.fills)
            need = (
                _cost(instrument, moved)
                + cost
                + math.ceil(Fraction(cost * order.taker_ppm, MILLION))
            )
        return self.free(terms.purse, instrument.quote) < need

    # --- matching -------------------------------------------------------------------------------

    def _walk(self, order: ModelOrder) -> tuple[Outcome, Walk, EndReason]:
        """Meet resting orders one by one and each of them lot by lot; nothing changes."""
        terms, outcome, walk = order.terms, Outcome(), Walk()
        low, high = self._band(terms.side, order.instrument)
        limit = Fraction(terms.price_ticks) if terms.price_ticks is not None else None
        if limit is None:
            limit = high if terms.side is Side.BUY else low
        mode = terms.self_trade_prevention
        short_of, enough, price = EndReason.NO_LIQUIDITY, EndReason.NONE, None
        line = [(each, each.shown) for each in self.queue(terms.symbol, _opposite(terms.side))]
        while line:
            maker, shown = line.pop(0)
            if not _meets(terms.side, limit, maker.price):
                short_of = EndReason.PRICE_BAND
                break
            if self._is_enough(order, walk, maker.price):
                return outcome, walk, enough
            own = mode is not SelfTradePrevention.NONE and _same_account(order, maker)
            lost = own and mode in (SelfTradePrevention.DECREMENT, SelfTradePrevention.TRANSFER)
            add = walk.with_loss if lost else walk.with_fill
            lots, price = 0, maker.price
            while lots < shown and not self._is_enough(order, add(maker, lots), price):
                lots += 1
            enough = EndReason.SELF_TRADE if lost else EndReason.NONE
            if own:
                outcome.prevented.append((maker.number, maker.price, lots))
            else:
                outcome.trades.append((maker.number, maker.price, lots))
            if lost or not own:
                walk = add(maker, lots)
                left = maker.leaves - _sum(walk.met, maker)
                if lots == shown and left:
                    behind = [index for index, (each, _) in enumerate(line) if each.price == price]
                    at = behind[-1] + 1 if behind else 0
                    line.insert(at, (maker, min(left, maker.terms.display_lots or left)))
                if left == 0:
                    executed = maker.executed + _sum(walk.fills, maker)
                    expired = (OrderStatus.EXPIRED, EndReason.SELF_TRADE, executed)
                    filled = (OrderStatus.FILLED, EndReason.NONE, executed)
                    outcome.ended.append((maker.number, *(expired if lost else filled)))
                continue
            if mode is not SelfTradePrevention.EXPIRE_TAKER:
                expired = (OrderStatus.EXPIRED, EndReason.SELF_TRADE, maker.executed)
                outcome.ended.append((maker.number, *expired))
            if mode is not SelfTradePrevention.EXPIRE_MAKER:
                return outcome, walk, EndReason.SELF_TRADE
        if price is not None and self._is_enough(order, walk, price):
            return outcome, walk, enough
        return outcome, walk, short_of

    @staticmethod
    def _is_enough(order: ModelOrder, walk: Walk, price: int) -> bool:
        """Whether not a single lot more is wanted at this price."""
        terms, instrument = order.terms, order.instrument
        if terms.quantity_lots is not None:
            return sum(lots for _, lots in walk.fills + walk.lost) >= terms.quantity_lots
        assert terms.quote_units is not None
        so_far = sum(instrument.notional_units(maker.price, lots) for maker, lots in walk.fills)
        lost = sum(instrument.notional_units(maker.price, lots) for maker, lots in walk.lost)
        if terms.side is Side.SELL:
            fee = math.ceil(Fraction(so_far * order.taker_ppm, MILLION))
            return so_far - fee >= terms.quote_units - lost
        cost = so_far + instrument.notional_units(price, 1)
        fee = math.ceil(Fraction(cost * order.taker_ppm, MILLION))
        return cost + fee > terms.quote_units - lost

    def _settle(self, order: ModelOrder, outcome: Outcome, walk: Walk) -> None:
        left = {maker.number: maker.leaves for maker, _ in walk.met}
        for maker, lots in walk.met:
            left[maker.number] -= lots
            maker.shown -= lots
            if maker.shown == 0 and left[maker.number]:
                self._show(maker, left[maker.number])
        own = {maker.number for maker, _ in walk.lost}
        for maker, lots in walk.met:
            buyer, seller = (order, maker) if order.terms.side is Side.BUY else (maker, order)
            notional = order.instrument.notional_units(maker.price, lots)
            if maker.number in own:
                order.prevented += lots
                maker.prevented += lots
                if _moves(order, maker):
                    self._move(notional, lots, buyer, seller)
                continue
            before = {order.number: order.fee(), maker.number: maker.fee()}
            order.traded.append((maker.price, lots, False))
            maker.traded.append((maker.price, lots, True))
            fees = {each.number: each.fee() - before[each.number] for each in (order, maker)}
            self._pay(notional, lots, buyer, fees[buyer.number], seller, fees[seller.number])
            owners = {each.terms.purse.partition("/")[0] for each in (order, maker)}
            if len(owners) == 2:
                for owner in owners:
                    self.volumes[owner] += notional
            self.last[order.terms.symbol] = maker.price
            self.trades[order.terms.symbol].append((maker.price, lots))
        gone = {number for number, *_ in outcome.ended}
        self.resting = [other for other in self.resting if other.number not in gone]

    def _move(self, notional: int, lots: int, buyer: ModelOrder, seller: ModelOrder) -> None:
        """Between purses of one owner: no fee, no profit, and a position goes with its cost."""
        instrument = buyer.instrument
        for order, sign in ((buyer, 1), (seller, -1)):
            self.owned[order.terms.purse, instrument.quote] -= sign * notional
            self.owned[order.terms.purse, instrument.base] += sign * lots * instrument.lot_units
        source = self.positions[seller.terms.purse, instrument.symbol]
        target = self.positions[buyer.terms.purse, instrument.symbol]
        lots = min(lots, source.quantity)
        cost = math.floor(Fraction(source.cost * lots, source.quantity)) if lots else 0
        for position, sign in ((target, 1), (source, -1)):
            position.quantity += sign * lots
            position.cost += sign * cost

    def _pay(
        self,
        notional: int,
        lots: int,
        buyer: ModelOrder,
        buyer_fee: int,
        seller: ModelOrder,
        seller_fee: int,
    ) -> None:
        instrument = buyer.instrument
        base, quote = instrument.base, instrument.quote
        self.owned[buyer.terms.purse, quote] -= notional + buyer_fee
        self.owned[buyer.terms.purse, base] += lots * instrument.lot_units
        self.owned[seller.terms.purse, quote] += notional - seller_fee
        self.owned[seller.terms.purse, base] -= lots * instrument.lot_units
        self.fees[quote] += buyer_fee + seller_fee
        position = self.positions[seller.terms.purse, instrument.symbol]
        mine = min(lots, position.quantity)
        if mine:
            relieved = math.floor(Fraction(position.cost * mine, position.quantity))
            position.realised += math.floor(Fraction((notional - seller_fee) * mine, lots))
            position.realised -= relieved
            position.cost -= relieved
            position.quantity -= mine
        position = self.positions[buyer.terms.purse, instrument.symbol]
        position.quantity += lots
        position.cost += notional + buyer_fee

    def _excess(self, purse: Purse, symbol: Symbol) -> int:
        """How much more reduce-only orders would sell than there is."""
        reducing = [order for order in self._of(purse, symbol) if order.terms.reduce_only]
        return sum(order.leaves for order in reducing) - self.positions[purse, symbol].quantity

    def _of(self, purse: Purse, symbol: Symbol) -> list[ModelOrder]:
        return [
            order
            for order in self.resting
            if order.terms.purse == purse and order.terms.symbol == symbol
        ]

    def _trim(self, outcome: Outcome) -> None:
        """Take what the position no longer covers off reduce-only orders, the newest first."""
        for order in sorted(self.resting, key=lambda each: -each.number):
            over = self._excess(order.terms.purse, order.terms.symbol)
            if not order.terms.reduce_only or over <= 0:
                continue
            order.quantity -= min(over, order.leaves)
            order.shown = min(order.shown, order.leaves)
            if order.leaves == 0:
                self.resting.remove(order)
                gone = (OrderStatus.CANCELED, EndReason.REDUCE_ONLY, order.executed)
                outcome.ended.append((order.number, *gone))

    def _show(self, order: ModelOrder, leaves: int) -> None:
        """Show what there is, or a slice of it, at the back of the queue."""
        self.stamps += 1
        order.stamp, order.shown = self.stamps, min(leaves, order.terms.display_lots or leaves)

    def _fate(self, order: ModelOrder, stopped: EndReason) -> tuple[OrderStatus, EndReason]:
        terms = order.terms
        if terms.quote_units is not None and stopped is not EndReason.NONE:
            return OrderStatus.EXPIRED, stopped
        if order.leaves == 0 and stopped is not EndReason.SELF_TRADE:
            return OrderStatus.FILLED, EndReason.NONE
        if terms.type is OrderType.MARKET or stopped is EndReason.SELF_TRADE:
            return OrderStatus.EXPIRED, stopped
        if terms.time_in_force is TimeInForce.IOC:
            return OrderStatus.EXPIRED, EndReason.IOC
        self.resting.append(order)
        self._show(order, order.leaves)
        partly = order.executed > 0
        return OrderStatus.PARTIALLY_FILLED if partly else OrderStatus.OPEN, EndReason.NONE


def _opposite(side: Side) -> Side:
    return Side.SELL if side is Side.BUY else Side.BUY


def _meets(side: Side, limit: int | Fraction, price: int) -> bool:
    return price <= limit if side is Side.BUY else price >= limit


def _moves(taker: ModelOrder, maker: ModelOrder) -> bool:
    """Whether a self-trade moves money instead of none."""
    modes = {taker.terms.self_trade_prevention, maker.terms.self_trade_prevention}
    return modes == {SelfTradePrevention.TRANSFER} and taker.terms.purse != maker.terms.purse


def _cost(instrument: Instrument, met: list[tuple[ModelOrder, int]]) -> int:
    return sum(instrument.notional_units(maker.price, lots) for maker, lots in met)


def _sum(met: list[tuple[ModelOrder, int]], maker: ModelOrder) -> int:
    return sum(lots for each, lots in met if each is maker)


def _same_account(one: ModelOrder, other: ModelOrder) -> bool:
    return one.terms.purse.split("/")[0] == other.terms.purse.split("/")[0]
