"""The life of a person's strategy: a draft, then on paper, then live, and the gate before live.

Theory of operation. A strategy is one plugin with one set of settings, a budget and a limit of
loss. ``Stage`` says how far it has come and ``Wish`` whether its owner wants it to run; whether it
does is another matter, which its host knows.

    DRAFT --start--> PAPER --go live--> LIVE --stop--> PAPER
    any stage --revoke--> REVOKED, which is the end

On paper it trades play money, as much as its budget. To go live it needs its budget from the main
purse, which goes to a purse of its own, and either evidence or the owner's word. Evidence is a
deflated Sharpe ratio of 0.95 (Bailey and Lopez de Prado, 2014) of its plugin, settings and markets.
A strategy that predicts nothing (it buys on a schedule, or makes a market) has no such ratio to
show: it has run on paper for some days instead. The owner's word is one sentence, typed exactly;
it is kept together with what was known then. A paused strategy keeps its purse; one that is stopped
gives it back, and meets the gate again.

While it does not run, its owner may change it. Every change is another version of it. One of its
settings, its budget or its limit is another edition too, of which nothing is known: it begins on
paper with a purse and a state of its own, and no day, ratio or word of an earlier edition counts
for it. One that is live is what passed the gate: only its limit of loss can be changed, which is
the same edition still.
"""

from __future__ import annotations

import enum
import json
import re
from typing import Final

import attrs

from xached.domain.instrument import AssetName, Symbol
from xached.domain.money import format_units
from xached.domain.order import AccountId, Purse, make_purse
from xached.domain.rejection import Reason, Rejection

STRATEGIES_MAX: Final = 16
"""Of one account, revoked ones included; each has a purse, of which there are 32."""

EDITIONS_MAX: Final = 100
"""Of one strategy: each has a paper purse, which stays."""

SYMBOLS_MAX: Final = 20
SETTINGS_BYTES_MAX: Final = 64_000
DEFLATED_SHARPE_MIN_PPM: Final = 950_000
PAPER_DAYS_MIN: Final = 7
"""On so many days a strategy that predicts nothing has run on paper."""

ACKNOWLEDGEMENT: Final = "This strategy has not been shown to earn; it may lose all that I give it."

_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,19}", re.ASCII)
NAME_ALLOWED: Final = "a letter, then up to 19 of a-z, 0-9 and -"


class Stage(enum.IntEnum):
    """How far a strategy has come."""

    DRAFT = 1
    PAPER = 2
    LIVE = 3
    REVOKED = 4


class Wish(enum.IntEnum):
    """Whether its owner wants it to run."""

    STOPPED = 1
    RUNNING = 2
    PAUSED = 3


@attrs.frozen(kw_only=True)
class Strategy:
    """A strategy of a person. ``lives`` counts how often it has gone live.

    ``predicts`` is what its plugin declares, None until it has run. Amounts are units of
    ``budget_asset``, which is what all its markets are quoted in. ``swept``: what it had was given
    back after it was revoked, and what is put into its purse since is not its own.
    """

    strategy_id: str
    account_id: AccountId
    name: str
    plugin: str
    symbols: tuple[Symbol, ...]
    settings_json: str
    stage: Stage
    wish: Wish
    budget_asset: AssetName
    budget_units: int
    loss_limit_units: int
    created_at_ns: int
    lives: int = 0
    predicts: bool | None = None
    version: int = 1
    edition: int = 1
    swept: bool = False
    failure: str = ""
    """What ended its last run, in a line; empty when nothing did, or its owner has ended it."""
    gained_before_units: int = 0
    """What its live purse had gained that is not its own, when it went live last."""

    @property
    def is_live(self) -> bool:
        """Whether it trades money."""
        return self.stage is Stage.LIVE

    @property
    def owes(self) -> bool:
        """Whether it has, or may have, what is to be given back once it has ended."""
        if self.stage is Stage.REVOKED:
            return self.lives > 0 and not self.swept
        return self.is_live

    @property
    def purse(self) -> Purse:
        """What it trades now, or would trade when it is started."""
        return self.live_purse if self.is_live else self.paper_purse

    @property
    def live_purse(self) -> Purse:
        """Its own purse in the house."""
        return make_purse(self.account_id, f"bot-{self.name}")

    @property
    def paper_purse(self) -> Purse:
        """Its own purse of play money."""
        return make_purse(self.account_id, f"paper-{self.strategy_id}{self.edition_suffix}")

    @property
    def edition_suffix(self) -> str:
        """What names of its later editions end with; those of the first end as they always did."""
        return "" if self.edition == 1 else f"-{self.edition}"


