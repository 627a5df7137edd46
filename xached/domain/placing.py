"""Deciding a PlaceOrder: filters, risk, hold and match, as the events of one step."""

from __future__ import annotations

import attrs

from xached.domain import fees, risk
from xached.domain.instrument import Instrument
from xached.domain.messages import (
    Event,
    MatchPrevented,
    OrderAccepted,
    OrderEnded,
    OrderRested,
    PlaceOrder,
    Traded,
)
from xached.domain.order import (
    BUY,
    MARKET,
    SELL,
    EndReason,
    MarketState,
    Order,
    OrderId,
    OrderStatus,
    Purse,
    SelfTradePrevention,
    TimeInForce,
)
from xached.domain.plan import (
    NOTHING_IN_REACH,
    NOTHING_TO_MEET,
    Match,
    Plan,
    Taker,
    account_prefix,
    budget_notional_units,
    plan_taker,
    target_notional_units,
)
from xached.domain.position import Position, Sale, plan_sale
from xached.domain.rejection import Reason, Rejection
from xached.domain.state import Market, PurseState, State

RESTING = (TimeInForce.GTC, TimeInForce.GTD)
"""Orders that wait in the book for what they did not find."""

_LIMIT_TIMES = "GTC, GTD, IOC or FOK; post-only with GTC or GTD; an expiry with GTD only"


def check_combination(command: PlaceOrder, at_ns: int) -> None:
    """Refuse fields that do not go together.

    Raises: Rejection FIELD_REQUIRED, FIELD_FORBIDDEN, COMBINATION or EXPIRY_PAST.
    """
    time = command.time_in_force
    if command.type is MARKET:
        if command.price_ticks is not None:
            raise _forbidden("price", "a market order")
        if command.post_only:
            raise _forbidden("post_only", "a market order")
        if time is not TimeInForce.IOC:
            raise _combination(f"MARKET {time.name}", "a market order is IOC")
        if (command.quantity_lots is None) == (command.quote_units is None):
            raise Rejection(
                Reason.FIELD_REQUIRED,
                "a market order has either a quantity or a quote quantity",
                field="quantity",
                given="both" if command.quantity_lots is not None else "neither",
                allowed="exactly one of quantity and quote_quantity",
            )
    else:
        if command.quote_units is not None:
            raise _forbidden("quote_quantity", "a limit order")
        if command.price_ticks is None:
            raise _required("price")
        if command.quantity_lots is None:
            raise _required("quantity")
        if command.post_only and time not in RESTING:
            raise _combination(f"post-only {time.name}", _LIMIT_TIMES)
    if (time is TimeInForce.GTD) != (command.expires_at_ns is not None):
        given = f"{time.name} with{'' if command.expires_at_ns is not None else 'out'} an expiry"
        raise _combination(given, _LIMIT_TIMES)
    if command.expires_at_ns is not None and command.expires_at_ns <= at_ns:
        raise Rejection(
            Reason.EXPIRY_PAST,
            "the expiry has passed",
            field="expires_at_ns",
            given=str(command.expires_at_ns),
            allowed=f"later than {at_ns}",
        )


