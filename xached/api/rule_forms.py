"""Rules between the wire and the house: exact text in, exact text out."""

from __future__ import annotations

from typing import Final, assert_never

from xache.v1 import automation_pb2, market_pb2, types_pb2

from xached.api.enums import pick
from xached.api.market import interval_of
from xached.automation.checking import refused_terms
from xached.automation.indicators import make_of_candles
from xached.automation.rehearsal import RehearsedFiring
from xached.automation.rule import Firing, Rule, RuleState, Step, StepCommand, command_id
from xached.automation.schedule import next_due_ns
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
from xached.domain.instrument import Directory, Instrument
from xached.domain.market import Venue
from xached.domain.messages import CancelAll, PlaceOrder
from xached.domain.money import parse_decimal
from xached.domain.order import BUY, Side, subaccount_of
from xached.domain.protection_messages import Flatten

_SIDES: Final = {side.value: side for side in Side}
_DIRECTIONS: Final = {each.value: each for each in Direction}
_INTERVALS: Final = {
    interval_of(number): name for name, number in market_pb2.Interval.items() if number
}
_MISSED: Final = {each.value: each for each in Missed}


def read_terms(message: automation_pb2.RuleTerms, directory: Directory) -> RuleTerms:
    """Read what a rule says. Raises: Rejection."""
    return RuleTerms(
        when=_read_when(message, directory),
        then=_read_then(message, directory),
        windows=tuple(
            TimeWindow(
                days=tuple(each.days), from_minute=each.from_minute, to_minute=each.to_minute
            )
            for each in message.windows
        ),
        max_firings=message.max_firings,
        cooldown_s=message.cooldown_s,
        ends_at_ns=message.ends_at_ns,
    )


def rule_message(rule: Rule, directory: Directory) -> automation_pb2.Rule:
    """A rule and how it stands."""
    return automation_pb2.Rule(
        rule_id=rule.rule_id,
        name=rule.name,
        subaccount=subaccount_of(rule.purse),
        terms=_terms_message(rule.terms, directory),
        state=automation_pb2.RuleState.Name(rule.state.value),
        cause=rule.cause,
        created_at_ns=rule.created_at_ns,
        armed_at_ns=rule.armed_at_ns,
        fired=rule.memory.fired,
        fired_at_ns=rule.memory.fired_at_ns,
        next_due_ns=_next_due(rule),
    )


def firing_message(firing: Firing, directory: Directory) -> automation_pb2.Firing:
    """One firing, with what was sent and answered."""
    return automation_pb2.Firing(
        number=firing.number,
        state=automation_pb2.FiringState.Name(firing.state.value),
        due_at_ns=firing.due_at_ns,
        decided_at_ns=firing.decided_at_ns,
        explanation=firing.explanation,
        facts=[automation_pb2.Fact(name=fact.name, value=fact.value) for fact in firing.facts],
        steps=[_step_message(step, directory) for step in firing.steps],
    )


def rehearsed_message(
    firing: RehearsedFiring, directory: Directory
) -> automation_pb2.RehearsedFiring:
    """One firing that would have been."""
    return automation_pb2.RehearsedFiring(
        at_ns=firing.at_ns,
        explanation=firing.explanation,
        facts=[automation_pb2.Fact(name=fact.name, value=fact.value) for fact in firing.facts],
        steps=[
            automation_pb2.RehearsedStep(sent=sent_sentence(command, directory), answer=answer)
            for command, answer in firing.sent
        ],
    )


def sent_sentence(command: StepCommand, directory: Directory) -> str:
    """What was sent, as a sentence."""
    match command:
        case PlaceOrder():
            return _order_sentence(command, directory)
        case CancelAll():
            return "cancel all open orders"
        case Flatten():
            return f"cancel all open orders and sell {command.symbol or 'every position'}"
        case _:
            assert_never(command)


