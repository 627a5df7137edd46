"""The exchange: one transaction over book, ledger, positions and risk.

Theory of operation. ``decide`` reads and returns the events of one step or raises a Rejection;
``apply`` writes, and nothing else does. After a step the caller drains ``next_due`` in the same
way until it is empty. So replaying the events gives the same exchange, whatever the rules are by
then. Time is an argument and only moves forward.

A PlaceOrder is refused in this order, the first that fails is the answer: combination of fields,
purse, instrument, an id that an open order has, house halt, freeze, market state, price range,
quantity range, notional range, price band, open orders of the instrument, limits of the purse
(size, then open orders), for a quote amount what it would trade (nothing, or too much), funds.
"""

from __future__ import annotations

import copy
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterator
from typing import assert_never

from xached.domain import risk
from xached.domain.instrument import (
    Asset,
    Instrument,
    Symbol,
    check_asset,
    unknown_asset,
)
from xached.domain.messages import (
    AdvanceClock,
    AssetListed,
    CancelAll,
    CancelOrder,
    ClockAdvanced,
    Command,
    Deposit,
    Deposited,
    Event,
    ExpireOrder,
    FreezePurse,
    HaltSet,
    InstrumentListed,
    ListAsset,
    ListInstrument,
    MarketStateSet,
    MarkSet,
    MatchPrevented,
    OpenPurse,
    OrderAccepted,
    OrderEnded,
    OrderRested,
    PlaceOrder,
    PurseFrozen,
    PurseOpened,
    RiskLimitsSet,
    SetHalt,
    SetMark,
    SetMarketState,
    SetRiskLimits,
    Traded,
    make_order,
)
from xached.domain.money import format_units
from xached.domain.order import (
    BUY,
    AccountId,
    EndReason,
    Order,
    OrderId,
    OrderStatus,
    Purse,
    Side,
    account_of,
    make_order_id,
)
from xached.domain.placing import check_combination, needed_hold_units, place
from xached.domain.position import Position
from xached.domain.rejection import Reason, Rejection
from xached.domain.snapshot import Dump, dump, load
from xached.domain.state import Market, PurseState, State

AMOUNT_UNITS_MAX = 10**36
"""Largest single deposit: far beyond any real supply, far within what is encoded and tested."""


