"""Backtests as an actor: queue, bounds, owners, restarts; and one that is really run and judged.

Where the processes only have to answer, they are small programs that speak the worker's protocol.
Checked by taking protections away: without the look at the plugin's digest before a run the changed
plugin of :func:`test_a_plugin_that_was_changed_is_not_run` runs; without ``record_trial`` in the
transaction of the result the second trial counts one; without ``ATTEMPTS_MAX`` a backtest that
ends with its house is begun again for ever.
"""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import attrs
import pytest
import trio
import trio.testing
from xache_sdk.market import Interval

from tests.plugins.test_work import command as worker_command
from tests.research.backtests import walk
from xached.actors.backtests.actor import ATTEMPTS_MAX, Backtests
from xached.actors.backtests.surroundings import (
    BacktestBounds,
    BacktestSurroundings,
    FoundPlugin,
    FoundSignal,
)
from xached.adapters.work import WorkLimits
from xached.domain.backtests import (
    Backtest,
    BacktestId,
    BacktestState,
    BacktestTerms,
    BacktestVerdict,
    FillRule,
    Phase,
)
from xached.domain.order import AccountId
from xached.domain.rejection import Reason, Rejection
from xached.research.history.about import About, list_histories
from xached.runtime.world import RealWorld
from xached.storage.backtest_book import find_backtest
from xached.storage.strategy_tables import StrategyRecords, StrategyTables
from xached.storage.trial_book import verify_trials

ADA, BEN = AccountId("ada"), AccountId("ben")
ROOT = Path(__file__).parents[2]
TERMS = BacktestTerms(
    settings_json="{}",
    histories=("walk",),
    cash="1000",
    fee_ppm=1_000,
    half_spread_ppm=100,
    slippage_ppm=100,
    impact_ppm=1_000_000,
    fill_rule=FillRule.TOUCH,
    start_ns=None,
    until_ns=None,
    train_days=21,
    test_days=14,
    check=False,
    capacity=False,
)

SPEAK = """
import json, socket, sys
sys.path[:0] = {paths!r}
from xached.runtime.work_frames import *
from xache_sdk.wire import FrameReader
daemon = socket.socket(fileno=int(sys.argv[-1]))
daemon.sendall(sealed_frame((1, 2, 6, 7)))
reader, data, ended = FrameReader(), bytearray(), False
while not ended:
    for body in reader.feed(daemon.recv(65536)):
        data += body[1:]
        ended = body[0] == FrameKind.END
request = read_document(bytes(data))
judging = "outcome" in request.blobs
digest = ""
{body}
def answer(header, **blobs):
    for each in document_frames(write_document(Document(header=header, blobs=blobs))):
        daemon.sendall(each)
if "names" in request.header:
    names = request.header["names"]
    answer({{"models": {{each: {{"interval": "5m", "digest": digest}} for each in names}}}},
           **{{each: b"shelf" for each in names}})
elif not judging:
    assert set(request.header["models"]) == set(request.blobs)
    daemon.sendall(progress_frame(500_000))
    answer({{}})
else:
    before = len(request.blobs)
    answer({header}, json=b'{{"before": %d}}' % before, trial=bytes(12))
"""
HEADER = """{"verdict": "UNPROVEN", "deflated_ppm": 400_000, "lacks": "", "trials": before,
    "return_ppm": 5, "holding_ppm": None, "drawdown_ppm": 6, "days": 70, "fills": 80,
    "closed_trades": 40, "refusals": 0, "fees": "1", "end_equity": "9", "quote": "USDT",
    "capacity_ppm": None, "chosen": None}"""
HANG = "\nif not judging:\n    import signal\n    signal.pause()\n"


def speaking(body: str = "") -> Callable[..., Sequence[str]]:
    """A process that answers at once, after doing ``body``."""
    paths = [str(ROOT), str(ROOT / "plugins" / "sdk" / "src")]
    program = SPEAK.format(paths=paths, body=body, header=HEADER)
    return lambda *_, **__: [sys.executable, "-I", "-c", program]