def _read_when(message: automation_pb2.RuleTerms, directory: Directory) -> When:
    match message.WhichOneof("when"):
        case "schedule":
            given = message.schedule
            missed = pick(_MISSED, given.missed, "missed") if given.missed else Missed.SKIP
            return Schedule(cron=given.cron, every_s=given.every_s, missed=missed)
        case "price":
            instrument = directory.instrument(message.price.symbol)
            return PriceReaches(
                symbol=instrument.symbol,
                direction=pick(_DIRECTIONS, message.price.direction, "direction"),
                price_ticks=instrument.parse_price(message.price.price),
            )
        case "gains":
            symbol = directory.instrument(message.gains.symbol).symbol
            return PositionGains(symbol=symbol, gains_ppm=tuple(message.gains.gains_ppm))
        case "drawdown":
            asset = directory.asset(message.drawdown.asset).name
            return Drawdown(asset=asset, fall_ppm=message.drawdown.fall_ppm)
        case "indicator":
            return _read_indicator(message.indicator, directory)
        case _:
            allowed = "schedule, price, gains, drawdown or indicator"
            raise refused_terms("terms", "a rule says when it fires", "nothing", allowed)


def _read_indicator(
    given: automation_pb2.IndicatorReaches, directory: Directory
) -> IndicatorReaches:
    about = make_of_candles(given.indicator, given.settings).about
    return IndicatorReaches(
        symbol=directory.instrument(given.symbol).symbol,
        venue=Venue(given.venue),
        interval=interval_of(given.interval),
        indicator=given.indicator,
        settings=tuple(given.settings),
        output=given.output or about.outputs[0],
        direction=pick(_DIRECTIONS, given.direction, "direction"),
        threshold=given.threshold,
    )


def _read_then(message: automation_pb2.RuleTerms, directory: Directory) -> Then:
    match message.WhichOneof("then"):
        case "order":
            return _read_order(message.order, directory)
        case "sell_shares":
            return SellShares(shares_ppm=tuple(message.sell_shares.shares_ppm))
        case "rebalance":
            return Rebalance(
                targets=tuple(
                    Target(
                        symbol=directory.instrument(each.symbol).symbol,
                        weight_ppm=each.weight_ppm,
                    )
                    for each in message.rebalance.targets
                ),
                drift_ppm=message.rebalance.drift_ppm,
            )
        case "stop_all":
            return StopAll(sell=message.stop_all.sell)
        case _:
            allowed = "order, sell_shares, rebalance or stop_all"
            raise refused_terms("terms", "a rule says what it does", "nothing", allowed)


def _read_order(given: automation_pb2.OrderAction, directory: Directory) -> OrderAction:
    instrument = directory.instrument(given.symbol)
    quote = given.quote_quantity
    return OrderAction(
        symbol=instrument.symbol,
        side=pick(_SIDES, given.side, "side"),
        quote_units=(
            parse_decimal(quote, instrument.quote_scale, "quote_quantity") if quote else None
        ),
        quantity_lots=instrument.parse_quantity(given.quantity) if given.quantity else None,
        share_ppm=given.share_ppm or None,
        price_ticks=instrument.parse_price(given.price) if given.price else None,
    )


def _terms_message(terms: RuleTerms, directory: Directory) -> automation_pb2.RuleTerms:
    message = automation_pb2.RuleTerms(
        windows=[
            automation_pb2.TimeWindow(
                days=each.days, from_minute=each.from_minute, to_minute=each.to_minute
            )
            for each in terms.windows
        ],
        max_firings=terms.max_firings,
        cooldown_s=terms.cooldown_s,
        ends_at_ns=terms.ends_at_ns,
    )
    _write_when(terms.when, directory, message)
    _write_then(terms.then, directory, message)
    return message


