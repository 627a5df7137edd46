"""Whether terms can be a rule: refused before it exists, so that no rule is armed in vain."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final, assert_never

from xached.automation.indicators import make_of_candles
from xached.automation.schedule import DAY_MINUTES, check_schedule
from xached.automation.terms import (
    PPM,
    Drawdown,
    IndicatorReaches,
    OrderAction,
    PositionGains,
    PriceReaches,
    Rebalance,
    RuleTerms,
    Schedule,
    SellShares,
    StopAll,
    Then,
    TimeWindow,
    When,
)
from xached.domain.candles import Interval
from xached.domain.instrument import Directory
from xached.domain.order import BUY
from xached.domain.rejection import Reason, Rejection

RULES_PER_ACCOUNT_MAX: Final = 50
"""Rules of an account that have not ended."""

ARMED_RULES_MAX: Final = 2_000
"""Of the whole house: all of them are looked at every second."""

WINDOWS_MAX: Final = 10
FIRINGS_MAX: Final = 1_000_000
COOLDOWN_S_MAX: Final = 366 * 86_400
RUNGS_MAX: Final = 10
TARGETS_MAX: Final = 10
GAIN_PPM_MAX: Final = 1_000 * PPM
"""A thousandfold."""

NAME_ALLOWED: Final = "1 to 40 of A-Z a-z 0-9 space . _ -"
_LEVEL = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,10})?", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9._-](?:[A-Za-z0-9 ._-]{0,38}[A-Za-z0-9._-])?", re.ASCII)


def check_name(name: str) -> str:
    """Refuse what is no name of a rule. Raises: Rejection ID_FORMAT."""
    if _NAME.fullmatch(name) is None:
        raise Rejection(
            Reason.ID_FORMAT,
            "the name has a form that is not allowed",
            field="name",
            given=name[:60],
            allowed=NAME_ALLOWED,
        )
    return name


def check_terms(terms: RuleTerms, directory: Directory, now_ns: int) -> None:
    """Refuse terms that contradict each other or the markets.

    Raises: Rejection RULE_TERMS, UNKNOWN_INSTRUMENT, PRICE_RANGE or QUANTITY_RANGE.
    """
    _check_when(terms.when, directory, now_ns)
    _check_then(terms.then, directory)
    _check_ladder(terms)
    if len(terms.windows) > WINDOWS_MAX:
        raise refused_terms(
            "windows", "too many windows", len(terms.windows), f"0 to {WINDOWS_MAX}"
        )
    for window in terms.windows:
        _check_window(window)
    for field, value, most in (
        ("max_firings", terms.max_firings, FIRINGS_MAX),
        ("cooldown_s", terms.cooldown_s, COOLDOWN_S_MAX),
    ):
        if not 0 <= value <= most:
            raise refused_terms(field, "out of range", value, f"0 to {most}")
    if terms.ends_at_ns and terms.ends_at_ns <= now_ns:
        raise refused_terms("ends_at_ns", "this has passed", terms.ends_at_ns, "0, or later")


def refused_terms(field: str, message: str, given: object, allowed: str) -> Rejection:
    """The refusal of terms."""
    return Rejection(
        Reason.RULE_TERMS, message, field=field, given=str(given)[:60], allowed=allowed
    )


def _check_when(when: When, directory: Directory, now_ns: int) -> None:
    match when:
        case Schedule():
            check_schedule(when, now_ns)
        case PriceReaches():
            instrument = directory.instrument(when.symbol)
            if when.price_ticks <= 0:
                raise refused_terms("price", "no price is this", when.price_ticks, "more than 0")
            instrument.check_price(when.price_ticks)
        case PositionGains():
            directory.instrument(when.symbol)
            _check_several("gains_ppm", when.gains_ppm)
            if any(later <= earlier for earlier, later in pairwise(when.gains_ppm)):
                raise refused_terms("gains_ppm", "each gain is larger", when.gains_ppm, "rising")
        case Drawdown():
            directory.asset(when.asset)
            _check_share("fall_ppm", when.fall_ppm)
        case IndicatorReaches():
            _check_indicator(when, directory)
        case _:
            assert_never(when)


def _check_indicator(when: IndicatorReaches, directory: Directory) -> None:
    directory.instrument(when.symbol)
    about = make_of_candles(when.indicator, when.settings).about
    if when.interval is Interval.S1:
        raise refused_terms("interval", "candles are too short", "1s", "1m and longer")
    if when.output not in about.outputs:
        raise refused_terms(
            "output", "it has no such output", when.output, ", ".join(about.outputs)
        )
    if _LEVEL.fullmatch(when.threshold) is None:
        raise refused_terms("threshold", "this is no number", when.threshold, "a decimal number")


def _check_then(then: Then, directory: Directory) -> None:
    match then:
        case OrderAction():
            _check_order(then, directory)
        case SellShares():
            _check_several("shares_ppm", then.shares_ppm)
            _check_share("shares_ppm", sum(then.shares_ppm))
        case Rebalance():
            _check_weights(then, directory)
        case StopAll():
            pass
        case _:
            assert_never(then)


def _check_ladder(terms: RuleTerms) -> None:
    """Gains and shares belong together, one share for each gain."""
    gains = len(terms.when.gains_ppm) if isinstance(terms.when, PositionGains) else 0
    shares = len(terms.then.shares_ppm) if isinstance(terms.then, SellShares) else 0
    if gains != shares:
        raise refused_terms("shares_ppm", "one share for each gain", shares, f"{gains} shares")


def _check_several(field: str, values: tuple[int, ...]) -> None:
    if not 1 <= len(values) <= RUNGS_MAX or any(not 0 < value <= GAIN_PPM_MAX for value in values):
        raise refused_terms(field, "out of range", values, f"1 to {RUNGS_MAX} of more than 0")


def _check_share(field: str, value: int) -> None:
    if not 0 < value <= PPM:
        raise refused_terms(field, "no share is this", value, f"1 to {PPM}")


def _check_weights(then: Rebalance, directory: Directory) -> None:
    instruments = [directory.instrument(target.symbol) for target in then.targets]
    if not 1 <= len(instruments) <= TARGETS_MAX:
        raise refused_terms("targets", "out of range", len(instruments), f"1 to {TARGETS_MAX}")
    if len({each.quote for each in instruments}) != 1:
        raise refused_terms("targets", "all have one quote asset", "several", "one")
    if len({each.base for each in instruments}) != len(instruments):
        raise refused_terms("targets", "a market is named twice", "", "each once")
    for target in then.targets:
        _check_share("weight_ppm", target.weight_ppm)
    _check_share("weight_ppm", sum(target.weight_ppm for target in then.targets))
    if not 0 <= then.drift_ppm < PPM:
        raise refused_terms("drift_ppm", "no share is this", then.drift_ppm, f"0 to {PPM - 1}")


def _check_order(action: OrderAction, directory: Directory) -> None:
    instrument = directory.instrument(action.symbol)
    amounts = (action.quote_units, action.quantity_lots, action.share_ppm)
    given = [amount for amount in amounts if amount is not None]
    if len(given) != 1:
        raise refused_terms(
            "amount", "an order has one amount", len(given), "quote_quantity, quantity or share"
        )
    if given[0] <= 0:
        raise refused_terms("amount", "an order is for something", given[0], "more than nothing")
    if action.share_ppm is not None and action.share_ppm > PPM:
        raise refused_terms("share_ppm", "no share is larger", action.share_ppm, f"1 to {PPM}")
    if action.quantity_lots is not None:
        instrument.check_quantity(action.quantity_lots, market=action.price_ticks is None)
    if action.price_ticks is None:
        return
    instrument.check_price(action.price_ticks)
    if action.quote_units is not None or (action.side is BUY and action.share_ppm is not None):
        raise refused_terms("price", "an order with a price has a quantity", "", "quantity")


def _check_window(window: TimeWindow) -> None:
    if not window.days or any(not 0 <= day <= 6 for day in window.days):
        raise refused_terms("days", "a window has days", window.days, "0, Monday, to 6")
    if list(window.days) != sorted({*window.days}):
        raise refused_terms("days", "each day once, in order", window.days, "such as 0, 1, 4")
    for minute in (window.from_minute, window.to_minute):
        if not 0 <= minute < DAY_MINUTES:
            raise refused_terms("windows", "a day has no such minute", minute, "0 to 1439")