@attrs.frozen(kw_only=True)
class Evidence:
    """What is known of a strategy when it wants to go live.

    ``deflated_sharpe_ppm`` is None where there is not enough data, or no backtest at all.
    """

    deflated_sharpe_ppm: int | None
    predicts: bool
    paper_days: int

    @property
    def suffices(self) -> bool:
        """Whether it may go live without its owner's word, and may be published."""
        if not self.predicts:
            return self.paper_days >= PAPER_DAYS_MIN
        sharpe = self.deflated_sharpe_ppm
        return sharpe is not None and sharpe >= DEFLATED_SHARPE_MIN_PPM

    @property
    def lacking(self) -> str:
        """What is missing, in words; empty when nothing is."""
        if self.suffices:
            return ""
        if not self.predicts:
            return f"it has run on paper on {self.paper_days} of {PAPER_DAYS_MIN} days"
        if self.deflated_sharpe_ppm is None:
            return "there is not enough data for a deflated Sharpe ratio"
        shown = format_units(self.deflated_sharpe_ppm, 6)
        return f"its deflated Sharpe ratio is {shown}, not 0.95"


@attrs.frozen(kw_only=True)
class Acknowledgement:
    """The owner's word, and what was known when it was given."""

    at_ns: int
    sentence: str
    known: str


def pass_gate(evidence: Evidence, sentence: str, at_ns: int) -> Acknowledgement | None:
    """Let a strategy go live, by evidence or by its owner's word, which is then to be kept.

    Raises: Rejection STRATEGY_GATE without the exact sentence where it is needed.
    """
    if evidence.suffices:
        return None
    if sentence != ACKNOWLEDGEMENT:
        raise Rejection(
            Reason.STRATEGY_GATE,
            f"{evidence.lacking}; to go live nevertheless, say so",
            field="acknowledgement",
            given=sentence[:100],
            allowed=ACKNOWLEDGEMENT,
        )
    known = json.dumps(attrs.asdict(evidence), sort_keys=True)
    return Acknowledgement(at_ns=at_ns, sentence=sentence, known=known)


def check_draft(strategy: Strategy) -> None:
    """Refuse what can be no strategy. Raises: Rejection STRATEGY_TERMS."""
    if _NAME.fullmatch(strategy.name) is None:
        raise _terms("name", strategy.name, NAME_ALLOWED)
    if not 1 <= len(strategy.symbols) <= SYMBOLS_MAX or len(set(strategy.symbols)) < len(
        strategy.symbols
    ):
        raise _terms("symbols", str(len(strategy.symbols)), f"1 to {SYMBOLS_MAX}, each once")
    if len(strategy.settings_json.encode()) > SETTINGS_BYTES_MAX:
        raise _terms("settings_json", "too long", f"at most {SETTINGS_BYTES_MAX} bytes")
    if not _is_object(strategy.settings_json):
        raise _terms("settings_json", strategy.settings_json, "a JSON object")
    if strategy.budget_units <= 0:
        raise _terms("budget", str(strategy.budget_units), "more than nothing")
    if not 0 < strategy.loss_limit_units <= strategy.budget_units:
        raise _terms("loss_limit", str(strategy.loss_limit_units), "up to the budget")