def place(
    state: State, market: Market, purse: PurseState, command: PlaceOrder, order_id: OrderId
) -> tuple[Event, ...]:
    """Decide an order whose purse may trade. Raises: Rejection, as listed in the exchange."""
    instrument = market.instrument
    _check_market_state(market, command)
    _check_filters(state, market, purse, command)
    plan = _plan(state, market, command)
    if command.quote_units is not None:
        _check_planned(instrument, plan)
    held_units = _hold_units(instrument, command, plan)
    _check_funds(state, instrument, command, held_units)
    accepted = OrderAccepted(
        order_id=order_id,
        client_order_id=command.client_order_id,
        purse=command.purse,
        symbol=command.symbol,
        side=command.side,
        type=command.type,
        time_in_force=command.time_in_force,
        price_ticks=command.price_ticks,
        quantity_lots=(
            command.quantity_lots if command.quantity_lots is not None else plan.filled_lots
        ),
        quote_units=command.quote_units,
        post_only=command.post_only,
        self_trade_prevention=command.self_trade_prevention,
        expires_at_ns=command.expires_at_ns,
        maker_fee_ppm=instrument.maker_fee_ppm,
        taker_fee_ppm=instrument.taker_fee_ppm,
        held_units=held_units,
    )
    if command.post_only and plan.matches:
        return accepted, _end_of(accepted, OrderStatus.CANCELED, EndReason.POST_ONLY, 0, held_units)
    if command.time_in_force is TimeInForce.FOK and plan.filled_lots < accepted.quantity_lots:
        return accepted, _end_of(accepted, OrderStatus.EXPIRED, EndReason.FOK, 0, held_units)
    if not plan.matches:
        return accepted, _rest_or_end(accepted, plan.stopped, 0, held_units)
    return _Execution(state, market, purse, accepted).run(plan)


def needed_hold_units(instrument: Instrument, order: Order) -> int:
    """What an open limit order must hold by the rules of today."""
    if order.side is SELL:
        return order.leaves_lots * instrument.lot_units
    return _buy_hold_units(
        instrument,
        order,
        order.leaves_lots,
        order.taker_notional_units,
        order.maker_notional_units,
        order.fee_units,
    )