ABOUT = About(
    name="walk", symbol="BTC-USDT", venue="TEST", interval=Interval.M5, tick_size=Decimal("0.01"),
    lot_size=Decimal("0.001"), candles=9, first_at_ns=0, last_at_ns=10**15, fingerprint="f",
    origin="made",
)  # fmt: skip


@attrs.define
class House:
    """A file, and who takes backtests."""

    path: Path
    command: Callable[..., Sequence[str]]
    digest: str = "d1"
    bounds: BacktestBounds = attrs.field(factory=BacktestBounds)
    histories: Callable[[], Sequence[About]] = lambda: [ABOUT]
    trains: tuple[str, ...] = ()
    in_force: dict[str, str] = attrs.field(factory=dict)
    signals: dict[str, FoundSignal] = attrs.field(factory=dict)
    records: StrategyRecords = attrs.field(init=False)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Backtests]:
        """Take backtests until the block ends."""
        world = RealWorld()
        tables = StrategyTables.open(self.path / "strategies.db", bytes(16))
        lane = world.open_lane("strategies")
        self.records = StrategyRecords(tables, lane)

        async def find_plugin(name: str) -> FoundPlugin:
            await trio.lowlevel.checkpoint()
            if name != "mine":
                raise Rejection(Reason.UNKNOWN_PLUGIN, "it is not approved")
            return FoundPlugin(entry_point="backtested:Backtested", digest=self.digest)

        async def find_signals() -> Mapping[str, FoundSignal]:
            await trio.lowlevel.checkpoint()
            return dict(self.signals)

        backtests = Backtests(
            BacktestSurroundings(
                world=world,
                records=self.records,
                find_plugin=find_plugin,
                list_histories=self.histories,
                histories=self.path,
                models=self.path,
                knows_model=lambda name: name in self.trains,
                model_digest=lambda name: self.in_force.get(name, ""),
                find_signals=find_signals,
                bounds=self.bounds,
                limits=WorkLimits(memory_bytes=1 << 30, cpu_s=60),
                sandbox_min=frozenset(),
                command=self.command,
            )
        )
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(backtests.run)
                yield backtests
                nursery.cancel_scope.cancel()
        finally:
            lane.close()
            tables.close()


async def over(backtests: Backtests, backtest: Backtest) -> Backtest:
    """Watch until it is over."""
    found = backtest
    async for progress in backtests.watch(backtest.account_id, backtest.backtest_id):
        found = progress.backtest
    assert found.state.is_over
    return found


async def until_running(backtests: Backtests, backtest: Backtest) -> None:
    """Watch until it runs."""
    watching = backtests.watch(backtest.account_id, backtest.backtest_id)
    async for progress in watching:
        if progress.phase is not Phase.WAITING:
            break
    await watching.aclose()


async def test_it_is_queued_run_judged_and_kept(tmp_path: Path) -> None:
    house = House(tmp_path, speaking())
    async with house.running() as backtests:
        begun = await backtests.start(ADA, "one", "mine", TERMS)
        assert begun.state is BacktestState.QUEUED
        phases = []
        async for progress in backtests.watch(ADA, begun.backtest_id):
            phases.append(progress.phase)
        assert phases[-1] is Phase.OVER
        assert phases == sorted(phases)
        done = (await backtests.get(ADA, begun.backtest_id)).backtest
        assert done.state is BacktestState.FINISHED
        assert done.result is not None
        assert done.result.verdict is BacktestVerdict.UNPROVEN
        report, page = await backtests.report(ADA, begun.backtest_id)
        assert json.loads(report) == {"before": 1}
        assert page is None
        assert await backtests.page(ADA, None, 9) == [done]
        told = await backtests.deflated(ADA, "d1", "{ }", ["BTC-USDT"])
        assert told is not None
        assert told.deflated_ppm == 400_000


