"""The exchange: one transaction over book, ledger, positions and risk.

Theory of operation. ``decide`` reads and returns the events of one step or raises a Rejection;
``apply`` writes, and nothing else does. After a step the caller drains ``next_due`` in the same
way until it is empty. So replaying the events gives the same exchange, whatever the rules are by
then. Time is an argument and only moves forward.

A PlaceOrder is refused in this order, the first that fails is the answer: combination of fields,
purse, instrument, an id that an open order has, house halt, freeze, disclosures, market state,
price range, quantity range, notional range, price band, open orders of the instrument, algo and
iceberg orders, position, trailing distance, limits of the purse (size, then open orders), limit of
the account's level, risk state, then bounds, of the scopes it belongs to, for a quote amount what
it would trade (nothing, or too much, or more than the purse may own), funds.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator
from typing import TypeAlias, assert_never

from xached.domain.amending import decide_amend, find_open_order, replaced, replacement_of
from xached.domain.cancelling import apply_dead_man, decide_cancel_all, decide_dead_man, ended, fire
from xached.domain.closing import apply_close, check_not_closed, decide_close
from xached.domain.compliance_messages import (
    AcceptDisclosure,
    AccountClosed,
    AccountLevelSet,
    CloseAccount,
    ComplianceCommand,
    ComplianceEvent,
    DisclosureAccepted,
    DisclosurePublished,
    DisclosureRetired,
    FundsForfeited,
    LevelLimitsSet,
    PublishDisclosure,
    RetireDisclosure,
    SetAccountLevel,
    SetLevelLimits,
)
from xached.domain.disclosures import apply_disclosure, check_disclosures, decide_disclosure
from xached.domain.disconnect_messages import (
    ArmDisconnect,
    Disconnect,
    DisconnectArmed,
    Disconnected,
    DisconnectEvent,
)
from xached.domain.disconnecting import apply_stream, decide_stream
from xached.domain.flattening import apply_flatten, decide_flatten, sell_position
from xached.domain.following import before_start, follow
from xached.domain.holds import needed_hold_units, sibling_of
from xached.domain.house_rules import apply_rule, decide_deposit, decide_mark, decide_rule
from xached.domain.instrument import (
    Symbol,
)
from xached.domain.levels import apply_levels, decide_levels, note_deposit
from xached.domain.list_messages import FollowList, ListFollowed, ListStep, PlaceList
from xached.domain.list_state import apply_followed, apply_list_step
from xached.domain.listing import orders_to_end
from xached.domain.lists import check_id_is_new, orders_of, place_list
from xached.domain.market_messages import (
    AssetDelisted,
    EndDelisted,
    FeeTiersSet,
    InstrumentChanged,
    InstrumentDelisted,
    MoveMarketOn,
    OpenSubaccount,
    TransferFunds,
    Transferred,
)
from xached.domain.market_states import (
    MATCHING,
    decide_market_state,
    decide_move,
    note_reference,
)
from xached.domain.messages import (
    AdvanceClock,
    AmendOrder,
    AssetListed,
    CancelAll,
    CancelOrder,
    ClockAdvanced,
    Command,
    Deposit,
    Deposited,
    Event,
    ExpireOrder,
    HaltSet,
    InstrumentListed,
    MarketStateSet,
    MarkRisk,
    MarkSet,
    MatchPrevented,
    OrderAccepted,
    OrderEnded,
    OrderReduced,
    OrderRested,
    PlaceOrder,
    PurseFrozen,
    PurseOpened,
    ReplaceOrder,
    RiskBoundsSet,
    RiskLimitsSet,
    RiskMarked,
    RiskStateSet,
    SetMark,
    SetMarketState,
    SetRiskBounds,
    SetRiskState,
    SliceShown,
    Traded,
)
from xached.domain.order import (
    AccountId,
    EndReason,
    Order,
    OrderId,
    OrderStatus,
    Purse,
    Side,
)
from xached.domain.order_state import (
    apply_accepted,
    apply_ended,
    apply_prevented,
    apply_reduced,
    apply_rested,
    apply_slice,
    apply_traded,
)
from xached.domain.placing import place
from xached.domain.protection_messages import (
    CancelAllAfter,
    DeadManFired,
    DeadManSet,
    FireDeadMan,
    Flatten,
    FlattenStarted,
    PositionSold,
    SelfTransferred,
    SellPosition,
    SetTradeGroup,
    TradeGroupSet,
    TrimReduceOnly,
)
from xached.domain.reducing import trim
from xached.domain.reducing_state import excess_lots
from xached.domain.rejection import Reason, Rejection
from xached.domain.risk_bounds import RiskState, risk_state
from xached.domain.risk_rules import apply_risk, decide_risk
from xached.domain.self_transfers import apply_self_transferred
from xached.domain.snapshot import Dump, dump, load
from xached.domain.state import PurseState, State
from xached.domain.terms import check_combination
from xached.domain.trade_groups import apply_trade_group, decide_trade_group
from xached.domain.transfers import apply_transferred, decide_own_purses
from xached.domain.triggering import look, start
from xached.domain.waiting_messages import (
    LookAtPrices,
    OrderParked,
    OrderStarted,
    OrderTriggered,
    PricesSeen,
    StartTriggered,
    StopMoved,
)
from xached.domain.waiting_state import (
    apply_moved,
    apply_parked,
    apply_seen,
    apply_started,
    apply_triggered,
    is_trading,
    note_all,
    note_mark,
)

Step: TypeAlias = (
    ExpireOrder
    | FireDeadMan
    | TrimReduceOnly
    | SellPosition
    | EndDelisted
    | MoveMarketOn
    | LookAtPrices
    | FollowList
    | StartTriggered
)
"""What the exchange asks itself to do."""

RareEvent: TypeAlias = (
    AssetListed
    | AssetDelisted
    | InstrumentListed
    | InstrumentChanged
    | InstrumentDelisted
    | FeeTiersSet
    | MarketStateSet
    | MarkSet
    | PurseOpened
    | PurseFrozen
    | RiskLimitsSet
    | HaltSet
    | RiskStateSet
    | RiskBoundsSet
    | RiskMarked
    | Deposited
    | Transferred
    | DeadManSet
    | DeadManFired
    | DisconnectEvent
    | FlattenStarted
    | PositionSold
    | TradeGroupSet
    | SelfTransferred
    | ComplianceEvent
    | ClockAdvanced
)
"""What does not happen with every order."""

STARTS_MAX = 256
"""Triggered orders that one row starts; the rest go on in a row of their own."""


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
            return (ended(self._open_order(command), command.reason),)
        match command:
            case AmendOrder() | ReplaceOrder() | PlaceList():
                return self._decide_orders(command, seq, at_ns)
            case CancelAll() | CancelAllAfter() | Flatten() | SetTradeGroup():
                return self._decide_protection(command, at_ns)
            case ArmDisconnect() | Disconnect():
                return decide_stream(self.state, command, seq)
            case ExpireOrder() | FireDeadMan() | TrimReduceOnly() | SellPosition():
                return self._decide_step(command, seq, at_ns)
            case EndDelisted() | LookAtPrices() | FollowList() | StartTriggered() | MoveMarketOn():
                return self._decide_step(command, seq, at_ns)
            case SetMarketState():
                return decide_market_state(self.state, command, seq, at_ns)
            case OpenSubaccount() | TransferFunds():
                return decide_own_purses(self.state, command)
            case AdvanceClock():
                return (ClockAdvanced(),) if self.has_due(at_ns) else ()
            case SetMark():
                return decide_mark(self.state, command, at_ns)
            case Deposit():
                return decide_deposit(self.state, command, at_ns)
            case SetRiskState() | SetRiskBounds() | MarkRisk():
                return decide_risk(self.state, command)
            case _:
                if isinstance(command, ComplianceCommand):
                    return self._decide_compliance(command)
                return decide_rule(self.state, command)

    def _decide_compliance(self, command: ComplianceCommand) -> tuple[Event, ...]:
        match command:
            case SetLevelLimits() | SetAccountLevel():
                return decide_levels(self.state, command)
            case PublishDisclosure() | RetireDisclosure() | AcceptDisclosure():
                return decide_disclosure(self.state, command)
            case CloseAccount():
                return decide_close(self.state, command)
            case _:
                assert_never(command)

    def _decide_protection(
        self, command: CancelAll | CancelAllAfter | Flatten | SetTradeGroup, at_ns: int
    ) -> tuple[Event, ...]:
        match command:
            case CancelAll():
                return decide_cancel_all(self.state, command)
            case CancelAllAfter():
                return decide_dead_man(self.state, command, at_ns)
            case Flatten():
                return decide_flatten(self.state, command)
            case SetTradeGroup():
                return decide_trade_group(self.state, command)
            case _:
                assert_never(command)

    def _decide_orders(
        self, command: AmendOrder | ReplaceOrder | PlaceList, seq: int, at_ns: int
    ) -> tuple[Event, ...]:
        match command:
            case AmendOrder():
                return self._decide_amend(command)
            case ReplaceOrder():
                return self._decide_replace(command, seq, at_ns)
            case PlaceList():
                return self._decide_place_list(command, seq, at_ns)

    def _decide_step(self, step: Step, seq: int, at_ns: int) -> tuple[Event, ...]:
        state = self.state
        match step:
            case ExpireOrder():
                return (ended(state.orders[step.order_id], EndReason.TIME),)
            case FireDeadMan():
                return fire(state, step.purse)
            case TrimReduceOnly():
                return trim(state, step.purse, step.symbol)
            case SellPosition():
                return sell_position(state, step.purse, step.symbol, seq, state.now_ns)
            case EndDelisted():
                orders = orders_to_end(state, step.symbol)
                return tuple(ended(order, EndReason.INSTRUMENT) for order in orders)
            case MoveMarketOn():
                return decide_move(state, step.symbol, seq)
            case LookAtPrices():
                return look(state, state.markets[step.symbol])
            case FollowList():
                return follow(state, step.list_id, seq, at_ns)
            case StartTriggered():
                order = state.orders[step.order_id]
                before = before_start(state, order) if order.leg is not None else ()
                return before or start(state, order, seq)
            case _:
                assert_never(step)

    def next_due(self) -> Step | None:
        """The next internal step that is due at the time of the last applied event.

        Prices are looked at and lists follow at once, so that nobody else uses what a child is to
        hold; reduce-only orders shrink with their position, and a Flatten comes to its end. What
        time ends comes before the triggered orders start, an expiry before a dead-man's switch,
        and a row starts so many of them at most.
        """
        state = self.state
        if state.delisting or state.unseen or state.unfollowed or state.over_reducing:
            return self._next_following()
        if state.flattening:
            name, symbol = state.flattening[0]
            return SellPosition(purse=name, symbol=symbol)
        if state.movable and not state.halted:
            return MoveMarketOn(symbol=next(iter(state.movable)))
        deadline_ns = self._earliest_ns()
        if deadline_ns is not None and deadline_ns <= state.now_ns:
            if state.expiries and state.expiries[0][0] == deadline_ns:
                return ExpireOrder(order_id=state.expiries[0][1])
            if state.dead_men and state.dead_men[0][0] == deadline_ns:
                return FireDeadMan(purse=state.dead_men[0][1])
            return MoveMarketOn(symbol=state.phase_ends[0][1])
        if state.triggered and not self._has_started_enough():
            order_id = self._next_triggered()
            return StartTriggered(order_id=order_id) if order_id is not None else None
        return None

    def _next_following(self) -> Step | None:
        """What follows at once from an event; None when nothing does."""
        state = self.state
        for symbol in state.delisting:
            return EndDelisted(symbol=symbol)
        for symbol in state.unseen:
            return LookAtPrices(symbol=symbol)
        for list_id in state.unfollowed:
            return FollowList(list_id=list_id)
        for name, symbol in state.over_reducing:
            return TrimReduceOnly(purse=name, symbol=symbol)
        return None

    def has_due(self, at_ns: int) -> bool:
        """Whether anything is due at a time."""
        deadline_ns = self.next_deadline_ns()
        return deadline_ns is not None and deadline_ns <= at_ns

    def next_deadline_ns(self) -> int | None:
        """When something becomes due without a command: what a row left undone, or an expiry."""
        state = self.state
        if state.delisting or state.unseen or state.unfollowed:
            return state.now_ns
        if state.over_reducing or state.flattening or (state.movable and not state.halted):
            return state.now_ns
        if state.triggered and self._next_triggered() is not None:
            return state.now_ns
        return self._earliest_ns()

    def _earliest_ns(self) -> int | None:
        """When the first order expires, dead-man's switch fires or market moves on."""
        state = self.state
        earliest_ns = state.expiries[0][0] if state.expiries else None
        if state.dead_men and (earliest_ns is None or state.dead_men[0][0] < earliest_ns):
            earliest_ns = state.dead_men[0][0]
        if state.phase_ends and not state.halted:
            ends_at_ns = state.phase_ends[0][0]
            if earliest_ns is None or ends_at_ns < earliest_ns:
                earliest_ns = ends_at_ns
        return earliest_ns

    def _next_triggered(self) -> OrderId | None:
        """The first of the queue that may start: in a market that trades, and not halted."""
        state = self.state
        for order_id in state.triggered:
            order = state.orders[order_id]
            if not is_trading(state, state.markets[order.symbol]):
                continue
            if risk_state(state, order.purse, order.symbol) is not RiskState.HALTED:
                return order_id
        return None

    def _has_started_enough(self) -> bool:
        state = self.state
        return state.started_at_ns == state.now_ns and state.started_count >= STARTS_MAX

    def _decide_place(
        self, command: PlaceOrder, seq: int, at_ns: int, replaced_order: Order | None = None
    ) -> tuple[Event, ...]:
        check_combination(command, at_ns)
        purse = self.state.purse(command.purse)
        market = self.state.market(command.symbol)
        check_id_is_new(purse, command.client_order_id)
        self._check_may_trade(purse)
        if self.state.disclosures:
            check_disclosures(self.state, purse)
        return place(self.state, market, purse, command, seq, at_ns, replaced_order)

    def _decide_place_list(self, command: PlaceList, seq: int, at_ns: int) -> tuple[Event, ...]:
        orders = orders_of(command, at_ns)
        purse = self.state.purse(command.purse)
        market = self.state.market(command.symbol)
        for order in orders:
            check_id_is_new(purse, order.client_order_id)
        self._check_may_trade(purse)
        check_disclosures(self.state, purse)
        return place_list(self.state, market, purse, command, orders, seq, at_ns)

    def _decide_amend(self, command: AmendOrder) -> tuple[Event, ...]:
        self._check_may_trade(self.state.purse(command.purse))
        return decide_amend(self.state, command)

    def _decide_replace(self, command: ReplaceOrder, seq: int, at_ns: int) -> tuple[Event, ...]:
        purse = self.state.purse(command.purse)
        order, replacement = replacement_of(self.state, purse, command)
        return replaced(order), *self._decide_place(replacement, seq, at_ns, order)

    def _check_may_trade(self, purse: PurseState) -> None:
        if self.state.halted:
            raise Rejection(
                Reason.HALTED, "the house is halted", given="order", allowed="cancels only"
            )
        check_not_closed(purse)
        if purse.frozen:
            raise Rejection(
                Reason.PURSE_FROZEN, "the purse is frozen", given="order", allowed="cancels only"
            )

    def _open_order(self, command: CancelOrder) -> Order:
        purse = self.state.purse(command.purse)
        return find_open_order(self.state, purse, command.order_id, command.client_order_id)

    # --- applying: the only writer ----------------------------------------------------------

    def apply(self, event: Event, seq: int, at_ns: int) -> None:
        """Write one event of row ``seq``. Total: what was decided always fits."""
        self.state.now_ns = at_ns
        # The four of every order first and by isinstance: a class pattern that does not match
        # costs six times as much in Python 3.11.
        if isinstance(event, OrderEnded):
            apply_ended(self.state, event, seq, at_ns)
        elif isinstance(event, OrderAccepted):
            apply_accepted(self.state, event, seq, at_ns)
        elif isinstance(event, Traded):
            apply_traded(self.state, event, seq, at_ns)
        elif isinstance(event, OrderRested):
            apply_rested(self.state, event, seq, at_ns)
        elif isinstance(event, OrderReduced):
            apply_reduced(self.state, event, seq, at_ns)
        elif isinstance(event, SliceShown):
            apply_slice(self.state, event)
        elif isinstance(event, MatchPrevented):
            apply_prevented(self.state, event, seq, at_ns)
        elif isinstance(event, OrderParked):
            apply_parked(self.state, event, seq, at_ns)
        elif isinstance(event, StopMoved):
            apply_moved(self.state, event, seq, at_ns)
        elif isinstance(event, OrderTriggered):
            apply_triggered(self.state, event, seq, at_ns)
        elif isinstance(event, PricesSeen):
            apply_seen(self.state, event)
        elif isinstance(event, OrderStarted):
            apply_started(self.state, event, seq, at_ns)
        elif isinstance(event, ListStep):
            apply_list_step(self.state, event, seq, at_ns)
        elif isinstance(event, ListFollowed):
            apply_followed(self.state, event)
        else:
            self._apply_rare(event, seq)

    def _apply_rare(self, event: RareEvent, seq: int) -> None:
        state = self.state
        waiting = [
            market
            for market in state.markets.values()
            if market.triggers is not None and not is_trading(state, market)
        ]
        match event:
            case MarkSet():
                market = state.markets[event.symbol]
                reference = event.reference_ticks
                market.set_mark(
                    event.price_ticks,
                    reference if reference is not None else event.price_ticks,
                    state.now_ns,
                )
                note_mark(state, market)
                note_reference(state, market)
            case Deposited():
                self.state.ledger.deposit(event.purse, event.asset, event.amount_units)
                note_deposit(self.state, event)
            case RiskStateSet() | RiskBoundsSet() | RiskMarked():
                apply_risk(self.state, event)
            case Transferred():
                apply_transferred(self.state, event)
            case DeadManSet() | DeadManFired():
                apply_dead_man(self.state, event)
            case DisconnectArmed() | Disconnected():
                apply_stream(self.state, event)
            case FlattenStarted() | PositionSold():
                apply_flatten(self.state, event, seq)
            case TradeGroupSet():
                apply_trade_group(self.state, event)
            case SelfTransferred():
                apply_self_transferred(self.state, event, seq)
            case LevelLimitsSet() | AccountLevelSet():
                apply_levels(state, event)
            case DisclosurePublished() | DisclosureRetired() | DisclosureAccepted():
                apply_disclosure(state, event)
            case FundsForfeited() | AccountClosed():
                apply_close(state, event)
            case ClockAdvanced():
                pass
            case _:
                apply_rule(self.state, event)
        for market in waiting:
            note_all(state, market)

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
        account = self.state.accounts.get(account_id)
        names = account.purses if account is not None else []
        return ((name, self.state.purses[name]) for name in names)

    def snapshot(self) -> Dump:
        """The whole state as nested builtins; equal states give equal snapshots."""
        return dump(self.state)

    @classmethod
    def restore(cls, snapshot: Dump) -> Exchange:
        """The exchange that gave ``snapshot``."""
        return cls(load(snapshot))

    def _is_idle(self, order: Order) -> bool:
        """Whether an order of a list waits for another one: neither in a book nor for a price."""
        if order.status is OrderStatus.PENDING_NEW:
            return True
        if order.leg is None or order.status >= OrderStatus.FILLED:
            return False
        sibling = sibling_of(self.state, order)
        gives_way = sibling is not None and sibling.status is OrderStatus.TRIGGERED
        in_book = order.order_id in self.state.markets[order.symbol].book
        return not order.leaves_lots or (gives_way and not in_book)

    def check(self) -> None:
        """Assert every invariant: ledger, books, holds, indexes. Linear in the state."""
        self.state.ledger.check()
        resting = len(self.state.triggered)
        icebergs = Counter(
            order.symbol for order in self.state.orders.values() if order.display_lots is not None
        )
        for market in self.state.markets.values():
            market.book.check(may_cross=market.state not in MATCHING)
            assert market.icebergs == icebergs[market.instrument.symbol]
            assert market.order_count == sum(
                order.symbol == market.instrument.symbol for order in self.state.orders.values()
            )
            if market.triggers is not None:
                market.triggers.check()
                resting += len(market.triggers)
            for side in Side:
                for order_id, price_ticks, lots in market.book.queue(side):
                    order = self.state.orders[order_id]
                    assert order.price_ticks == price_ticks
                    assert order.side is side
                    if order.display_lots is None:
                        assert order.leaves_lots == lots > 0
                    else:
                        assert 0 < lots <= min(order.display_lots, order.leaves_lots)
                    resting += 1
        idle = sum(self._is_idle(order) for order in self.state.orders.values())
        assert resting + idle == len(self.state.orders)
        legs = [order for order in self.state.orders.values() if order.leg is not None]
        assert all(
            order.leg is not None and order.leg.list_id in self.state.lists for order in legs
        )
        purses = self.state.purses.values()
        assert self.state.dead_men == sorted(
            (purse.dead_man.fires_at_ns, name)
            for name, purse in self.state.purses.items()
            if purse.dead_man is not None
        )
        listed = {order_id for purse in purses for order_id in purse.open_orders}
        assert listed == set(self.state.orders)
        for order in self.state.orders.values():
            hold = self.state.ledger.hold_of(order.order_id)
            instrument = self.state.markets[order.symbol].instrument
            assert hold.units == order.held_units, order
            # Who holds how much for a list is for the list to say.
            assert order.leg or order.held_units == needed_hold_units(instrument, order), order
        for name, purse in self.state.purses.items():
            assert {
                order_id
                for order_id in purse.open_orders
                if self.state.orders[order_id].reduce_only
            } == {order_id for reducing in purse.reducing.values() for order_id in reducing}
            for symbol in purse.reducing:
                over = excess_lots(self.state, purse, symbol) > 0
                assert over == ((name, symbol) in self.state.over_reducing)
        for purse in purses:
            assert set(purse.by_client_id.values()) == set(purse.open_orders)
            counted = {symbol: count for symbol, count in purse.open_counts.items() if count}
            assert counted == Counter(purse.open_orders.values())
        assert self.state.expiries == sorted(
            (order.expires_at_ns, order.order_id)
            for order in self.state.orders.values()
            if order.expires_at_ns is not None
        )
