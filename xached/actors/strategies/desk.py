"""The desk where owners make, start and stop their strategies.

Theory of operation. What is wanted of a strategy is on disk before anything is done about it, and
everything that is done may be done again: opening its purse, granting its budget, giving it back,
starting its process. So a house that was killed between two steps goes on with the next one when
it starts: see :meth:`StrategyDesk.restore`. For each account one thing is done at a time, and once
begun it is finished, whether or not who asked for it still waits.

Strategies trade in their owner's name without asking the house each time who they are. So when
something comes to stand against the account, a freeze above all, whatever runs of it is paused, and
nothing of it begins until that is gone; who then wants it to go on says so. What the operator's
configuration has trade in the account waits too, and goes on by itself.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Final

import apsw
import attrs
import trio
from loguru import logger

from xached.actors.strategies.actor import Strategies, StrategyStatistics
from xached.actors.strategies.measuring import (
    gained_before_units,
    measured_elsewhere,
    purse_profit_units,
)
from xached.actors.strategies.run import insist, query_purse
from xached.actors.strategies.standing import ASK_AGAIN_S, Impediments, not_impeded, words
from xached.actors.strategies.surroundings import Grant, StrategyConfig, Surroundings
from xached.domain.instrument import AssetName
from xached.domain.market_messages import TransferFunds
from xached.domain.messages import CancelAll
from xached.domain.order import MAIN, AccountId, EndReason, Purse, account_of, make_purse
from xached.domain.portfolio import Holdings
from xached.domain.rejection import Reason, Rejection
from xached.domain.state import DAY_NS
from xached.domain.strategy_life import (
    STRATEGIES_MAX,
    Acknowledgement,
    Change,
    Evidence,
    Stage,
    Strategy,
    Wish,
    change_strategy,
    check_can,
    check_draft,
    pass_gate,
    succeed,
    unknown_strategy,
)
from xached.domain.strategy_performance import (
    DayTold,
    KnownFills,
    Performance,
    measure,
    tell_days,
)
from xached.runtime.mailbox import Closed, Expired, Overloaded
from xached.runtime.supervise import ActorState
from xached.storage.certificates import KeptCertificate
from xached.storage.order_reasons import references_of
from xached.storage.strategy_book import (
    StrategyDay,
    add_acknowledgement,
    add_profit,
    all_strategies,
    begin_edition,
    count_running,
    days_of,
    find_acknowledgement,
    find_strategy,
    note_failure,
    note_predicts,
    put_strategy,
    replace_strategy,
    strategies_of,
)
from xached.storage.strategy_tables import StrategyRecords, StrategyTablesFailed

LOOK_S: Final = 60.0
"""How often profits are looked at."""

SETTLE_S_MAX: Final = 5.0
"""So long an exchange may be busy before what is to be given back waits for the next look."""

NOTHING_TO_GIVE: Final = frozenset((Reason.UNKNOWN_PURSE, Reason.ACCOUNT_CLOSED))
"""There was never a purse, or its owner has left. After any other refusal it is asked again."""

ID_BYTES: Final = 8

Valued = Callable[[Purse], Awaitable[Holdings]]
"""What a purse holds, at the prices of now. Raises: Rejection, Overloaded, Closed."""

FillsOf = Callable[[Purse], Awaitable[KnownFills]]
"""The newest fills of a purse."""

Judged = Callable[[Strategy], Awaitable[int | None]]
"""The deflated Sharpe ratio of a strategy's backtests, in millionths; None without enough data."""


CertificatesOf = Callable[[str], Awaitable[Sequence[KeptCertificate]]]
"""The parity certificates of what is called so where it runs, the newest first. Raises: OSError."""


ForgetFiles = Callable[[Collection[str]], Awaitable[None]]
"""Removes what is in files of what is called so where it runs. May be repeated. Raises: OSError."""


MeasureAnew = Callable[[Purse, AssetName], Awaitable[None]]
"""Has the losses of a purse counted from now on. Raises: Rejection, Overloaded, Closed."""


async def no_files(_: Collection[str]) -> None:
    """There are none."""
    await trio.lowlevel.checkpoint()


async def no_certificates(_: str) -> Sequence[KeptCertificate]:
    """Nobody judges."""
    await trio.lowlevel.checkpoint()
    return ()