async def test_a_request_is_carried_out_once(tmp_path: Path) -> None:
    house = House(tmp_path, speaking())
    async with house.running() as backtests:
        one = await backtests.start(ADA, "one", "mine", TERMS)
        assert (await backtests.start(ADA, "one", "mine", TERMS)).backtest_id == one.backtest_id
        with pytest.raises(Rejection) as refusal:
            await backtests.start(ADA, "one", "mine", attrs.evolve(TERMS, cash="5"))
        assert refusal.value.reason is Reason.ID_REUSED
        other = await backtests.start(BEN, "one", "mine", TERMS)
        assert other.backtest_id != one.backtest_id


async def test_with_other_models_of_the_house_it_is_another_trial(tmp_path: Path) -> None:
    """Checked by leaving the digests out of the facts: then all of it was one trial."""
    held = tmp_path / "held"
    held.write_text("one")
    house = House(tmp_path, speaking(f"digest = open({str(held)!r}).read()"), trains=("a", "b"))
    settings = '{"models": ["house:a", "house:b", "text"]}'
    terms = attrs.evolve(TERMS, settings_json=settings)
    async with house.running() as backtests:
        counted = []
        for number, digest in enumerate(["one", "one", "two"]):
            held.write_text(digest)
            done = await over(backtests, await backtests.start(ADA, f"r{number}", "mine", terms))
            assert done.result is not None, done.cause
            counted.append(done.result.trials)
        assert counted == [1, 1, 2]
        unknown = attrs.evolve(TERMS, settings_json='{"models": "house:c"}')
        with pytest.raises(Rejection) as refusal:
            await backtests.start(ADA, "r9", "mine", unknown)
        assert (refusal.value.reason, refusal.value.facts["given"]) == (Reason.BACKTEST_TERMS, "c")


async def test_another_model_or_signal_of_the_house_undoes_what_was_judged(tmp_path: Path) -> None:
    """Checked: with a digest of nothing, what was judged stays whatever the house has."""
    house = House(tmp_path, speaking(), trains=("a", "b"), in_force={"a": "one", "b": "one"})
    settings = '{"models": "house:a"}'
    terms = attrs.evolve(TERMS, settings_json=settings)
    signal = FoundSignal(entry_point="s:S", digest="s1", settings_json="{}")

    async def known() -> bool:
        return await backtests.deflated(ADA, "d1", settings, ["BTC-USDT"]) is not None

    async with house.running() as backtests:
        await over(backtests, await backtests.start(ADA, "r", "mine", terms))
        assert await known()
        house.in_force["b"] = "two"
        assert await known(), "it does not ask that one"
        house.in_force["a"] = "two"
        assert not await known()
        house.in_force["a"] = "one"
        assert await known(), "what was judged is in force again"
        house.signals["s"] = signal
        assert not await known()
        await over(backtests, await backtests.start(ADA, "r2", "mine", terms))
        assert await known()
    async with house.running() as backtests:
        assert await known(), "also after a restart"
        for changed in (
            attrs.evolve(signal, digest="s2"),
            attrs.evolve(signal, settings_json='{"n": 1}'),
        ):
            house.signals["s"] = changed
            assert not await known()
        nested = await backtests.deflated(ADA, "d1", '{"models": {}}', ["BTC-USDT"])
        assert nested is None


async def test_every_result_is_judged_by_all_that_was_tried(tmp_path: Path) -> None:
    house = House(tmp_path, speaking())
    async with house.running() as backtests:
        trials = []
        for number, settings in enumerate(['{"a":1}', '{"a":2}', '{"a":1}', '{"a": 3}']):
            terms = attrs.evolve(TERMS, settings_json=settings)
            done = await over(backtests, await backtests.start(ADA, f"r{number}", "mine", terms))
            assert done.result is not None
            trials.append(done.result.trials)
        assert trials == [1, 2, 2, 3]
        other = await over(backtests, await backtests.start(BEN, "r", "mine", TERMS))
        assert other.result is not None
        assert other.result.trials == 1
    tables = StrategyTables.open(tmp_path / "strategies.db", bytes(16))
    assert tables.read(verify_trials).count == 4
    tables.close()


