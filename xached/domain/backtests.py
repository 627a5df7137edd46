"""Backtests that the house runs for its people: what was asked for, and what came of it.

A backtest is queued, runs, and ends once. Its terms never change, and the same terms over the same
history with the same plugin give the same result. Fractions are parts per million.
"""

from __future__ import annotations

import enum
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NewType

import attrs

from xached.domain.house_models import SETTING, house_model
from xached.domain.order import AccountId
from xached.domain.rejection import Reason, Rejection

BacktestId = NewType("BacktestId", str)

CHOICES_MAX: Final = 200
"""Combinations of settings of one backtest."""
HISTORIES_MAX: Final = 8
SETTINGS_LENGTH_MAX: Final = 8_192
TRAIN_DAYS_MAX: Final = 3_660
COST_PPM_MAX: Final = 100_000
IMPACT_PPM_MAX: Final = 10_000_000
SIZES: Final = (1, 10, 100)
"""Of the capacity curve, as multiples of what is planned."""

FEE_PPM: Final = 1_000
HALF_SPREAD_PPM: Final = 100
SLIPPAGE_PPM: Final = 100
IMPACT_PPM: Final = 1_000_000
"""What trading costs where nobody says otherwise. A backtest that pays less proves nothing."""

_CASH = re.compile(r"[0-9]{1,12}(\.[0-9]{1,8})?", re.ASCII)
_HISTORY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,59}", re.ASCII)


class BacktestState(enum.IntEnum):
    """How far a backtest is; the numbers are stored."""

    QUEUED = 1
    RUNNING = 2
    FINISHED = 3
    FAILED = 4
    CANCELED = 5
    INTERRUPTED = 6
    """The house stopped while it ran, too often to try once more."""

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self >= BacktestState.FINISHED


class Phase(enum.IntEnum):
    """What a running backtest is at."""

    WAITING = 1
    RUNNING = 2
    JUDGING = 3
    OVER = 4


class FillRule(enum.Enum):
    """What of a candle an order can meet: its first price, or all of its range."""

    NEXT_OPEN = "next-open"
    TOUCH = "touch"


class BacktestVerdict(enum.IntEnum):
    """What the judgement says; the numbers are stored."""

    NOT_ENOUGH_DATA = 1
    LOSING = 2
    UNPROVEN = 3
    CONVINCING = 4


@attrs.frozen(kw_only=True)
class BacktestTerms:
    """What to run. ``settings_json`` is an object; a list in it is choices to walk forward over.

    ``histories`` are names of the house's; the first says which market the money is of. Times are
    nanoseconds since 1970; None: as much as there is. ``impact_ppm`` is the coefficient of the
    square-root law. ``capacity``: also run at ten and a hundred times the size.
    """

    settings_json: str
    histories: tuple[str, ...]
    cash: str
    fee_ppm: int
    half_spread_ppm: int
    slippage_ppm: int
    impact_ppm: int
    fill_rule: FillRule
    start_ns: int | None
    until_ns: int | None
    train_days: int
    test_days: int
    check: bool
    capacity: bool

    @property
    def pays_its_way(self) -> bool:
        """Whether it is charged what trading costs at least, each cost by itself."""
        return (
            self.fee_ppm >= FEE_PPM
            and self.half_spread_ppm >= HALF_SPREAD_PPM
            and self.slippage_ppm >= SLIPPAGE_PPM
            and self.impact_ppm >= IMPACT_PPM
        )


@attrs.frozen(kw_only=True)
class BacktestResult:
    """What was found. Amounts are text in quote; None: it cannot be told."""

    verdict: BacktestVerdict
    deflated_ppm: int | None
    """The deflated Sharpe ratio: how likely it is that the strategy is better than luck."""
    lacks: str
    trials: int
    return_ppm: int
    holding_ppm: int | None
    drawdown_ppm: int
    days: int
    fills: int
    closed_trades: int
    refusals: int
    fees: str
    end_equity: str
    quote: str
    capacity_ppm: int | None
    chosen_json: str
    """The settings chosen last by a walk forward, or those that were given."""


@attrs.frozen(kw_only=True)
class Backtest:
    """One backtest, and how it stands. ``number`` counts all of the house."""

    number: int
    backtest_id: BacktestId
    account_id: AccountId
    request_id: str
    plugin: str
    plugin_digest: str
    entry_point: str
    instruments: tuple[str, ...]
    fingerprints: tuple[str, ...]
    terms: BacktestTerms
    state: BacktestState
    cause: str
    attempts: int
    created_at_ns: int
    started_at_ns: int
    ended_at_ns: int
    result: BacktestResult | None
    has_page: bool
    """Whether there is a page beside the JSON; False also once the report was dropped."""
    beside: str = ""
    """What of the house was judged with it: see :func:`digest_beside`. Empty before it is over."""


@attrs.frozen(kw_only=True)
class BacktestProgress:
    """How far a backtest is."""

    backtest: Backtest
    phase: Phase
    done_ppm: int
    ahead: int
    """How many wait before it."""


@attrs.frozen(kw_only=True)
class DeflatedSharpe:
    """What the newest finished backtest of a plugin says of certain settings and markets."""

    backtest_id: BacktestId
    verdict: BacktestVerdict
    deflated_ppm: int | None
    trials: int
    ended_at_ns: int


@attrs.frozen(kw_only=True)
class TrialFacts:
    """What makes a trial distinct, and from when to when it saw data, both included."""

    plugin_digest: str
    settings: str
    instruments: tuple[str, ...]
    start_ns: int
    end_ns: int

    @property
    def key(self) -> bytes:
        """The same for the same trial."""
        return hashlib.sha256(spelled(attrs.asdict(self)).encode()).digest()