@attrs.frozen(kw_only=True)
class DeskBounds:
    """How many strategies of people may run at a time: each is a process."""

    running_max: int = 64
    running_per_account_max: int = 8


async def not_judged(_: Strategy) -> int | None:
    """There are no backtests to judge by."""
    await trio.lowlevel.checkpoint()
    return None


@attrs.frozen(kw_only=True)
class Seen:
    """A strategy as its owner sees it. ``running`` is None while nothing of it runs."""

    strategy: Strategy
    running: StrategyStatistics | None
    failure: str
    """What ended its last run, in a line; empty when nothing did."""
    evidence: Evidence
    acknowledged: str
    """What its owner has said to let it go live without evidence; empty for nothing."""


@attrs.frozen(kw_only=True)
class StageTold:
    """How a strategy has done in a stage: as a whole, and day by day."""

    stage: Stage
    whole: Performance
    days: Sequence[DayTold]


class StrategyDesk:
    """Owners' strategies. Any task may call; an account's changes are made one at a time."""

    def __init__(
        self,
        records: StrategyRecords,
        strategies: Strategies,
        around: Surroundings,
        valued: Valued,
        fills_of: FillsOf,
        judged: Judged = not_judged,
        bounds: DeskBounds | None = None,
        certificates: CertificatesOf = no_certificates,
        impediments: Impediments = not_impeded,
        forget_files: ForgetFiles = no_files,
        measure_anew: MeasureAnew = measured_elsewhere,
    ) -> None:
        self._measure_anew = measure_anew
        self._forget_files = forget_files
        self._impediments = impediments
        self._to_look_at: set[AccountId] = set()
        """Accounts that have changed."""
        self._changed = trio.Event()
        self._records = records
        self._strategies = strategies
        self._around = around
        self._valued = valued
        self._fills_of = fills_of
        self._judged = judged
        self._bounds = bounds or DeskBounds()
        self._certificates = certificates
        self._turns: dict[AccountId, trio.Lock] = {}
        """Of accounts for which something is done or waits: nobody waits for others' processes."""

    # --- reading -----------------------------------------------------------------------------

    async def get(self, account_id: AccountId, name: str) -> Seen:
        """One strategy. Raises: Rejection UNKNOWN_STRATEGY."""
        return await self._seen(await self._find(account_id, name))

    async def all_of(self, account_id: AccountId) -> list[Seen]:
        """All strategies of an account, oldest first: so many at most that one page has them."""
        found = await self._records.read(partial(strategies_of, account_id=account_id))
        return [await self._seen(each) for each in found]

    def operated_for(self, account_id: AccountId) -> list[StrategyStatistics]:
        """The operator's strategies that trade purses of an account, by name."""
        found = [
            each
            for each in self._strategies.statistics()
            if not each.personal and account_of(each.purse) == account_id
        ]
        return sorted(found, key=lambda each: each.name)

    async def days(self, strategy: Strategy, stage: Stage) -> list[StrategyDay]:
        """How a strategy did in a stage, day by day."""
        work = partial(days_of, strategy_id=strategy.strategy_id, stage=stage)
        return await self._records.read(work)

    async def performance(
        self, account_id: AccountId, name: str
    ) -> tuple[Strategy, Sequence[StageTold]]:
        """How a strategy has done in each stage that it has been in, paper first."""
        strategy = await self._find(account_id, name)
        found: list[StageTold] = []
        stages = ((Stage.PAPER, strategy.paper_purse), (Stage.LIVE, strategy.live_purse))
        for stage, purse in stages:
            days = await self.days(strategy, stage)
            if days or stage is strategy.stage:
                # Its live purse may have been that of a revoked one of its name.
                known = (await self._fills_of(purse)).since(strategy.created_at_ns)
                whole = measure(
                    days,
                    strategy.budget_units,
                    known.fills,
                    self._around.floor(purse).directory,
                    await self._records.read(partial(references_of, purse=purse)),
                )
                told = tell_days(days, strategy.budget_units, known)
                found.append(StageTold(stage=stage, whole=whole, days=told))
        return strategy, found

    async def parity(
        self, account_id: AccountId, name: str
    ) -> Sequence[tuple[Stage, KeptCertificate]]:
        """Whether a strategy, as it is now, did what it does when it is told the same again.

        The newest first. Raises: Rejection UNKNOWN_STRATEGY; OSError.
        """
        strategy = await self._find(account_id, name)
        found: list[tuple[Stage, KeptCertificate]] = []
        for stage in (Stage.PAPER, Stage.LIVE):
            seat = _seat(attrs.evolve(strategy, stage=stage))
            found += [(stage, each) for each in await self._certificates(seat)]
        return sorted(found, key=lambda each: each[1].to_ns, reverse=True)

    # --- changing ----------------------------------------------------------------------------

    async def create(self, draft: Strategy) -> Seen:
        """Keep a new strategy; the same once more changes nothing.

        Its id, stage and time are set here. Raises: Rejection.
        """
        check_draft(draft)
        self._check_markets(draft)
        async with self._alone(draft.account_id):
            found = await self._records.read(partial(strategies_of, account_id=draft.account_id))
            known = next((each for each in found if each.name == draft.name), None)
            if known is not None and known.stage is not Stage.REVOKED:
                _check_same(draft, known)
                return await self._seen(known)
            if known is None and len(found) >= STRATEGIES_MAX:
                raise Rejection(
                    Reason.STRATEGIES_FULL,
                    "the account has all the strategies it may have",
                    field="name",
                    given=str(len(found) + 1),
                    allowed=f"at most {STRATEGIES_MAX}",
                )
            strategy = attrs.evolve(
                draft,
                strategy_id=self._around.world.entropy(ID_BYTES).hex(),
                created_at_ns=self._around.world.now_ns(),
            )
            if known is not None:
                # The new one's purse is named alike: it would have what is there.
                if (await self._settle(known)).owes:
                    raise Rejection(
                        Reason.STRATEGY_STATE,
                        "what the last one of this name had is still given back",
                        field="name",
                        given=draft.name,
                        allowed="the same in a minute, or a new name",
                    )
                strategy = succeed(known, strategy)
                await self._records.write(partial(replace_strategy, strategy=strategy))
                return await self._seen(strategy)
            return await self._seen(await self._put(strategy))

    async def change(self, account_id: AccountId, name: str, change: Change) -> Seen:
        """Change a strategy that does not run; the same once more changes nothing.

        Raises: Rejection.
        """
        async with self._changing(account_id, name) as strategy:
            changed = change_strategy(strategy, change)
            if changed.edition == strategy.edition:
                return await self._seen(await self._put(changed))
            # What is open in the paper purse of the old one was cancelled when it ended; what is
            # said of why that happened is about the old one too.
            self._around.health.forget(f"strategy {_seat(strategy)}")
            await self._records.write(partial(begin_edition, strategy=changed))
            return await self._seen(changed)

    async def start(self, account_id: AccountId, name: str) -> Seen:
        """Run a strategy: on paper, or live where it is. Raises: Rejection."""
        async with self._changing(account_id, name) as strategy:
            can = strategy.stage in (Stage.DRAFT, Stage.PAPER) and strategy.wish is Wish.STOPPED
            check_can(strategy, "started", can)
            await self._check_owner(account_id)
            strategy = attrs.evolve(strategy, stage=Stage.PAPER, wish=Wish.RUNNING)
            return await self._begin(await self._put_running(strategy))

    async def pause(
        self, account_id: AccountId, name: str, cause: str = "its owner pauses it"
    ) -> Seen:
        """End a strategy's process and cancel its orders; its purse stays as it is."""
        async with self._changing(account_id, name) as strategy:
            check_can(strategy, "paused", strategy.wish is Wish.RUNNING)
            strategy = await self._put(attrs.evolve(strategy, wish=Wish.PAUSED, failure=""))
            await self._end(strategy, cause)
            return await self._seen(strategy)

    async def pause_on(self, purse: Purse, cause: str) -> None:
        """Pause whichever strategy trades a purse, also one of the configuration."""
        account_id = account_of(purse)
        known = await self._records.read(partial(strategies_of, account_id=account_id))
        for strategy in known:
            if strategy.purse == purse and strategy.wish is Wish.RUNNING:
                with suppress(Rejection):  # Its owner was faster.
                    await self.pause(account_id, strategy.name)
        self._strategies.stop_on(purse, cause)

    def account_changed(self, account_id: AccountId) -> None:
        """Look at once whether an account's strategies may still run."""
        self._strategies.account_changed(account_id)
        self._to_look_at.add(account_id)
        self._changed.set()

    async def resume(self, account_id: AccountId, name: str) -> Seen:
        """Go on with a strategy that is paused. Raises: Rejection."""
        async with self._changing(account_id, name) as strategy:
            check_can(strategy, "resumed", strategy.wish is Wish.PAUSED)
            await self._check_owner(account_id)
            strategy = attrs.evolve(strategy, wish=Wish.RUNNING)
            return await self._begin(await self._put_running(strategy))

    async def stop(self, account_id: AccountId, name: str) -> Seen:
        """End a strategy; one that is live gives back what it has and is on paper again."""
        async with self._changing(account_id, name) as strategy:
            # One that could not give back what it has, when it was stopped, is asked again.
            can = strategy.wish is not Wish.STOPPED or strategy.is_live
            check_can(strategy, "stopped", can)
            stopped = await self._put(attrs.evolve(strategy, wish=Wish.STOPPED, failure=""))
            await self._end(strategy, "its owner stops it")
            await self._note_last_profit(strategy)
            return await self._seen(await self._settle(stopped))

    async def revoke(self, account_id: AccountId, name: str) -> Seen:
        """End a strategy for ever; what it has goes back. Raises: Rejection."""
        async with self._changing(account_id, name) as strategy:
            check_can(strategy, "revoked", strategy.stage is not Stage.REVOKED)
            revoked = attrs.evolve(strategy, stage=Stage.REVOKED, wish=Wish.STOPPED, failure="")
            await self._put(revoked)
            await self._end(strategy, "its owner revokes it")
            await self._note_last_profit(strategy)
            return await self._seen(await self._settle(revoked))

    async def go_live(self, account_id: AccountId, name: str, acknowledgement: str) -> Seen:
        """Let a strategy trade its budget. Raises: Rejection, also for want of funds."""
        async with self._changing(account_id, name) as strategy:
            check_can(strategy, "let live", strategy.stage is Stage.PAPER)
            await self._check_owner(account_id)
            evidence = await self._evidence(strategy)
            word = pass_gate(evidence, acknowledgement, self._around.world.now_ns())
            live = attrs.evolve(
                strategy,
                stage=Stage.LIVE,
                wish=Wish.RUNNING,
                lives=strategy.lives + 1,
                swept=False,
                failure="",
                gained_before_units=await self._gained_before_units(strategy),
            )
            await self._measure_anew(live.purse, live.budget_asset)
            await self._put_running(live, word)
            await self._end(strategy, "it goes live")
            try:
                await self._around.live.prepare(_config(live))
            except Rejection:
                await self._put(attrs.evolve(live, stage=Stage.PAPER, wish=Wish.STOPPED))
                raise
            except (Overloaded, Closed):
                pass  # It is wanted, and on disk: its runs begin with that.
            return await self._begin(live)

    async def forget(self, account_id: AccountId) -> None:
        """End all strategies of an account that leaves, and forget what is known of it.

        May be repeated, also by a house that was killed meanwhile: what the files are called is
        forgotten last. Raises: OSError; StrategyTablesFailed.
        """
        async with self._alone(account_id):
            known = await self._records.read(partial(strategies_of, account_id=account_id))
            for each in known:
                await self._end(each, "its owner leaves")
            await self._forget_files([seat for each in known for seat in seats_of(each)])
            await self._records.forget(account_id)

    # --- its life ----------------------------------------------------------------------------

    async def restore(self) -> None:
        """Go on where the house was stopped, whatever it was about to do."""
        found = await self._records.read(all_strategies)
        for account_id in dict.fromkeys(each.account_id for each in found):
            # The house may have been killed between a freeze and what it brings about.
            await self._pause_impeded(account_id)
            async with self._alone(account_id):
                for strategy in await self._records.read(
                    partial(strategies_of, account_id=account_id)
                ):
                    await self._restore(strategy)

    async def _restore(self, strategy: Strategy) -> None:
        if strategy.wish is Wish.RUNNING:
            if self._strategies.find(_seat(strategy)) is None:  # Its owner was not faster.
                self._strategies.add(_config(strategy))
        elif strategy.wish is Wish.STOPPED:
            await self._settle(strategy)
        elif strategy.is_live:
            # The house may have been killed with its orders open, after it was told to pause.
            with suppress(Rejection):
                command = _cancel_all(strategy.purse)
                await self._strategies.leftovers.cancel(self._around, command)

    async def run(self) -> None:
        """Go on where the house was stopped, then look at how strategies do, until cancelled.

        May be run again when it fails, with what it was about.
        """
        await self.restore()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._guard)
            while True:
                await self._look()
                await trio.sleep(LOOK_S)

    async def _guard(self) -> None:
        """Pause what runs for accounts against which something has come to stand."""
        while True:
            await self._changed.wait()
            self._changed = trio.Event()
            for account_id in sorted(self._to_look_at):
                self._to_look_at.discard(account_id)
                try:
                    await self._pause_impeded(account_id)
                except (Overloaded, Expired, Closed, StrategyTablesFailed):
                    await trio.sleep(ASK_AGAIN_S)
                    self.account_changed(account_id)

    async def _pause_impeded(self, account_id: AccountId) -> None:
        """Raises: Overloaded, Expired, Closed, StrategyTablesFailed; perhaps nothing was done."""
        work = partial(strategies_of, account_id=account_id)
        async with self._alone(account_id):
            # What was being started may have been let in before: it runs by now.
            known = await self._records.read(work)
        running = [each for each in known if each.wish is Wish.RUNNING]
        against = await self._impediments(account_id) if running else ()
        for strategy in running if against else ():
            with suppress(Rejection):  # Its owner was faster.
                cause = words(against)
                await self.pause(account_id, strategy.name, cause)
                logger.info("strategy {} is paused: {}", strategy.strategy_id, cause)

    async def _look(self) -> None:
        try:
            for strategy in await self._records.read(all_strategies):
                if strategy.wish is Wish.RUNNING:
                    strategy = await self._note_failure(strategy)
                if strategy.wish is Wish.RUNNING and self._is_down(strategy):
                    with suppress(Rejection):  # Its owner was faster.
                        async with self._changing(strategy.account_id, strategy.name) as now:
                            if now == strategy and self._is_down(now):
                                await self._give_up(now)
                elif strategy.wish is Wish.RUNNING:
                    await self._look_at(strategy)
                elif strategy.wish is Wish.STOPPED and strategy.owes:
                    # The exchange had no room for it when it was stopped.
                    with suppress(Rejection):  # Its owner was faster.
                        async with self._changing(strategy.account_id, strategy.name) as now:
                            if now == strategy:
                                await self._settle(now)
        except StrategyTablesFailed as error:
            logger.error("how strategies do is not kept: {}", error)

    def _failure_of(self, strategy: Strategy) -> str:
        """What ended its last run: in this house, or else in the one before."""
        return self._around.health.failure_of(f"strategy {_seat(strategy)}") or strategy.failure

    async def _note_failure(self, strategy: Strategy) -> Strategy:
        failure = self._failure_of(strategy)
        if failure == strategy.failure:
            return strategy
        await self._records.write(partial(note_failure, strategy=strategy, failure=failure))
        return attrs.evolve(strategy, failure=failure)

    def _is_down(self, strategy: Strategy) -> bool:
        """Whether it has failed for good.

        One whose plugin is locked up begins again once it may, so it keeps its place among those
        that run; not so one that has never run, perhaps of a plugin that is nowhere.
        """
        name = f"strategy {_seat(strategy)}"
        failed = any(
            record.name == name and record.state is ActorState.FAILED
            for record in self._around.health.records()
        )
        return failed and (strategy.predicts is None or self._strategies.is_down(_seat(strategy)))

    async def _give_up(self, strategy: Strategy) -> None:
        """Pause it: its place is free for others. Its failure stays, also after a restart."""
        failure = self._failure_of(strategy)
        await self._put(attrs.evolve(strategy, wish=Wish.PAUSED, failure=failure))
        await self._strategies.remove(_seat(strategy), "it is down")

    async def _look_at(self, strategy: Strategy) -> None:
        running = self._strategies.find(_seat(strategy))
        if running is None or not running.ready:
            return
        if strategy.predicts != running.predicts:
            work = partial(note_predicts, strategy=strategy, predicts=running.predicts)
            await self._records.write(work)
        await self._note_profit(strategy)

    async def _note_last_profit(self, ended: Strategy) -> None:
        """Before what it holds goes back to its owner, with what that has gained."""
        if ended.is_live and ended.wish is not Wish.STOPPED:  # Else some of it may be gone.
            await self._note_profit(ended)

    async def _note_profit(self, strategy: Strategy) -> None:
        purse = strategy.purse
        try:
            holdings = await self._valued(purse)
        except (Rejection, Overloaded, Closed):
            return  # The next look tells.
        profit_units = purse_profit_units(holdings, purse, self._around.floor(purse).directory)
        if profit_units is None:
            return  # It holds what has no price: nobody knows what it has gained or lost.
        if strategy.is_live:
            profit_units -= strategy.gained_before_units
        day = self._around.world.now_ns() // DAY_NS
        await self._records.write(
            partial(add_profit, strategy=strategy, day=day, profit_units=profit_units)
        )

    async def _gained_before_units(self, live: Strategy) -> int:
        """See :mod:`xached.actors.strategies.measuring`. Raises: Rejection, Overloaded, Closed."""
        purse = live.live_purse
        try:
            holdings = await self._valued(purse)
        except Rejection as rejection:
            if rejection.reason is not Reason.UNKNOWN_PURSE:
                raise
            gained_units: int | None = 0  # It is opened now.
        else:
            directory = self._around.floor(purse).directory
            gained_units = purse_profit_units(holdings, purse, directory)
        return gained_before_units(gained_units, await self.days(live, Stage.LIVE))

    # --- parts -------------------------------------------------------------------------------

    @asynccontextmanager
    async def _alone(self, account_id: AccountId) -> AsyncIterator[None]:
        turn = self._turns.setdefault(account_id, trio.Lock())
        try:
            async with turn:
                with trio.CancelScope(shield=True):
                    yield
        finally:
            if not turn.locked():  # Nobody waits: it would be theirs.
                self._turns.pop(account_id, None)

    @asynccontextmanager
    async def _changing(self, account_id: AccountId, name: str) -> AsyncIterator[Strategy]:
        async with self._alone(account_id):
            yield await self._find(account_id, name)

    async def _check_owner(self, account_id: AccountId) -> None:
        """Whoever was let in may have been frozen since. Raises: Rejection; Overloaded; Closed."""
        try:
            against = await self._impediments(account_id)
        except Expired:
            raise Overloaded from None
        if against:
            raise Rejection(
                Reason.STRATEGY_STATE, f"the account is {' and '.join(against)}", field="account"
            )

    async def _find(self, account_id: AccountId, name: str) -> Strategy:
        work = partial(find_strategy, account_id=account_id, name=name)
        found = await self._records.read(work)
        if found is None:
            raise unknown_strategy(name)
        return found

    async def _put(self, strategy: Strategy) -> Strategy:
        await self._records.write(partial(put_strategy, strategy=strategy))
        return strategy

    async def _put_running(
        self, strategy: Strategy, word: Acknowledgement | None = None
    ) -> Strategy:
        """Keep that one is to run. Raises: Rejection STRATEGIES_FULL where too many do."""

        def work(db: apsw.Connection) -> None:
            # In the transaction that makes it one of them: others start theirs meanwhile.
            of_account, of_all = count_running(db, strategy)
            self._check_room(of_account, self._bounds.running_per_account_max, "the account")
            self._check_room(of_all, self._bounds.running_max, "the house")
            put_strategy(db, strategy)
            if word is not None:
                add_acknowledgement(db, strategy, word)

        await self._records.write(work)
        return strategy

    @staticmethod
    def _check_room(others: int, most: int, whose: str) -> None:
        if others >= most:
            raise Rejection(
                Reason.STRATEGIES_FULL,
                f"{whose} has all the strategies running that it may have: pause or stop one",
                field="name",
                given=str(others + 1),
                allowed=f"at most {most} at a time",
            )

    async def _begin(self, strategy: Strategy) -> Seen:
        """Start its process anew, also where an earlier one has failed too often."""
        await self._strategies.remove(_seat(strategy), "it begins anew")
        self._strategies.add(_config(strategy))
        return await self._seen(strategy)

    async def _end(self, strategy: Strategy, cause: str) -> None:
        """End its process; that cancels its orders."""
        await self._strategies.remove(_seat(strategy), cause)
        self._around.health.forget(f"strategy {_seat(strategy)}")

    async def _settle(self, strategy: Strategy) -> Strategy:
        """Cancel what is open and give back what a strategy has that is not live any more."""
        if not strategy.owes:
            return strategy
        purse = strategy.live_purse
        try:
            await insist(self._around, _cancel_all(purse), for_s=SETTLE_S_MAX)
            held = await query_purse(self._around, purse)
            for asset, funds in held.balances.items():
                if funds.available:
                    give_back = TransferFunds(
                        source=purse,
                        target=make_purse(strategy.account_id, MAIN),
                        asset=asset,
                        amount_units=funds.available,
                        request_id="",
                    )
                    await self._around.live.exchange.execute(give_back, account=strategy.account_id)
        except (Overloaded, Closed):
            return strategy  # The next look goes on here, or the next start of the house.
        except Rejection as rejection:
            logger.warning("strategy {}: {}", strategy.strategy_id, rejection.message)
            if rejection.reason not in NOTHING_TO_GIVE:
                return strategy  # The house is halted, say, or the purse frozen: that passes.
        if strategy.stage is Stage.REVOKED:
            return await self._put(attrs.evolve(strategy, swept=True))
        return await self._put(attrs.evolve(strategy, stage=Stage.PAPER))

    async def _evidence(self, strategy: Strategy) -> Evidence:
        running = self._strategies.find(_seat(strategy))
        predicts = strategy.predicts is not False
        if running is not None and running.ready:
            predicts = running.predicts
        return Evidence(
            deflated_sharpe_ppm=await self._judged(strategy),
            predicts=predicts,
            paper_days=len(await self.days(strategy, Stage.PAPER)),
        )

    async def _seen(self, strategy: Strategy) -> Seen:
        word: Acknowledgement | None = None
        if strategy.is_live:  # The gate asks for another one each time.
            word = await self._records.read(partial(find_acknowledgement, strategy=strategy))
        return Seen(
            strategy=strategy,
            running=self._strategies.find(_seat(strategy)),
            failure=self._failure_of(strategy),
            evidence=await self._evidence(strategy),
            acknowledged="" if word is None else word.sentence,
        )

    def _check_markets(self, strategy: Strategy) -> None:
        """Raises: Rejection UNKNOWN_INSTRUMENT, UNKNOWN_ASSET or STRATEGY_TERMS."""
        self._around.directory.asset(strategy.budget_asset)
        for symbol in strategy.symbols:
            instrument = self._around.directory.instrument(symbol)
            if instrument.quote != strategy.budget_asset:
                raise Rejection(
                    Reason.STRATEGY_TERMS,
                    "its markets are quoted in what it is given",
                    field="symbols",
                    given=symbol,
                    allowed=f"markets in {strategy.budget_asset}",
                )