async def test_nobody_sees_anothers(tmp_path: Path) -> None:
    house = House(tmp_path, speaking())
    async with house.running() as backtests:
        mine = await over(backtests, await backtests.start(ADA, "one", "mine", TERMS))
        for act in (backtests.get, backtests.cancel, backtests.report):
            with pytest.raises(Rejection) as refusal:
                await act(BEN, mine.backtest_id)
            assert refusal.value.reason is Reason.UNKNOWN_BACKTEST
        with pytest.raises(Rejection):
            async for _ in backtests.watch(BEN, mine.backtest_id):
                pass
        assert await backtests.page(BEN, None, 9) == []


async def test_the_queue_and_each_owner_have_a_bound(tmp_path: Path) -> None:
    house = House(tmp_path, speaking(HANG))
    house.bounds = BacktestBounds(running_max=1, waiting_max=2, own_max=2)
    async with house.running() as backtests:
        first = await backtests.start(ADA, "one", "mine", TERMS)
        await until_running(backtests, first)
        await backtests.start(ADA, "two", "mine", TERMS)
        with pytest.raises(Rejection) as refusal:
            await backtests.start(ADA, "three", "mine", TERMS)
        assert refusal.value.reason is Reason.BACKTESTS_FULL
        last = await backtests.start(BEN, "one", "mine", TERMS)
        assert (await backtests.get(BEN, last.backtest_id)).ahead == 1
        with pytest.raises(Rejection) as refusal:
            await backtests.start(BEN, "two", "mine", TERMS)
        assert refusal.value.reason is Reason.BACKTESTS_FULL
        statistics = backtests.statistics()
        assert (statistics.running, statistics.waiting) == (1, 2)


async def test_one_that_waits_or_runs_is_canceled(tmp_path: Path) -> None:
    house = House(tmp_path, speaking(HANG))
    async with house.running() as backtests:
        first = await backtests.start(ADA, "one", "mine", TERMS)
        second = await backtests.start(ADA, "two", "mine", TERMS)
        await until_running(backtests, first)
        for each in (second, first):
            ended = await backtests.cancel(ADA, each.backtest_id)
            assert ended.state is BacktestState.CANCELED
            assert (await backtests.cancel(ADA, each.backtest_id)) == ended
            with pytest.raises(Rejection) as refusal:
                await backtests.report(ADA, each.backtest_id)
            assert refusal.value.reason is Reason.BACKTEST_STATE
        assert backtests.statistics().canceled == 2


async def test_what_cannot_run_says_why(tmp_path: Path) -> None:
    house = House(tmp_path, speaking("daemon.sendall(b'rubbish and more rubbish')"))
    async with house.running() as backtests:
        ended = await over(backtests, await backtests.start(ADA, "one", "mine", TERMS))
        assert ended.state is BacktestState.FAILED
        assert "PROTOCOL" in ended.cause
        for plugin, terms, reason in (
            ("other", TERMS, Reason.UNKNOWN_PLUGIN),
            ("mine", attrs.evolve(TERMS, histories=("none",)), Reason.UNKNOWN_HISTORY),
            ("mine", attrs.evolve(TERMS, cash="x"), Reason.BACKTEST_TERMS),
        ):
            with pytest.raises(Rejection) as refusal:
                await backtests.start(ADA, "two", plugin, terms)
            assert refusal.value.reason is reason


async def test_a_plugin_that_was_changed_is_not_run(tmp_path: Path) -> None:
    house = House(tmp_path, speaking(HANG))
    async with house.running() as backtests:
        first = await backtests.start(ADA, "one", "mine", TERMS)
        second = await backtests.start(ADA, "two", "mine", TERMS)
        await until_running(backtests, first)
        house.digest = "d2"
        await backtests.cancel(ADA, first.backtest_id)
        ended = await over(backtests, second)
        assert ended.state is BacktestState.FAILED
        assert "changed" in ended.cause