@attrs.define
class _Execution:
    """Turns a plan into events, carrying what each trade changes for the next."""

    state: State
    market: Market
    purse: PurseState
    accepted: OrderAccepted
    events: list[Event] = attrs.field(factory=list)
    trades: int = 0
    executed_lots: int = 0
    notional_units: int = 0
    fee_units: int = 0
    held_units: int = 0
    positions: dict[Purse, Position] = attrs.field(factory=dict)

    def run(self, plan: Plan) -> tuple[Event, ...]:
        accepted = self.accepted
        self.events.append(accepted)
        self.held_units = accepted.held_units
        for match in plan.matches:
            if match.prevented:
                self._prevent(match)
            else:
                self._trade(match)
        last = _rest_or_end(accepted, plan.stopped, self.executed_lots, self.held_units)
        self.events.append(last)
        return tuple(self.events)

    def _prevent(self, match: Match) -> None:
        accepted, maker = self.accepted, match.maker
        assert maker.price_ticks is not None
        self.events.append(
            MatchPrevented(
                symbol=accepted.symbol,
                price_ticks=maker.price_ticks,
                quantity_lots=match.lots,
                taker_order_id=accepted.order_id,
                taker_purse=accepted.purse,
                maker_order_id=maker.order_id,
                maker_purse=maker.purse,
                mode=accepted.self_trade_prevention,
            )
        )
        if match.maker_ends:
            self.events.append(
                _end_of(
                    maker,
                    OrderStatus.EXPIRED,
                    EndReason.SELF_TRADE,
                    maker.executed_lots,
                    maker.held_units,
                )
            )

    def _trade(self, match: Match) -> None:
        accepted, maker, lots = self.accepted, match.maker, match.lots
        assert maker.price_ticks is not None
        taker_fee = self._charge_taker(match.notional_units)
        maker_fee = self._maker_fee(match)
        self.executed_lots += lots
        if accepted.side is BUY:
            seller, buyer = maker.purse, accepted.purse
            seller_fee, buyer_fee = maker_fee, taker_fee
            released = self._release_taker(match.notional_units, taker_fee)
        else:
            seller, buyer = accepted.purse, maker.purse
            seller_fee, buyer_fee = taker_fee, maker_fee
            self.held_units -= lots * self.market.instrument.lot_units
            released = self._released_by_maker(match, maker_fee)
        sale = self._sell(seller, lots, match.notional_units, seller_fee)
        if accepted.self_trade_prevention is SelfTradePrevention.NONE:
            # Nobody else is both buyer and seller in one step and asks for what it bought.
            self._position(buyer).buy(lots, match.notional_units, buyer_fee)
        self.events.append(
            Traded(
                index=self.trades,
                symbol=accepted.symbol,
                price_ticks=maker.price_ticks,
                quantity_lots=lots,
                notional_units=match.notional_units,
                taker_side=accepted.side,
                taker_order_id=accepted.order_id,
                taker_purse=accepted.purse,
                taker_fee_units=taker_fee,
                maker_order_id=maker.order_id,
                maker_purse=maker.purse,
                maker_fee_units=maker_fee,
                buyer_released_units=released,
                seller_position_lots=sale.position_lots,
                seller_relieved_units=sale.relieved_units,
                seller_realised_units=sale.realised_units,
                simulated=self.purse.simulated or self.state.purses[maker.purse].simulated,
            )
        )
        self.trades += 1
        if match.maker_ends:
            executed = maker.executed_lots + lots
            self.events.append(_end_of(maker, OrderStatus.FILLED, EndReason.NONE, executed, 0))

    def _charge_taker(self, notional_units: int) -> int:
        self.notional_units += notional_units
        accepted = self.accepted
        due = fees.due_units(self.notional_units, accepted.taker_fee_ppm, 0, accepted.maker_fee_ppm)
        fee = due - self.fee_units
        self.fee_units = due
        return fee

    @staticmethod
    def _maker_fee(match: Match) -> int:
        maker = match.maker
        due = fees.due_units(
            maker.taker_notional_units,
            maker.taker_fee_ppm,
            maker.maker_notional_units + match.notional_units,
            maker.maker_fee_ppm,
        )
        # A cheaper maker rate never makes what is due shrink: notionals only grow.
        return due - maker.fee_units

    def _release_taker(self, notional_units: int, fee_units: int) -> int:
        """What the hold of a buying taker gives back at a fill beyond what it pays."""
        self.held_units -= notional_units + fee_units
        if self.accepted.type is MARKET:
            return 0  # Its hold is what was planned, or the budget, and ends with the order.
        leaves = self.accepted.quantity_lots - self.executed_lots
        needed = _buy_hold_units(
            self.market.instrument, self.accepted, leaves, self.notional_units, 0, self.fee_units
        )
        released = self.held_units - needed
        assert released >= 0
        self.held_units = needed
        return released

    def _released_by_maker(self, match: Match, fee_units: int) -> int:
        """What the hold of a buying maker gives back at a fill beyond what it pays."""
        maker = match.maker
        needed = _buy_hold_units(
            self.market.instrument,
            maker,
            maker.leaves_lots - match.lots,
            maker.taker_notional_units,
            maker.maker_notional_units + match.notional_units,
            maker.fee_units + fee_units,
        )
        released = maker.held_units - match.notional_units - fee_units - needed
        assert released >= 0
        return released

    def _sell(self, purse: Purse, lots: int, notional_units: int, fee_units: int) -> Sale:
        position = self._position(purse)
        sale = plan_sale(position, lots, notional_units, fee_units)
        if sale.position_lots:
            position.sell(sale.position_lots, sale.relieved_units, sale.realised_units)
        return sale

    def _position(self, purse: Purse) -> Position:
        """A copy of a purse's position that carries the trades of this step."""
        found = self.positions.get(purse)
        if found is None:
            kept = self.state.purses[purse].position(self.accepted.symbol)
            found = self.positions[purse] = Position(
                kept.quantity_lots, kept.cost_units, kept.realised_units
            )
        return found


