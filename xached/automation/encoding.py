"""Rules as text that is kept: JSON with a word for the kind. It only grows."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from xached.automation.rule import Fact, Memory
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
from xached.domain.candles import Interval
from xached.domain.order import Side

_WHENS: Mapping[str, type[When]] = {
    "schedule": Schedule,
    "price": PriceReaches,
    "gains": PositionGains,
    "drawdown": Drawdown,
    "indicator": IndicatorReaches,
}
_THENS: Mapping[str, type[Then]] = {
    "order": OrderAction,
    "shares": SellShares,
    "rebalance": Rebalance,
    "stop": StopAll,
}
_WORDS = {cls: word for table in (_WHENS, _THENS) for word, cls in table.items()}
_READ: Mapping[str, Callable[[Any], Any]] = {
    "missed": Missed,
    "side": Side,
    "direction": Direction,
    "interval": Interval,
    "settings": tuple,
    "gains_ppm": tuple,
    "shares_ppm": tuple,
    "targets": lambda targets: tuple(Target(**each) for each in targets),
}
"""What a field is made of, where JSON knows no such thing."""


def write_terms(terms: RuleTerms) -> str:
    """All that a rule says, always the same text for the same terms."""
    plain = attrs.asdict(terms)
    for name in ("when", "then"):
        plain[name]["kind"] = _WORDS[type(getattr(terms, name))]
    return _write(plain)


def read_terms(text: str) -> RuleTerms:
    """What :func:`write_terms` wrote."""
    plain = json.loads(text)
    plain["when"] = _read(_WHENS, plain["when"])
    plain["then"] = _read(_THENS, plain["then"])
    plain["windows"] = tuple(
        TimeWindow(**{**each, "days": tuple(each["days"])}) for each in plain["windows"]
    )
    return RuleTerms(**plain)


def write_memory(memory: Memory) -> str:
    """What a rule remembers."""
    return _write(attrs.asdict(memory))


def read_memory(text: str) -> Memory:
    """What :func:`write_memory` wrote; what it did not know yet has its default."""
    return Memory(**json.loads(text))


def write_facts(facts: tuple[Fact, ...]) -> str:
    """What was seen."""
    return _write([[fact.name, fact.value] for fact in facts])


def read_facts(text: str) -> tuple[Fact, ...]:
    """What :func:`write_facts` wrote."""
    return tuple(Fact(name=name, value=value) for name, value in json.loads(text))


def _write(plain: object) -> str:
    return json.dumps(plain, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def _read(kinds: Mapping[str, type[Any]], plain: dict[str, Any]) -> Any:
    cls = kinds[plain.pop("kind")]
    read = {
        name: _READ[name](value) if name in _READ and value is not None else value
        for name, value in plain.items()
    }
    return cls(**read)