def _write_when(when: When, directory: Directory, message: automation_pb2.RuleTerms) -> None:
    match when:
        case Schedule():
            schedule = automation_pb2.Schedule(
                cron=when.cron,
                every_s=when.every_s,
                missed=automation_pb2.MissedTimes.Name(when.missed.value),
            )
            message.schedule.CopyFrom(schedule)
        case PriceReaches():
            price = automation_pb2.PriceReaches(
                symbol=when.symbol,
                direction=automation_pb2.Direction.Name(when.direction.value),
                price=directory.known(when.symbol).format_price(when.price_ticks),
            )
            message.price.CopyFrom(price)
        case PositionGains():
            gains = automation_pb2.PositionGains(symbol=when.symbol, gains_ppm=when.gains_ppm)
            message.gains.CopyFrom(gains)
        case Drawdown():
            drawdown = automation_pb2.Drawdown(asset=when.asset, fall_ppm=when.fall_ppm)
            message.drawdown.CopyFrom(drawdown)
        case IndicatorReaches():
            indicator = automation_pb2.IndicatorReaches(
                symbol=when.symbol,
                venue=when.venue,
                interval=_INTERVALS[when.interval],
                indicator=when.indicator,
                settings=when.settings,
                output=when.output,
                direction=automation_pb2.Direction.Name(when.direction.value),
                threshold=when.threshold,
            )
            message.indicator.CopyFrom(indicator)
        case _:
            assert_never(when)


def _write_then(then: Then, directory: Directory, message: automation_pb2.RuleTerms) -> None:
    match then:
        case OrderAction():
            message.order.CopyFrom(_order_message(then, directory.known(then.symbol)))
        case SellShares():
            message.sell_shares.shares_ppm.extend(then.shares_ppm)
        case Rebalance():
            message.rebalance.drift_ppm = then.drift_ppm
            for each in then.targets:
                message.rebalance.targets.add(symbol=each.symbol, weight_ppm=each.weight_ppm)
        case StopAll():
            message.stop_all.CopyFrom(automation_pb2.StopAll(sell=then.sell))
        case _:
            assert_never(then)


def _order_message(then: OrderAction, instrument: Instrument) -> automation_pb2.OrderAction:
    quote_units, lots, ticks = then.quote_units, then.quantity_lots, then.price_ticks
    return automation_pb2.OrderAction(
        symbol=then.symbol,
        side=types_pb2.Side.Name(then.side.value),
        quote_quantity="" if quote_units is None else instrument.format_quote(quote_units),
        quantity="" if lots is None else instrument.format_quantity(lots),
        share_ppm=then.share_ppm or 0,
        price="" if ticks is None else instrument.format_price(ticks),
    )


def _next_due(rule: Rule) -> int:
    when = rule.terms.when
    if rule.state is not RuleState.ARMED or not isinstance(when, Schedule):
        return 0
    return next_due_ns(when, rule.memory.cursor_ns) or 0


def _step_message(step: Step, directory: Directory) -> automation_pb2.FiringStep:
    return automation_pb2.FiringStep(
        id=command_id(step.command),
        sent=sent_sentence(step.command, directory),
        state=automation_pb2.StepState.Name(step.state.value),
        order_id="" if step.order_id is None else str(step.order_id),
        seq=step.seq,
        reason=step.reason,
        answer=step.answer,
        answered_at_ns=step.answered_at_ns,
    )


def _order_sentence(command: PlaceOrder, directory: Directory) -> str:
    instrument = directory.known(command.symbol)
    word = "buy" if command.side is BUY else "sell"
    if command.quantity_lots is not None:
        amount = f"{instrument.format_quantity(command.quantity_lots)} {instrument.base}"
    else:
        assert command.quote_units is not None
        amount = f"{instrument.base} for {instrument.format_quote(command.quote_units)}"
        amount += f" {instrument.quote}"
    if command.price_ticks is None:
        return f"{word} {amount} at market"
    return f"{word} {amount} at {instrument.format_price(command.price_ticks)} {instrument.quote}"