def _check_same(draft: Strategy, known: Strategy) -> None:
    """Raises: Rejection ID_REUSED where the name has another meaning already."""
    same = (
        "plugin",
        "symbols",
        "settings_json",
        "budget_asset",
        "budget_units",
        "loss_limit_units",
    )
    if any(getattr(draft, each) != getattr(known, each) for each in same):
        raise Rejection(
            Reason.ID_REUSED,
            "there is another strategy of this name",
            field="name",
            given=draft.name,
            allowed="a new name, or that of one that is revoked",
        )


def seats_of(strategy: Strategy) -> list[str]:
    """What a strategy was ever called where it ran."""
    return [
        _seat(attrs.evolve(strategy, edition=edition, stage=stage))
        for edition in range(1, strategy.edition + 1)
        for stage in (Stage.PAPER, Stage.LIVE)
    ]


def _seat(strategy: Strategy) -> str:
    """What a strategy is called where it runs.

    What it saves on paper is not for money, and what an edition saves is not for others.
    """
    return (
        strategy.strategy_id + strategy.edition_suffix + ("" if strategy.is_live else " on paper")
    )


def _cancel_all(purse: Purse) -> CancelAll:
    return CancelAll(purse=purse, symbol=None, request_id="", reason=EndReason.USER)


def _config(strategy: Strategy) -> StrategyConfig:
    grant = Grant(
        grant_id=f"{strategy.strategy_id}-{strategy.lives}",
        asset=strategy.budget_asset,
        amount_units=strategy.budget_units,
        loss_limit_units=strategy.loss_limit_units,
    )
    return StrategyConfig(
        name=_seat(strategy),
        title=strategy.name,
        strategy=strategy.plugin,
        purse=strategy.purse,
        symbols=strategy.symbols,
        settings_json=strategy.settings_json,
        grant=grant,
    )