def _check_market_state(market: Market, command: PlaceOrder) -> None:
    current = market.effective_state()
    if current is MarketState.TRADING:
        return
    rests = (
        command.price_ticks is not None
        and command.time_in_force in RESTING
        and not market.book.crosses(command.side, command.price_ticks)
    )
    if current is MarketState.POST_ONLY and rests:
        return
    if market.reference_ticks is None and market.state < MarketState.CANCEL_ONLY:
        raise Rejection(
            Reason.REFERENCE_UNKNOWN,
            "the market has no reference price yet",
            field="symbol",
            given=command.symbol,
            allowed="cancels only until a mark is set",
        )
    raise Rejection(
        Reason.MARKET_STATE,
        f"the market is {current.name}",
        field="symbol",
        given=f"{command.type.name} {command.time_in_force.name}",
        allowed=(
            "orders that rest, and cancels" if current is MarketState.POST_ONLY else "cancels only"
        ),
    )


def _check_filters(state: State, market: Market, purse: PurseState, command: PlaceOrder) -> None:
    instrument = market.instrument
    assert market.reference_ticks is not None
    price_ticks = command.price_ticks
    if price_ticks is not None:
        instrument.check_price(price_ticks)
    is_market = command.type is MARKET
    whole_balance = is_market and _sells_whole_balance(state, instrument, command)
    if command.quantity_lots is not None and not whole_balance:
        instrument.check_quantity(command.quantity_lots, market=is_market)
    notional = command.quote_units
    if notional is None:
        assert command.quantity_lots is not None
        at_ticks = price_ticks if price_ticks is not None else market.last_ticks
        notional = instrument.notional_units(
            at_ticks if at_ticks is not None else market.reference_ticks, command.quantity_lots
        )
    if not whole_balance or notional > instrument.max_notional_units:
        instrument.check_notional(notional)
    if price_ticks is not None:
        band = market.buy_band if command.side is BUY else market.sell_band
        risk.check_band(instrument, price_ticks, band)
    open_here = purse.open_counts.get(command.symbol, 0)
    risk.check_open_orders(open_here, instrument.max_open_orders, command.symbol)
    limits = purse.limits if purse.limits is not None else state.default_limits
    risk.check_limits(limits, instrument, notional, len(purse.open_orders))


def _sells_whole_balance(state: State, instrument: Instrument, command: PlaceOrder) -> bool:
    """A market sale of everything that is free, down to a lot, needs no minimum."""
    if command.side is BUY or not command.quantity_lots:
        return False
    free = state.ledger.available_units(command.purse, instrument.base)
    lots = free // instrument.lot_units
    return command.quantity_lots == lots <= instrument.max_market_quantity_lots


def _plan(state: State, market: Market, command: PlaceOrder) -> Plan:
    instrument, side = market.instrument, command.side
    limit_ticks = command.price_ticks
    if limit_ticks is None:
        limit_ticks = market.buy_band[1] if side is BUY else market.sell_band[0]
    if not market.book.crosses(side, limit_ticks):
        is_empty = market.book.best_ticks(side.opposite) is None
        return NOTHING_TO_MEET if is_empty else NOTHING_IN_REACH
    budget = target = None
    if command.quote_units is not None and side is BUY:
        budget = budget_notional_units(command.quote_units, instrument.taker_fee_ppm)
    elif command.quote_units is not None:
        target = target_notional_units(command.quote_units, instrument.taker_fee_ppm)
    taker = Taker(
        account_prefix=account_prefix(command.purse),
        side=side,
        limit_ticks=limit_ticks,
        self_trade_prevention=command.self_trade_prevention,
        lots=command.quantity_lots,
        notional_max_units=budget,
        notional_min_units=target,
    )
    return plan_taker(taker, instrument, market.book, state.orders)


def _check_planned(instrument: Instrument, plan: Plan) -> None:
    if plan.filled_lots == 0:
        raise Rejection(
            Reason.NO_LIQUIDITY,
            "the quote amount buys or sells not a single lot here",
            field="quote_quantity",
            given="0 lots",
            allowed="at least one lot at the best price inside the price band",
        )
    if plan.filled_lots > instrument.max_market_quantity_lots:
        instrument.check_quantity(plan.filled_lots, market=True)