async def test_a_house_that_ends_begins_again_with_what_was_left(tmp_path: Path) -> None:
    house = House(tmp_path, speaking(HANG))
    async with house.running() as backtests:
        one = await backtests.start(ADA, "one", "mine", TERMS)
        two = await backtests.start(ADA, "two", "mine", TERMS)
        await until_running(backtests, one)
    house.command = speaking()
    async with house.running() as backtests:
        assert (await over(backtests, one)).state is BacktestState.FINISHED
        assert (await over(backtests, two)).state is BacktestState.FINISHED
        assert backtests.statistics().resumed == 1
        assert (await backtests.get(ADA, one.backtest_id)).backtest.attempts == 2


async def test_one_whose_actor_failed_is_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checked: without the torn ones in ``_resume`` it is never over, nor can it be canceled."""
    run, failed, torn = Backtests.run, 0, iter([False, True, False])

    async def supervised(backtests: Backtests) -> None:
        nonlocal failed
        try:
            await run(backtests)
        except* RuntimeError:
            failed += 1
            await run(backtests)

    def histories() -> Sequence[About]:
        if next(torn):
            raise RuntimeError("what nobody has thought of")
        return [ABOUT]

    monkeypatch.setattr(Backtests, "run", supervised)
    house = House(tmp_path, speaking(), histories=histories)
    async with house.running() as backtests:
        one = await backtests.start(ADA, "one", "mine", TERMS)
        with trio.fail_after(20):
            assert (await over(backtests, one)).state is BacktestState.FINISHED
        assert (failed, backtests.statistics().running) == (1, 0)


async def test_one_that_always_ends_with_its_house_is_given_up(tmp_path: Path) -> None:
    house = House(tmp_path, speaking(HANG))
    backtest_id = BacktestId("")
    for attempt in range(ATTEMPTS_MAX):
        async with house.running() as backtests:
            if attempt == 0:
                backtest_id = (await backtests.start(ADA, "one", "mine", TERMS)).backtest_id
            progress = await backtests.get(ADA, backtest_id)
            await until_running(backtests, progress.backtest)
    async with house.running() as backtests:
        await trio.testing.wait_all_tasks_blocked(0.05)
        ended = (await backtests.get(ADA, backtest_id)).backtest
        assert ended.state is BacktestState.INTERRUPTED
        assert "3 times" in ended.cause


async def test_an_account_that_is_erased_while_it_runs_leaves_nothing(tmp_path: Path) -> None:
    house = House(tmp_path, speaking(HANG))
    async with house.running() as backtests:
        one = await backtests.start(ADA, "one", "mine", TERMS)
        await until_running(backtests, one)
        await house.records.forget(ADA)
        with pytest.raises(Rejection):
            await backtests.cancel(ADA, one.backtest_id)
        found = await house.records.read(lambda db: find_backtest(db, one.backtest_id))
        assert found is None


async def test_a_strategy_is_really_run_and_judged(tmp_path: Path) -> None:
    from xached.research.history.history_store import HistoryStore

    store = HistoryStore(tmp_path)
    store.add("walk", walk(7, 21_000, swing=12, interval=Interval.M5, volume=10**7), "made")
    house = House(tmp_path, worker_command, histories=lambda: list_histories(tmp_path))
    async with house.running() as backtests:
        settings = '{"every": [30, 50]}'
        terms = attrs.evolve(TERMS, settings_json=settings, check=True, capacity=True)
        done = await over(backtests, await backtests.start(ADA, "one", "mine", terms))
        assert done.cause == ""
        assert done.result is not None
        assert done.result.verdict is BacktestVerdict.NOT_ENOUGH_DATA
        assert "days" in done.result.lacks
        assert json.loads(done.result.chosen_json)["every"] in (30, 50)
        report, page = await backtests.report(ADA, done.backtest_id)
        assert len(json.loads(report)["walk_forward"]) == 3
        assert page is not None
