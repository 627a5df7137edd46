"""Backtests that people start: queued, run one or two at a time, judged, kept.

Theory of operation. A backtest is a row of strategies.db before anyone hears of it. A worker takes
the oldest that waits. The strategy runs in one sealed process and hands back its fills; another,
without any plugin in it, checks and judges them by everything the owner has tried before. The
trial, the result and the report are written in one transaction, so nothing is shown that is not
counted. A run is a function of what it is given: one that the house's end has cut short is run
again from its beginning, and after :data:`ATTEMPTS_MAX` such ends it is INTERRUPTED and says so.
Who watches is woken on every change and told only how it stands then.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import AsyncGenerator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import apsw
import attrs
import trio
from loguru import logger

from xached.actors.backtests.surroundings import BacktestSurroundings, FoundPlugin, FoundSignal
from xached.adapters.work import WorkFailed, do_work
from xached.domain.backtests import (
    SIZES,
    Backtest,
    BacktestId,
    BacktestProgress,
    BacktestResult,
    BacktestState,
    BacktestTerms,
    BacktestVerdict,
    DeflatedSharpe,
    Phase,
    TrialFacts,
    check_terms,
    digest_beside,
    house_models,
    read_choices,
    spelled,
)
from xached.domain.order import AccountId
from xached.domain.rejection import Reason, Rejection
from xached.research.history.about import About
from xached.runtime.work_frames import BadDocument, Document, write_document
from xached.storage.backtest_book import (
    add_backtest,
    backtests_of,
    change_backtest,
    find_backtest,
    find_deflated,
    find_request,
    packed,
    read_report,
    unfinished_backtests,
    unpacked,
    write_report,
)
from xached.storage.trial_book import (
    OWN_TRIALS_MAX,
    TrialHead,
    TrialRow,
    count_trials,
    lineage,
    record_trial,
    trial_head,
)

ID_BYTES: Final = 8
ATTEMPTS_MAX: Final = 3
TELL_S: Final = 0.1
"""Nobody is told more often how far one is."""
SIGN_OF_LIFE_S: Final = 5.0
"""Who watches is told again what is known: silence means that the connection is dead."""
DAY_NS: Final = 86_400 * 10**9
PPM: Final = 1_000_000
RUN_SHARE_PPM: Final = 900_000
"""So much of the work is running, the rest judging."""
CAUSE_LENGTH_MAX: Final = 500


@attrs.frozen(kw_only=True)
class BacktestStatistics:
    """How many wait and run now, and what became of the others since the start."""

    waiting: int
    running: int
    finished: int
    failed: int
    canceled: int
    resumed: int


@attrs.define(eq=False)
class _Live:
    """A backtest that is not over."""

    backtest: Backtest
    phase: Phase = Phase.WAITING
    done_ppm: int = 0
    scope: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    canceled: bool = False
    changed: trio.Event = attrs.field(factory=trio.Event)

    def tell(self) -> None:
        """Wake who watches."""
        self.changed.set()
        self.changed = trio.Event()


class Backtests:
    """The backtests of the house: start them, watch them, read them."""

    def __init__(self, around: BacktestSurroundings) -> None:
        self._around = around
        self._live: dict[BacktestId, _Live] = {}
        self._waiting: deque[_Live] = deque()
        self._work = trio.Event()
        self._starting = trio.Lock()
        self._counts = {BacktestState.FINISHED: 0, BacktestState.FAILED: 0,
                        BacktestState.CANCELED: 0}  # fmt: skip
        self._resumed = 0
        self._taken_up = trio.Event()

    async def start(
        self, account_id: AccountId, request_id: str, plugin: str, terms: BacktestTerms
    ) -> Backtest:
        """Queue a backtest. The same request again gives the one that it made.

        Raises: Rejection.
        """
        check_terms(terms)
        around = self._around
        async with self._starting:  # Two at once would both pass a bound that has room for one.
            known = await around.records.read(lambda db: find_request(db, account_id, request_id))
            if known is not None:
                if (known.plugin, known.terms) != (plugin, terms):
                    raise Rejection(Reason.ID_REUSED, "another backtest has this request id")
                return known
            self._check_models(terms)
            await self._check_room(account_id)
            found = await around.find_plugin(plugin)
            histories = await self._histories(terms)
            made = self._made(account_id, request_id, plugin, found, histories, terms)
            backtest = await around.records.write(lambda db: add_backtest(db, made))
            self._queue(backtest)
        return backtest

    async def get(self, account_id: AccountId, backtest_id: BacktestId) -> BacktestProgress:
        """How a backtest stands. Raises: Rejection UNKNOWN_BACKTEST."""
        await self._taken_up.wait()  # Until then nobody knows what waits.
        live = self._live.get(backtest_id)
        if live is not None and live.backtest.account_id == account_id:
            return self._progress(live)
        backtest = await self._around.records.read(lambda db: find_backtest(db, backtest_id))
        if backtest is None or backtest.account_id != account_id:
            raise _unknown(backtest_id)
        return self.progress_of(backtest)

    def progress_of(self, backtest: Backtest) -> BacktestProgress:
        """How far a backtest is that was read from the file."""
        live = self._live.get(backtest.backtest_id)
        if live is not None:
            return self._progress(live)
        return BacktestProgress(backtest=backtest, phase=Phase.OVER, done_ppm=PPM, ahead=0)

    async def page(
        self, account_id: AccountId, before: int | None, limit: int
    ) -> Sequence[Backtest]:
        """Backtests of an account, newest first, with numbers below ``before``."""
        return await self._around.records.read(
            lambda db: backtests_of(db, account_id, before, limit)
        )

    async def watch(
        self, account_id: AccountId, backtest_id: BacktestId
    ) -> AsyncGenerator[BacktestProgress, None]:
        """How it stands, and again when that has changed or nothing has for long, until it is over.

        Raises: Rejection UNKNOWN_BACKTEST.
        """
        await self._taken_up.wait()
        while True:
            live = self._live.get(backtest_id)
            changed = None if live is None else live.changed
            progress = await self.get(account_id, backtest_id)
            yield progress
            if changed is None or progress.phase is Phase.OVER:
                return
            await trio.sleep(TELL_S)
            with trio.move_on_after(SIGN_OF_LIFE_S):
                await changed.wait()

    async def cancel(self, account_id: AccountId, backtest_id: BacktestId) -> Backtest:
        """End a backtest that waits or runs. One that is over stays what it is.

        Raises: Rejection UNKNOWN_BACKTEST.
        """
        progress = await self.get(account_id, backtest_id)
        live = self._live.get(backtest_id)
        if live is None:
            return progress.backtest
        live.canceled = True
        if live in self._waiting:
            self._waiting.remove(live)
            await self._end(live, BacktestState.CANCELED, "by its owner")
        else:
            live.scope.cancel()
            while backtest_id in self._live:
                await live.changed.wait()
        return (await self.get(account_id, backtest_id)).backtest

    async def report(
        self, account_id: AccountId, backtest_id: BacktestId
    ) -> tuple[bytes, bytes | None]:
        """The report as JSON, and as a page where plots can be drawn.

        Raises: Rejection UNKNOWN_BACKTEST; BACKTEST_STATE when there is none (yet, or any more).
        """
        progress = await self.get(account_id, backtest_id)
        found = await self._around.records.read(lambda db: read_report(db, account_id, backtest_id))
        if found is None:
            state = progress.backtest.state.name
            raise Rejection(Reason.BACKTEST_STATE, "it has no report", given=state)
        return await self._around.world.run_in_thread(unpacked, *found)

    async def deflated(
        self,
        account_id: AccountId,
        plugin_digest: str,
        settings_json: str,
        instruments: Sequence[str],
    ) -> DeflatedSharpe | None:
        """What the newest finished backtest says of what would run now; see find_deflated."""
        try:
            names = house_models(settings_json)
        except Rejection:
            return None  # No backtest has such settings.
        beside = digest_beside(
            self._models_in_force(names), _spelled_signals(await self._around.find_signals())
        )
        return await self._around.records.read(
            lambda db: find_deflated(
                db, account_id, plugin_digest, settings_json, instruments, beside
            )
        )

    def _models_in_force(self, names: Sequence[str]) -> Mapping[str, str]:
        return {name: self._around.model_digest(name) for name in names}

    async def histories(self) -> Sequence[About]:
        """What there is to run over, by name."""
        return await self._around.world.run_in_thread(self._around.list_histories)

    def statistics(self) -> BacktestStatistics:
        """How many there are of which."""
        return BacktestStatistics(
            waiting=len(self._waiting),
            running=len(self._live) - len(self._waiting),
            finished=self._counts[BacktestState.FINISHED],
            failed=self._counts[BacktestState.FAILED],
            canceled=self._counts[BacktestState.CANCELED],
            resumed=self._resumed,
        )

    async def run(self) -> None:
        """Take up what was left, and run what comes, until cancelled."""
        await self._resume()
        self._taken_up.set()
        async with trio.open_nursery() as nursery:
            for _ in range(self._around.bounds.running_max):
                nursery.start_soon(self._run_worker)

    # How one comes to be.

    async def _check_room(self, account_id: AccountId) -> None:
        bounds = self._around.bounds
        if len(self._waiting) >= bounds.waiting_max:
            raise Rejection(
                Reason.BACKTESTS_FULL, "too many wait", allowed=f"{bounds.waiting_max} waiting"
            )
        own = sum(live.backtest.account_id == account_id for live in self._live.values())
        if own >= bounds.own_max:
            raise Rejection(
                Reason.BACKTESTS_FULL,
                "one after the other",
                allowed=f"{bounds.own_max} of one's own",
            )
        tried = await self._around.records.read(lambda db: count_trials(db, account_id))
        # What cannot be recorded must not be shown.
        if tried + own >= OWN_TRIALS_MAX:
            raise Rejection(
                Reason.TRIALS_FULL, "no more trials can be counted", allowed=str(OWN_TRIALS_MAX)
            )

    def _check_models(self, terms: BacktestTerms) -> None:
        around = self._around
        for name in house_models(terms.settings_json):
            if around.models is None or not around.knows_model(name):
                raise Rejection(
                    Reason.BACKTEST_TERMS,
                    "the house trains no model of this name",
                    field="settings",
                    given=name,
                )

    async def _histories(self, terms: BacktestTerms) -> list[About]:
        there = {about.name: about for about in await self.histories()}
        missing = [name for name in terms.histories if name not in there]
        if missing:
            raise Rejection(
                Reason.UNKNOWN_HISTORY,
                "there is no such history",
                field="histories",
                given=missing[0],
                allowed=", ".join(sorted(there)) or "none is kept here",
            )
        return [there[name] for name in terms.histories]

    def _made(
        self,
        account_id: AccountId,
        request_id: str,
        plugin: str,
        found: FoundPlugin,
        histories: Sequence[About],
        terms: BacktestTerms,
    ) -> Backtest:
        quotes = {about.symbol.partition("-")[2] for about in histories}
        if len(quotes) != 1:
            raise Rejection(
                Reason.BACKTEST_TERMS, "its markets have one quote asset", field="histories"
            )
        return Backtest(
            number=0,
            backtest_id=BacktestId(self._around.world.entropy(ID_BYTES).hex()),
            account_id=account_id,
            request_id=request_id,
            plugin=plugin,
            plugin_digest=found.digest,
            entry_point=found.entry_point,
            instruments=tuple(sorted({about.symbol for about in histories})),
            fingerprints=tuple(about.fingerprint for about in histories),
            terms=terms,
            state=BacktestState.QUEUED,
            cause="",
            attempts=0,
            created_at_ns=self._around.world.now_ns(),
            started_at_ns=0,
            ended_at_ns=0,
            result=None,
            has_page=False,
        )

    def _queue(self, backtest: Backtest) -> None:
        live = _Live(backtest)
        self._live[backtest.backtest_id] = live
        self._waiting.append(live)
        self._work.set()

    async def _resume(self) -> None:
        """Take up what waited or ran when the house ended, or this actor."""
        torn = [live for live in self._live.values() if live not in self._waiting]
        for live in torn:
            del self._live[live.backtest.backtest_id]
        for backtest in await self._around.records.read(unfinished_backtests):
            if backtest.backtest_id in self._live:
                continue  # This actor has started again, and it still waits.
            if backtest.attempts >= ATTEMPTS_MAX:
                over = attrs.evolve(
                    backtest,
                    state=BacktestState.INTERRUPTED,
                    cause=f"the house ended {backtest.attempts} times while it ran",
                    ended_at_ns=self._around.world.now_ns(),
                )
                await self._around.records.write(lambda db, over=over: change_backtest(db, over))  # type: ignore[misc]  # mypy infers no lambda with a default
                continue
            self._resumed += backtest.state is BacktestState.RUNNING
            self._queue(attrs.evolve(backtest, state=BacktestState.QUEUED))
        for live in torn:
            live.tell()

    # How one runs.

    async def _run_worker(self) -> None:
        while True:
            while not self._waiting:
                self._work = trio.Event()
                await self._work.wait()
            await self._run_one(self._waiting.popleft())

    async def _run_one(self, live: _Live) -> None:
        live.backtest = attrs.evolve(
            live.backtest,
            state=BacktestState.RUNNING,
            attempts=live.backtest.attempts + 1,
            started_at_ns=self._around.world.now_ns(),
        )
        live.phase = Phase.RUNNING
        if not await self._keep(live):
            return
        live.tell()
        with live.scope:
            try:
                await self._work_through(live)
            except WorkFailed as failure:
                await self._end(live, BacktestState.FAILED, str(failure))
            except (Rejection, OSError, BadDocument) as error:
                await self._end(live, BacktestState.FAILED, str(error))
        if live.canceled and live.backtest.backtest_id in self._live:
            await self._end(live, BacktestState.CANCELED, "by its owner")

    async def _work_through(self, live: _Live) -> None:
        around, backtest = self._around, live.backtest
        # It may have been changed, or be approved no more, since it was queued.
        found = await around.find_plugin(backtest.plugin)
        if found.digest != backtest.plugin_digest:
            raise Rejection(Reason.UNKNOWN_PLUGIN, "the plugin was changed while this waited")
        there = {about.name: about for about in await self.histories()}
        if any(name not in there for name in backtest.terms.histories):
            raise Rejection(Reason.UNKNOWN_HISTORY, "its history was taken away")
        abouts = [there[name] for name in backtest.terms.histories]
        places = [around.histories / name for name in backtest.terms.histories]
        facts = _facts(backtest, abouts)
        # Read before they are asked: what takes their place meanwhile was not judged.
        in_force = self._models_in_force(house_models(backtest.terms.settings_json))
        models = await self._models(backtest.terms, facts)
        signals = await around.find_signals()
        facts = _facts(backtest, abouts, models.header["models"], signals)
        job = _job(backtest, [str(place) for place in places], models.header["models"], signals)
        others = [each.entry_point for each in signals.values()]

        def told(done_ppm: int) -> None:
            live.done_ppm = done_ppm * RUN_SHARE_PPM // PPM
            live.tell()

        outcome = await do_work(
            around.world,
            around.command(
                "run", around.limits, strategy=found.entry_point, others=others, readable=places
            ),
            Document(header=job, blobs=models.blobs),
            limits=around.limits,
            sandbox_min=around.sandbox_min,
            progress=told,
        )
        live.phase, live.done_ppm = Phase.JUDGING, RUN_SHARE_PPM
        live.tell()
        before = await around.records.read(lambda db: lineage(db, backtest.account_id, facts))
        judged = await do_work(
            around.world,
            around.command("judge", around.limits, readable=places),
            Document(
                header={"job": job, "title": f"{backtest.plugin} {backtest.terms.settings_json}"},
                blobs={
                    "outcome": await around.world.run_in_thread(write_document, outcome),
                    **{f"before-{number}": blob for number, blob in enumerate(before)},
                },
            ),
            limits=around.limits,
            sandbox_min=around.sandbox_min,
            progress=lambda _: None,
        )
        await self._finish(live, facts, judged, in_force, signals)

    async def _models(self, terms: BacktestTerms, facts: TrialFacts) -> Document:
        """The models of the house that a run asks: what each is, and its text. Raises as do_work.

        They are read in a process without a plugin, which alone may see where they are kept.
        """
        around, names = self._around, house_models(terms.settings_json)
        if not names or around.models is None:
            return Document(header={"models": {}})
        return await do_work(
            around.world,
            around.command("models", around.limits, readable=[around.models]),
            Document(
                header={
                    "folder": str(around.models),
                    "names": names,
                    "start_ns": facts.start_ns,
                    "end_ns": facts.end_ns,
                }
            ),
            limits=around.limits,
            sandbox_min=around.sandbox_min,
            progress=lambda _: None,
        )

    async def _finish(
        self,
        live: _Live,
        facts: TrialFacts,
        judged: Document,
        in_force: Mapping[str, str],
        signals: Mapping[str, FoundSignal],
    ) -> None:
        """Record the trial and keep its result, together; then it can be seen."""
        around = self._around
        now_ns = around.world.now_ns()
        result = _result(live.backtest, judged.header)
        trial = TrialRow(
            account_id=live.backtest.account_id,
            facts=facts,
            plugin=live.backtest.plugin,
            shown_at_ns=now_ns,
            closed_trades=result.closed_trades,
            returns=judged.blob("trial"),
        )
        report = await around.world.run_in_thread(packed, judged.blob("json"))
        html = judged.blobs.get("html")
        page = None if html is None else await around.world.run_in_thread(packed, html)
        over = attrs.evolve(
            live.backtest,
            state=BacktestState.FINISHED,
            ended_at_ns=now_ns,
            result=result,
            has_page=page is not None,
            beside=digest_beside(
                {name: in_force[name] for name in house_models(result.chosen_json)},
                _spelled_signals(signals),
            ),
        )

        def keep(db: apsw.Connection) -> TrialHead | None:
            if not change_backtest(db, over):  # Its account was erased meanwhile.
                return None
            fresh = record_trial(db, trial)
            write_report(db, over, report, page)
            return trial_head(db) if fresh else None

        with trio.CancelScope(shield=True):
            head = await around.records.write(keep)
            if head is not None:
                around.anchor(head.count, head.digest)
        self._is_over(live, over)

    async def _end(self, live: _Live, state: BacktestState, cause: str) -> None:
        live.backtest = attrs.evolve(
            live.backtest,
            state=state,
            cause=cause[:CAUSE_LENGTH_MAX],
            ended_at_ns=self._around.world.now_ns(),
        )
        with trio.CancelScope(shield=True):
            await self._keep(live)
        self._is_over(live, live.backtest)

    async def _keep(self, live: _Live) -> bool:
        """Keep how it stands. False, and it is forgotten, when its account was erased."""
        backtest = live.backtest
        kept = await self._around.records.write(lambda db: change_backtest(db, backtest))
        if not kept:
            self._is_over(live, backtest)
        return kept

    def _is_over(self, live: _Live, backtest: Backtest) -> None:
        live.backtest = backtest
        if self._live.pop(backtest.backtest_id, None) is not None:
            self._counts[backtest.state] = self._counts.get(backtest.state, 0) + 1
            logger.info("backtest {}: {}", backtest.backtest_id, backtest.state.name)
        live.tell()

    def _progress(self, live: _Live) -> BacktestProgress:
        ahead = self._waiting.index(live) if live in self._waiting else 0
        return BacktestProgress(
            backtest=live.backtest, phase=live.phase, done_ppm=live.done_ppm, ahead=ahead
        )


def _job(
    backtest: Backtest,
    places: Sequence[str],
    models: Mapping[str, Mapping[str, str]],
    signals: Mapping[str, FoundSignal],
) -> dict[str, Any]:
    """What the processes are told."""
    terms = backtest.terms
    return {
        "entry_point": backtest.entry_point,
        "settings": dict(read_choices(terms.settings_json)),
        "histories": list(zip(places, backtest.fingerprints, strict=True)),
        "cash": terms.cash,
        "fee_ppm": terms.fee_ppm,
        "half_spread_ppm": terms.half_spread_ppm,
        "slippage_ppm": terms.slippage_ppm,
        "impact_ppm": terms.impact_ppm,
        "fill_model": terms.fill_rule.value,
        "start_ns": terms.start_ns,
        "until_ns": terms.until_ns,
        "train_ns": terms.train_days * DAY_NS,
        "test_ns": terms.test_days * DAY_NS,
        "check": terms.check,
        "sizes": list(SIZES) if terms.capacity else [1],
        "models": {name: each["interval"] for name, each in models.items()},
        "signals": {
            name: {"entry_point": each.entry_point, "settings": json.loads(each.settings_json)}
            for name, each in signals.items()
        },
    }


def _facts(
    backtest: Backtest,
    abouts: Sequence[About],
    models: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
    signals: Mapping[str, FoundSignal] = MappingProxyType({}),
) -> TrialFacts:
    """What makes this trial distinct: known before it runs, so nothing in it can say otherwise.

    With other models or signals of the house it is another one.
    """
    terms = backtest.terms
    first = min(about.first_at_ns for about in abouts)
    last = max(about.last_at_ns + about.interval.ns for about in abouts)
    start = first if terms.start_ns is None else max(first, terms.start_ns)
    end = last if terms.until_ns is None else min(last, terms.until_ns)
    settings = dict(read_choices(terms.settings_json))
    if models:
        settings["models of the house"] = {name: each["digest"] for name, each in models.items()}
    if signals:
        settings["signals of the house"] = _spelled_signals(signals)
    return TrialFacts(
        plugin_digest=backtest.plugin_digest,
        settings=spelled(settings),
        instruments=backtest.instruments,
        start_ns=start,
        end_ns=max(start, end),
    )


def _spelled_signals(signals: Mapping[str, FoundSignal]) -> Mapping[str, Sequence[str]]:
    return {name: [each.digest, each.settings_json] for name, each in sorted(signals.items())}


def _result(backtest: Backtest, header: Any) -> BacktestResult:
    """What the judge found. It is the house's own program: what it lacks is a bug."""
    chosen = header["chosen"]
    return BacktestResult(
        verdict=BacktestVerdict[header["verdict"]],
        deflated_ppm=header["deflated_ppm"],
        lacks=header["lacks"],
        trials=header["trials"],
        return_ppm=header["return_ppm"],
        holding_ppm=header["holding_ppm"],
        drawdown_ppm=header["drawdown_ppm"],
        days=header["days"],
        fills=header["fills"],
        closed_trades=header["closed_trades"],
        refusals=header["refusals"],
        fees=header["fees"],
        end_equity=header["end_equity"],
        quote=header["quote"],
        capacity_ppm=header["capacity_ppm"],
        chosen_json=spelled(json.loads(backtest.terms.settings_json) if chosen is None else chosen),
    )


def _unknown(backtest_id: BacktestId) -> Rejection:
    return Rejection(Reason.UNKNOWN_BACKTEST, "there is no such backtest", given=backtest_id)