def _hold_units(instrument: Instrument, command: PlaceOrder, plan: Plan) -> int:
    if command.side is SELL:
        lots = command.quantity_lots if command.quantity_lots is not None else plan.filled_lots
        return lots * instrument.lot_units
    if command.quote_units is not None:
        return command.quote_units
    assert command.quantity_lots is not None
    if command.price_ticks is None:
        return plan.notional_units + fees.due_units(
            plan.notional_units, instrument.taker_fee_ppm, 0, instrument.maker_fee_ppm
        )
    notional = instrument.notional_units(command.price_ticks, command.quantity_lots)
    return fees.buy_hold_units(
        notional, 0, instrument.taker_fee_ppm, 0, instrument.maker_fee_ppm, 0
    )


def _check_funds(
    state: State, instrument: Instrument, command: PlaceOrder, held_units: int
) -> None:
    asset = instrument.quote if command.side is BUY else instrument.base
    free = state.ledger.available_units(command.purse, asset)
    if free < held_units:
        show = instrument.format_quote if command.side is BUY else instrument.format_base
        raise Rejection(
            Reason.INSUFFICIENT_FUNDS,
            f"not enough free {asset}",
            field="quantity",
            given=f"{show(held_units)} {asset}",
            allowed=f"at most {show(free)} {asset}",
        )


def _rest_or_end(
    accepted: OrderAccepted, stopped: EndReason, executed_lots: int, held_units: int
) -> OrderRested | OrderEnded:
    """What becomes of a taker after its last match."""
    leaves = accepted.quantity_lots - executed_lots
    if leaves and stopped is not EndReason.SELF_TRADE and accepted.time_in_force in RESTING:
        return OrderRested(
            order_id=accepted.order_id,
            purse=accepted.purse,
            symbol=accepted.symbol,
            leaves_lots=leaves,
        )
    by_quote = accepted.quote_units is not None
    if leaves == 0 and (not by_quote or stopped is EndReason.NONE):
        status, reason = OrderStatus.FILLED, EndReason.NONE
    elif accepted.type is MARKET or stopped is EndReason.SELF_TRADE:
        status, reason = OrderStatus.EXPIRED, stopped
    else:
        status, reason = OrderStatus.EXPIRED, EndReason.IOC
    return _end_of(accepted, status, reason, executed_lots, held_units)


def _buy_hold_units(
    instrument: Instrument,
    terms: Order | OrderAccepted,
    leaves_lots: int,
    taker_notional_units: int,
    maker_notional_units: int,
    charged_units: int,
) -> int:
    assert terms.price_ticks is not None
    return fees.buy_hold_units(
        instrument.notional_units(terms.price_ticks, leaves_lots),
        taker_notional_units,
        terms.taker_fee_ppm,
        maker_notional_units,
        terms.maker_fee_ppm,
        charged_units,
    )


def _end_of(
    order: Order | OrderAccepted,
    status: OrderStatus,
    reason: EndReason,
    executed_lots: int,
    released_units: int,
) -> OrderEnded:
    return OrderEnded(
        order_id=order.order_id,
        client_order_id=order.client_order_id,
        purse=order.purse,
        symbol=order.symbol,
        side=order.side,
        status=status,
        reason=reason,
        executed_lots=executed_lots,
        released_units=released_units,
    )


def _forbidden(field: str, what: str) -> Rejection:
    return Rejection(
        Reason.FIELD_FORBIDDEN,
        f"{what} has no {field}",
        field=field,
        given="a value",
        allowed="nothing",
    )


def _required(field: str) -> Rejection:
    return Rejection(
        Reason.FIELD_REQUIRED,
        f"a limit order needs a {field}",
        field=field,
        given="nothing",
        allowed="a value",
    )


def _combination(given: str, allowed: str) -> Rejection:
    return Rejection(
        Reason.COMBINATION, "these terms do not go together", given=given, allowed=allowed
    )