class Exchange:
    """Decides and applies. ``state`` is read by queries of its owner and by nobody else."""

    def __init__(self, state: State | None = None) -> None:
        self.state = state if state is not None else State()

    # --- deciding: reads only ---------------------------------------------------------------

    def decide(self, command: Command, seq: int, at_ns: int) -> tuple[Event, ...]:
        """The events of one command at journal sequence ``seq``; none when nothing changes.

        Raises: Rejection, before anything has changed.
        """
        assert at_ns >= self.state.now_ns, (at_ns, self.state.now_ns)
        if isinstance(command, PlaceOrder):
            return self._decide_place(command, seq, at_ns)
        if isinstance(command, CancelOrder):
            return (self._ended(self._open_order(command), command.reason),)
        match command:
            case CancelAll():
                return self._decide_cancel_all(command)
            case ExpireOrder():
                return (self._ended(self.state.orders[command.order_id], EndReason.TIME),)
            case AdvanceClock():
                return (ClockAdvanced(),) if self.has_due(at_ns) else ()
            case SetMark():
                return self._decide_mark(command)
            case Deposit():
                return self._decide_deposit(command)
            case _:
                return self._decide_rule(command)

    def next_due(self) -> ExpireOrder | None:
        """The next internal step that is due at the time of the last applied event."""
        expiries = self.state.expiries
        if expiries and expiries[0][0] <= self.state.now_ns:
            return ExpireOrder(order_id=expiries[0][1])
        return None

    def has_due(self, at_ns: int) -> bool:
        """Whether anything is due at a time."""
        deadline_ns = self.next_deadline_ns()
        return deadline_ns is not None and deadline_ns <= at_ns

    def next_deadline_ns(self) -> int | None:
        """When something becomes due without a command: the earliest expiry."""
        return self.state.expiries[0][0] if self.state.expiries else None

    def _decide_place(self, command: PlaceOrder, seq: int, at_ns: int) -> tuple[Event, ...]:
        check_combination(command, at_ns)
        purse = self.state.purse(command.purse)
        market = self.state.market(command.symbol)
        if command.client_order_id in purse.by_client_id:
            raise Rejection(
                Reason.ID_REUSED,
                "an open order has this id",
                field="client_order_id",
                given=command.client_order_id,
                allowed="an id that was never used",
            )
        if self.state.halted:
            raise Rejection(
                Reason.HALTED, "the house is halted", given="order", allowed="cancels only"
            )
        if purse.frozen:
            raise Rejection(
                Reason.PURSE_FROZEN, "the purse is frozen", given="order", allowed="cancels only"
            )
        return place(self.state, market, purse, command, make_order_id(seq, 0))

    def _decide_cancel_all(self, command: CancelAll) -> tuple[Event, ...]:
        purse = self.state.purse(command.purse)
        if command.symbol is not None:
            self.state.market(command.symbol)
        return tuple(
            self._ended(self.state.orders[order_id], command.reason)
            for order_id, symbol in purse.open_orders.items()
            if command.symbol is None or symbol == command.symbol
        )

    def _decide_mark(self, command: SetMark) -> tuple[Event, ...]:
        market = self.state.market(command.symbol)
        market.instrument.check_price(command.price_ticks)
        if market.reference_ticks == command.price_ticks:
            return ()
        return (
            MarkSet(symbol=command.symbol, price_ticks=command.price_ticks, source=command.source),
        )

    def _decide_deposit(self, command: Deposit) -> tuple[Event, ...]:
        self.state.purse(command.purse)
        asset = self.state.assets.get(command.asset)
        if asset is None:
            raise unknown_asset(command.asset)
        if not 0 < command.amount_units <= AMOUNT_UNITS_MAX:
            raise Rejection(
                Reason.AMOUNT_RANGE,
                "the amount is outside the allowed range",
                field="amount",
                given=format_units(command.amount_units, asset.scale),
                allowed=f"more than 0, at most {format_units(AMOUNT_UNITS_MAX, asset.scale)}",
            )
        return (
            Deposited(
                purse=command.purse,
                asset=command.asset,
                amount_units=command.amount_units,
                reference=command.request_id,
            ),
        )

    def _decide_rule(
        self,
        command: ListAsset
        | ListInstrument
        | SetMarketState
        | OpenPurse
        | FreezePurse
        | SetRiskLimits
        | SetHalt,
    ) -> tuple[Event, ...]:
        match command:
            case ListAsset():
                return self._decide_list_asset(command.asset)
            case ListInstrument():
                return self._decide_list_instrument(command.instrument)
            case SetMarketState():
                market = self.state.market(command.symbol)
                if market.state is command.state:
                    return ()
                return (
                    MarketStateSet(symbol=command.symbol, state=command.state, cause=command.cause),
                )
            case OpenPurse():
                return self._decide_open_purse(command)
            case FreezePurse():
                if self.state.purse(command.purse).frozen == command.frozen:
                    return ()
                return (
                    PurseFrozen(purse=command.purse, frozen=command.frozen, cause=command.cause),
                )
            case SetRiskLimits():
                return self._decide_limits(command)
            case SetHalt():
                if self.state.halted == command.halted:
                    return ()
                return (HaltSet(halted=command.halted, cause=command.cause),)
            case _:
                assert_never(command)

    def _decide_list_asset(self, asset: Asset) -> tuple[Event, ...]:
        check_asset(asset)
        known = self.state.assets.get(asset.name)
        if known is None:
            return (AssetListed(asset=asset),)
        if known == asset:
            return ()
        raise Rejection(
            Reason.ALREADY_LISTED,
            "the asset is listed with another scale, which is fixed for ever",
            field="asset",
            given=f"{asset.name} scale {asset.scale}",
            allowed=f"scale {known.scale}",
        )

    def _decide_list_instrument(self, instrument: Instrument) -> tuple[Event, ...]:
        for name, scale in (
            (instrument.base, instrument.base_scale),
            (instrument.quote, instrument.quote_scale),
        ):
            asset = self.state.assets.get(name)
            if asset is None:
                raise unknown_asset(name)
            if asset.scale != scale:
                raise Rejection(
                    Reason.INSTRUMENT_SPEC,
                    "the instrument's scale is not its asset's",
                    given=f"{name} scale {scale}",
                    allowed=f"scale {asset.scale}",
                )
        instrument.check()
        known = self.state.markets.get(instrument.symbol)
        if known is None:
            return (InstrumentListed(instrument=instrument),)
        if known.instrument == instrument:
            return ()
        raise Rejection(
            Reason.ALREADY_LISTED,
            "the instrument is listed with other rules",
            field="symbol",
            given=instrument.symbol,
            allowed="the rules it was listed with",
        )

    def _decide_open_purse(self, command: OpenPurse) -> tuple[Event, ...]:
        known = self.state.purses.get(command.purse)
        if known is None:
            return (PurseOpened(purse=command.purse, simulated=command.simulated),)
        if known.simulated == command.simulated:
            return ()
        raise Rejection(
            Reason.ALREADY_LISTED,
            "the purse is open with another kind of liquidity",
            field="simulated",
            given=str(command.simulated).lower(),
            allowed=str(known.simulated).lower(),
        )

    def _decide_limits(self, command: SetRiskLimits) -> tuple[Event, ...]:
        known = self.state.default_limits
        if command.purse is not None:
            known = self.state.purse(command.purse).limits
        if not 0 <= command.max_open_orders <= risk.OPEN_ORDERS_MAX:
            raise Rejection(
                Reason.AMOUNT_RANGE,
                "the number of open orders is outside the allowed range",
                field="max_open_orders",
                given=str(command.max_open_orders),
                allowed=f"0 to {risk.OPEN_ORDERS_MAX}",
            )
        for name, units in command.max_order_notional_units:
            if name not in self.state.assets:
                raise unknown_asset(name)
            if units < 0:
                raise Rejection(
                    Reason.AMOUNT_RANGE,
                    "the largest order is outside the allowed range",
                    field="max_order_notional",
                    given=format_units(units, self.state.assets[name].scale),
                    allowed="0 or more",
                )
        wanted = risk.RiskLimits(command.max_open_orders, dict(command.max_order_notional_units))
        if known == wanted:
            return ()
        return (
            RiskLimitsSet(
                purse=command.purse,
                max_open_orders=command.max_open_orders,
                max_order_notional_units=command.max_order_notional_units,
            ),
        )

    def _open_order(self, command: CancelOrder) -> Order:
        purse = self.state.purse(command.purse)
        order_id = command.order_id
        if order_id is None and command.client_order_id is not None:
            order_id = purse.by_client_id.get(command.client_order_id)
        if order_id is None or order_id not in purse.open_orders:
            raise Rejection(
                Reason.UNKNOWN_ORDER,
                "no such open order in this purse",
                field="order_id" if command.client_order_id is None else "client_order_id",
                given=command.client_order_id or str(command.order_id or ""),
                allowed="an open order of the purse",
            )
        return self.state.orders[order_id]

    @staticmethod
    def _ended(order: Order, reason: EndReason) -> OrderEnded:
        expired = reason in (EndReason.TIME, EndReason.INSTRUMENT)
        return OrderEnded(
            order_id=order.order_id,
            client_order_id=order.client_order_id,
            purse=order.purse,
            symbol=order.symbol,
            side=order.side,
            status=OrderStatus.EXPIRED if expired else OrderStatus.CANCELED,
            reason=reason,
            executed_lots=order.executed_lots,
            released_units=order.held_units,
        )

    # --- applying: the only writer ----------------------------------------------------------

    def apply(self, event: Event, seq: int, at_ns: int) -> None:
        """Write one event of row ``seq``. Total: what was decided always fits."""
        self.state.now_ns = at_ns
        # The four of every order first and by isinstance: a class pattern that does not match
        # costs six times as much in Python 3.11.
        if isinstance(event, OrderEnded):
            self._apply_ended(event, seq, at_ns)
        elif isinstance(event, OrderAccepted):
            self._apply_accepted(event, seq, at_ns)
        elif isinstance(event, Traded):
            self._apply_traded(event, seq, at_ns)
        elif isinstance(event, OrderRested):
            self._apply_rested(event, seq, at_ns)
        else:
            self._apply_rare(event)

    def _apply_rare(
        self,
        event: AssetListed
        | InstrumentListed
        | MarketStateSet
        | MarkSet
        | PurseOpened
        | PurseFrozen
        | RiskLimitsSet
        | HaltSet
        | Deposited
        | MatchPrevented
        | ClockAdvanced,
    ) -> None:
        match event:
            case MarkSet():
                self.state.markets[event.symbol].set_reference(event.price_ticks)
            case Deposited():
                self.state.ledger.deposit(event.purse, event.asset, event.amount_units)
            case MatchPrevented() | ClockAdvanced():
                pass
            case _:
                self._apply_rule(event)

    def _apply_rule(
        self,
        event: AssetListed
        | InstrumentListed
        | MarketStateSet
        | PurseOpened
        | PurseFrozen
        | RiskLimitsSet
        | HaltSet,
    ) -> None:
        match event:
            case AssetListed():
                self.state.assets[event.asset.name] = event.asset
                self.state.ledger.open_asset(event.asset.name)
            case InstrumentListed():
                self.state.markets[event.instrument.symbol] = Market(event.instrument)
            case MarketStateSet():
                self.state.markets[event.symbol].state = event.state
            case PurseOpened():
                self.state.purses[event.purse] = PurseState(simulated=event.simulated)
            case PurseFrozen():
                self.state.purses[event.purse].frozen = event.frozen
            case RiskLimitsSet():
                limits = risk.RiskLimits(
                    event.max_open_orders, dict(event.max_order_notional_units)
                )
                if event.purse is None:
                    self.state.default_limits = limits
                else:
                    self.state.purses[event.purse].limits = limits
            case HaltSet():
                self.state.halted = event.halted
            case _:
                assert_never(event)

    def _apply_accepted(self, event: OrderAccepted, seq: int, at_ns: int) -> None:
        order = make_order(event, seq, at_ns)
        instrument = self.state.markets[event.symbol].instrument
        asset = instrument.quote if event.side is BUY else instrument.base
        self.state.ledger.hold(event.order_id, event.purse, asset, event.held_units)
        self.state.orders[event.order_id] = order
        self.state.purses[event.purse].add_open(order)

    def _apply_rested(self, event: OrderRested, seq: int, at_ns: int) -> None:
        order = self.state.orders[event.order_id]
        assert order.price_ticks is not None
        book = self.state.markets[event.symbol].book
        book.add(order.order_id, order.side, order.price_ticks, event.leaves_lots)
        order.seq, order.updated_at_ns = seq, at_ns
        if order.expires_at_ns is not None:
            insort(self.state.expiries, (order.expires_at_ns, order.order_id))

    def _apply_traded(self, event: Traded, seq: int, at_ns: int) -> None:
        taker, maker = (
            self.state.orders[event.taker_order_id],
            self.state.orders[event.maker_order_id],
        )
        taker_buys = event.taker_side is BUY
        if taker_buys:
            buyer, seller = taker, maker
            buyer_fee, seller_fee = event.taker_fee_units, event.maker_fee_units
        else:
            buyer, seller = maker, taker
            buyer_fee, seller_fee = event.maker_fee_units, event.taker_fee_units
        market = self.state.markets[event.symbol]
        base_units = event.quantity_lots * market.instrument.lot_units
        paid_units = event.notional_units + buyer_fee
        self.state.ledger.settle(
            buyer.order_id,
            seller.order_id,
            paid_units=paid_units,
            proceeds_units=event.notional_units - seller_fee,
            released_units=event.buyer_released_units,
            base_units=base_units,
        )
        if event.seller_position_lots:
            self._kept_position(seller.purse, event.symbol).sell(
                event.seller_position_lots, event.seller_relieved_units, event.seller_realised_units
            )
        self._kept_position(buyer.purse, event.symbol).buy(
            event.quantity_lots, event.notional_units, buyer_fee
        )
        buyer_used = paid_units + event.buyer_released_units
        taker.record_fill(
            lots=event.quantity_lots,
            notional_units=event.notional_units,
            fee_units=event.taker_fee_units,
            hold_used_units=buyer_used if taker_buys else base_units,
            as_maker=False,
            seq=seq,
            at_ns=at_ns,
        )
        maker.record_fill(
            lots=event.quantity_lots,
            notional_units=event.notional_units,
            fee_units=event.maker_fee_units,
            hold_used_units=base_units if taker_buys else buyer_used,
            as_maker=True,
            seq=seq,
            at_ns=at_ns,
        )
        market.book.reduce(event.maker_order_id, event.quantity_lots)
        market.last_ticks = event.price_ticks

    def _apply_ended(self, event: OrderEnded, seq: int, at_ns: int) -> None:
        order = self.state.orders.pop(event.order_id)
        book = self.state.markets[event.symbol].book
        if event.order_id in book:
            book.remove(event.order_id)
        if order.expires_at_ns is not None:
            self._forget_expiry(order.expires_at_ns, event.order_id)
        self.state.ledger.close_hold(event.order_id, event.released_units)
        order.end(event.status, event.reason, event.released_units, seq, at_ns)
        self.state.purses[event.purse].remove_open(order)

    def _forget_expiry(self, expires_at_ns: int, order_id: OrderId) -> None:
        expiries, entry = self.state.expiries, (expires_at_ns, order_id)
        index = bisect_left(expiries, entry)
        if index < len(expiries) and expiries[index] == entry:  # It may never have rested.
            del expiries[index]

    def _kept_position(self, purse: Purse, symbol: Symbol) -> Position:
        positions = self.state.purses[purse].positions
        found = positions.get(symbol)
        if found is None:
            found = positions[symbol] = Position()
        return found

    # --- reading, for queries and snapshots -------------------------------------------------

    def open_orders(self, purse: Purse, symbol: Symbol | None = None) -> list[Order]:
        """Copies of a purse's open orders, oldest first. Raises: Rejection UNKNOWN_PURSE."""
        return [
            copy.copy(self.state.orders[order_id])
            for order_id, listed in self.state.purse(purse).open_orders.items()
            if symbol is None or listed == symbol
        ]

    def purses_of(self, account_id: AccountId) -> Iterator[tuple[Purse, PurseState]]:
        """The purses of an account, in the order they were opened."""
        return (
            (name, purse)
            for name, purse in self.state.purses.items()
            if account_of(name) == account_id
        )

    def snapshot(self) -> Dump:
        """The whole state as nested builtins; equal states give equal snapshots."""
        return dump(self.state)

    @classmethod
    def restore(cls, snapshot: Dump) -> Exchange:
        """The exchange that gave ``snapshot``."""
        return cls(load(snapshot))

    def check(self) -> None:
        """Assert every invariant: ledger, books, holds, indexes. Linear in the state."""
        self.state.ledger.check()
        resting = 0
        for market in self.state.markets.values():
            market.book.check()
            for side in Side:
                for order_id, price_ticks, lots in market.book.queue(side):
                    order = self.state.orders[order_id]
                    assert order.price_ticks == price_ticks
                    assert order.side is side
                    assert order.leaves_lots == lots > 0
                    resting += 1
        assert resting == len(self.state.orders)
        purses = self.state.purses.values()
        listed = {order_id for purse in purses for order_id in purse.open_orders}
        assert listed == set(self.state.orders)
        for order in self.state.orders.values():
            hold = self.state.ledger.hold_of(order.order_id)
            instrument = self.state.markets[order.symbol].instrument
            assert hold.units == order.held_units == needed_hold_units(instrument, order), order
        for purse in purses:
            assert set(purse.by_client_id.values()) == set(purse.open_orders)
            counted = {symbol: count for symbol, count in purse.open_counts.items() if count}
            assert counted == Counter(purse.open_orders.values())
        assert self.state.expiries == sorted(
            (order.expires_at_ns, order.order_id)
            for order in self.state.orders.values()
            if order.expires_at_ns is not None
        )