@attrs.frozen(kw_only=True)
class TrialCheckpoint:
    """Where the chain of trials ended at one moment, and who says so.

    Kept where the house cannot reach it, it proves that no trial before it was taken out since.
    """

    house_id: bytes
    at_ns: int
    count: int
    chain: bytes
    signature: bytes = b""

    @property
    def signed_text(self) -> str:
        """What the signature covers."""
        return (
            f"{_MARK}1 house={self.house_id.hex()} at={self.at_ns}"
            f" trials={self.count}:{self.chain.hex()}"
        )

    @property
    def text(self) -> str:
        """One line for the system's log."""
        return f"{self.signed_text} signature={self.signature.hex()}"


def read_trial_checkpoints(text: str) -> Iterator[TrialCheckpoint]:
    """The heads of trials in a text, such as an excerpt of the system's log; other lines are
    passed, and so are lines that are cut off."""
    for match in _TEXT.finditer(text):
        yield TrialCheckpoint(
            house_id=bytes.fromhex(match["house"]),
            at_ns=int(match["at"]),
            count=int(match["count"]),
            chain=bytes.fromhex(match["chain"]),
            signature=bytes.fromhex(match["signature"]),
        )


_MARK: Final = "xache-trials-"
_TEXT: Final = re.compile(
    _MARK + r"1 house=(?P<house>[0-9a-f]{32}) at=(?P<at>[0-9]{1,19})"
    r" trials=(?P<count>[0-9]{1,12}):(?P<chain>[0-9a-f]{64}) signature=(?P<signature>[0-9a-f]{128})"
)


def spelled(value: object) -> str:
    """One spelling of JSON: sorted names, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def settings_digest(settings_json: str) -> str:
    """SHA-256 of settings in one spelling, in hex: the same whatever their order.

    Raises: ValueError when it is no JSON.
    """
    return hashlib.sha256(spelled(json.loads(settings_json)).encode()).hexdigest()


def digest_beside(models: Mapping[str, str], signals: Mapping[str, Sequence[str]]) -> str:
    """What of the house a strategy is judged with, in hex; empty where that is nothing.

    ``models``: the digests of those in force that its settings name, by name. ``signals``: digests
    and settings of those that the house runs. Where one has changed, another strategy was judged.
    """
    if not models and not signals:
        return ""
    found = {
        "models": dict(models),
        "signals": {name: list(each) for name, each in signals.items()},
    }
    return hashlib.sha256(spelled(found).encode()).hexdigest()


def read_choices(settings_json: str) -> Mapping[str, Any]:
    """The settings of a backtest. Raises: Rejection."""
    if len(settings_json) > SETTINGS_LENGTH_MAX:
        raise _refusal("settings", f"at most {SETTINGS_LENGTH_MAX} characters of JSON")
    try:
        found = json.loads(settings_json or "{}", parse_constant=_no_constant)
        # Half a character and a number that is too large can be read, but not be written again.
        json.dumps(found, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise _refusal("settings", "a JSON object") from None
    if not isinstance(found, dict):
        raise _refusal("settings", "a JSON object")
    count = 1
    for value in found.values():
        if isinstance(value, dict):
            raise _refusal("settings", "each a number, text, true, false, or a list of those")
        count *= len(value) if isinstance(value, list) else 1
    if not 1 <= count <= CHOICES_MAX:
        raise _refusal("settings", f"1 to {CHOICES_MAX} combinations")
    return found


def house_models(settings_json: str) -> tuple[str, ...]:
    """Which models of the house the settings of a backtest ask for. Raises: Rejection."""
    given = read_choices(settings_json).get(SETTING)
    choices = given if isinstance(given, list) else [given]
    return tuple(dict.fromkeys(filter(None, map(house_model, choices))))


def check_terms(terms: BacktestTerms) -> None:
    """Refuse terms that make no sense. Raises: Rejection."""
    read_choices(terms.settings_json)
    names = terms.histories
    if not 1 <= len(set(names)) == len(names) <= HISTORIES_MAX:
        raise _refusal("histories", f"1 to {HISTORIES_MAX}, each once")
    if any(_HISTORY.fullmatch(name) is None for name in names):
        raise _refusal("histories", "names of the house's histories")
    if _CASH.fullmatch(terms.cash) is None or not terms.cash.strip("0."):
        raise _refusal("cash", "a positive amount, as 10000")
    for name in ("fee_ppm", "half_spread_ppm", "slippage_ppm"):
        if not 0 <= getattr(terms, name) <= COST_PPM_MAX:
            raise _refusal(name, f"0 to {COST_PPM_MAX}")
    if not 0 <= terms.impact_ppm <= IMPACT_PPM_MAX:
        raise _refusal("impact_ppm", f"0 to {IMPACT_PPM_MAX}")
    for name in ("train_days", "test_days"):
        if not 1 <= getattr(terms, name) <= TRAIN_DAYS_MAX:
            raise _refusal(name, f"1 to {TRAIN_DAYS_MAX}")
    start, until = terms.start_ns, terms.until_ns
    if start is not None and until is not None and start >= until:
        raise _refusal("until_ns", "after from_ns")


def _refusal(field: str, allowed: str) -> Rejection:
    return Rejection(
        Reason.BACKTEST_TERMS, "a backtest is not made like that", field=field, allowed=allowed
    )


def _no_constant(name: str) -> None:
    raise ValueError(name)