@attrs.frozen(kw_only=True)
class Change:
    """What an owner changes of a strategy; what is None stays.

    ``expected_version`` is the one they have looked at.
    """

    expected_version: int
    settings_json: str | None = None
    budget_units: int | None = None
    loss_limit_units: int | None = None


def change_strategy(strategy: Strategy, change: Change) -> Strategy:
    """The strategy as it is after a change: itself where it is so already.

    Raises: Rejection STRATEGY_STATE, STRATEGY_TERMS.
    """
    settings, budget, limit = change.settings_json, change.budget_units, change.loss_limit_units
    changed = attrs.evolve(
        strategy,
        settings_json=strategy.settings_json if settings is None else settings,
        budget_units=strategy.budget_units if budget is None else budget,
        loss_limit_units=strategy.loss_limit_units if limit is None else limit,
    )
    if changed == strategy:
        return strategy
    if change.expected_version != strategy.version:
        raise Rejection(
            Reason.STRATEGY_STATE,
            "it was changed since you looked at it",
            field="expected_version",
            given=str(change.expected_version),
            allowed=str(strategy.version),
        )
    check_can(
        strategy,
        "changed: pause or stop it first",
        strategy.stage is not Stage.REVOKED and strategy.wish is not Wish.RUNNING,
    )
    check_draft(changed)
    changed = attrs.evolve(changed, version=strategy.version + 1)
    if strategy.is_live:
        same = attrs.evolve(
            strategy, version=changed.version, loss_limit_units=changed.loss_limit_units
        )
        check_can(strategy, "changed but in its limit of loss: stop it first", changed == same)
        return changed
    if strategy.stage is Stage.DRAFT:
        return changed
    if strategy.edition >= EDITIONS_MAX:
        raise _terms("expected_version", str(strategy.edition + 1), f"{EDITIONS_MAX} editions")
    return attrs.evolve(changed, edition=strategy.edition + 1, predicts=None, failure="")


def succeed(revoked: Strategy, strategy: Strategy) -> Strategy:
    """A new strategy in the place of a revoked one of its name, as the next edition of that.

    So what is opened for the name is bounded. Raises: Rejection STRATEGIES_FULL.
    """
    if revoked.edition >= EDITIONS_MAX:
        raise Rejection(
            Reason.STRATEGIES_FULL,
            "this name has had all the strategies that it may have",
            field="name",
            given=str(revoked.edition + 1),
            allowed=f"at most {EDITIONS_MAX}",
        )
    # Its grants are counted on: one that was given is not given again.
    return attrs.evolve(
        strategy,
        strategy_id=revoked.strategy_id,
        edition=revoked.edition + 1,
        lives=revoked.lives,
        swept=revoked.swept,
    )


def check_can(strategy: Strategy, verb: str, allowed: bool) -> None:
    """Refuse what cannot be done with a strategy as it stands. Raises: Rejection STRATEGY_STATE."""
    if not allowed:
        raise Rejection(
            Reason.STRATEGY_STATE,
            f"a strategy that is {strategy.stage.name.lower()} and {strategy.wish.name.lower()}"
            f" cannot be {verb}",
            field="name",
            given=strategy.name,
        )


def unknown_strategy(name: str) -> Rejection:
    """Nobody of this account has a strategy of that name."""
    return Rejection(
        Reason.UNKNOWN_STRATEGY, "there is no such strategy", field="name", given=name[:40]
    )


def _is_object(text: str) -> bool:
    try:
        found = json.loads(text)
        # What can be read but not be written again is not what its backtests were of.
        json.dumps(found, allow_nan=False, ensure_ascii=False).encode()
        return isinstance(found, dict)
    except (ValueError, RecursionError):
        return False


def _terms(field: str, given: str, allowed: str) -> Rejection:
    return Rejection(
        Reason.STRATEGY_TERMS,
        "this can be no strategy",
        field=field,
        given=given[:100],
        allowed=allowed,
    )
