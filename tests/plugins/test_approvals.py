"""Which plugins may run: what was approved is what runs, and what breaks its rules does not.

Checked by breaking: leaving out the comparison of files in ``judge``, the walk over the package
besides what was installed, the question of quarantine, and the count of breaches, each fails here.
"""

from __future__ import annotations

import os
import py_compile
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import apsw
import attrs
import pytest
import trio
import trio.testing

from tests.plugins.house import EveryPlugin, House, config, open_house, robot, until, until_note
from tests.plugins.test_strategies import until_trading
from xached.actors.plugins import PluginDesk
from xached.actors.strategies.actor import Strategies
from xached.adapters.distributions import Distributions, PluginUnreadable
from xached.adapters.examination import Examination
from xached.domain.capabilities import UNBOUNDED, Capabilities
from xached.domain.instrument import AssetName, Symbol
from xached.domain.order import AccountId, EndReason
from xached.domain.plugins import (
    BREACH_WINDOW_NS,
    BREACHES_MAX,
    Approval,
    Breach,
    Fingerprint,
    InstalledPlugin,
    LookAhead,
    PluginGroup,
    PluginRefused,
    PluginState,
    Quarantine,
    is_one_too_many,
    judge,
)
from xached.runtime.supervise import ActorState
from xached.runtime.world import RealWorld
from xached.simulation.plugins import InstalledByHand
from xached.storage.plugin_approvals import (
    BREACHES_KEPT,
    end_quarantine,
    note_breach,
    read_approval,
    read_quarantine,
    withdraw_approval,
    write_approval,
    write_quarantine,
)
from xached.storage.strategy_tables import StrategyRecords, StrategyTables

STRATEGY = PluginGroup.STRATEGY
PLUGIN = InstalledPlugin(
    group=STRATEGY, name="mine", entry_point="mine.a:A", distribution="d", version="1"
)
FILES = {"mine/a.py": "aa", "mine/b.py": "bb"}
FOUND = Fingerprint(files=FILES)
KEY = bytes(range(32))
LOCKED = Quarantine(cause="it broke its rules 3 times", by="", at_ns=1)


def approval(
    plugin: InstalledPlugin = PLUGIN,
    files: Mapping[str, str] = FILES,
    capabilities: Capabilities = UNBOUNDED,
) -> Approval:
    """An approval by Ann."""
    return Approval(
        plugin=plugin,
        files=files,
        capabilities=capabilities,
        look_ahead=LookAhead.PASSED,
        by="ann",
        at_ns=7,
    )


# --- the verdict ---------------------------------------------------------------------------------


def test_what_was_approved_may_run() -> None:
    verdict = judge("mine", [PLUGIN], FOUND, approval(), None)
    assert (verdict.state, verdict.may_run) == (PluginState.APPROVED, True)


def test_unknown_means_no() -> None:
    assert judge("mine", [], None, None, None).state is PluginState.NOT_INSTALLED
    verdict = judge("mine", [PLUGIN], FOUND, None, None)
    assert (verdict.state, verdict.may_run) == (PluginState.NOT_APPROVED, False)
    assert "xached admin plugins approve mine" in verdict.why


@pytest.mark.parametrize(
    ("plugin", "files", "said"),
    [
        (PLUGIN, FILES | {"mine/a.py": "ab"}, "changed: mine/a.py"),
        (PLUGIN, FILES | {"mine/c.py": "cc"}, "changed: mine/c.py"),
        (PLUGIN, {"mine/a.py": "aa"}, "changed: mine/b.py"),
        (PLUGIN, {str(n): "" for n in range(9)}, "changed: 0, 1, 2 and 8 more"),
        (attrs.evolve(PLUGIN, version="2"), FILES, "its version was 1 and is 2"),
        (attrs.evolve(PLUGIN, distribution="e"), FILES, "its distribution was d and is e"),
        (attrs.evolve(PLUGIN, entry_point="b:B"), FILES, "its entry point was mine.a:A and is b:B"),
        (PLUGIN, None, "its files cannot be read"),
    ],
)
def test_what_changed_since_is_not_approved(
    plugin: InstalledPlugin, files: Mapping[str, str] | None, said: str
) -> None:
    found = None if files is None else Fingerprint(files=files)
    verdict = judge("mine", [plugin], found, approval(), None)
    assert (verdict.state, verdict.may_run) == (PluginState.CHANGED, False)
    assert said in verdict.why


def test_of_two_that_have_one_name_none_runs() -> None:
    other = attrs.evolve(PLUGIN, distribution="evil")
    verdict = judge("mine", [PLUGIN, other], None, approval(), None, vouched=True)
    assert verdict.state is PluginState.AMBIGUOUS
    assert "d, evil" in verdict.why


def test_quarantine_is_stronger_than_approval_and_configuration() -> None:
    for vouched in (False, True):
        verdict = judge("mine", [PLUGIN], FOUND, approval(), LOCKED, vouched=vouched)
        assert (verdict.state, verdict.may_run) == (PluginState.QUARANTINED, False)
    assert judge("mine", [PLUGIN], None, None, None, vouched=True).may_run


def test_breaches_count_for_a_day() -> None:
    now_ns = 10 * BREACH_WINDOW_NS
    recent = [now_ns] * BREACHES_MAX
    assert is_one_too_many(recent, now_ns)
    assert not is_one_too_many(recent[1:], now_ns)
    assert not is_one_too_many([*recent[1:], now_ns - BREACH_WINDOW_NS], now_ns)


# --- what is installed ---------------------------------------------------------------------------


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package as an installer leaves it, found by this interpreter."""
    site = tmp_path / "site"
    package, info = site / "xache_mine", site / "mine-1.0.dist-info"
    package.mkdir(parents=True)
    info.mkdir()
    (package / "__init__.py").write_text("")
    (package / "strategy.py").write_text("raise SystemExit('imported')\n")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[xache.strategies]\nmine = xache_mine.strategy:Mine\n")
    record = ["xache_mine/__init__.py,,", "xache_mine/strategy.py,,", "mine-1.0.dist-info/RECORD,,"]
    (info / "RECORD").write_text("\n".join([*record, "gone.py,,"]))
    monkeypatch.syspath_prepend(str(site))
    return site


def mine() -> InstalledPlugin:
    """The plugin as it is found."""
    [found] = (each for each in Distributions().find() if each.name == "mine")
    return found


def test_a_plugin_is_found_without_being_imported(installed: Path) -> None:
    assert mine() == InstalledPlugin(
        group=STRATEGY,
        name="mine",
        entry_point="xache_mine.strategy:Mine",
        distribution="mine",
        version="1.0",
    )
    files = Distributions().fingerprint(mine()).files
    assert set(files) == {
        "xache_mine/__init__.py", "xache_mine/strategy.py", "mine-1.0.dist-info/RECORD", "gone.py",
    }  # fmt: skip
    assert files["gone.py"] == ""


@pytest.mark.parametrize("name", ["xache_mine/strategy.py", "xache_mine/more.py", "gone.py"])
def test_every_change_of_its_files_shows(installed: Path, name: str) -> None:
    before = Distributions().fingerprint(mine())
    with (installed / name).open("a") as file:
        file.write("pass\n")
    after = Distributions().fingerprint(mine())
    assert before.digest != after.digest
    verdict = judge("mine", [mine()], after, approval(mine(), before.files), None)
    assert f"changed: {name}" in verdict.why


def test_byte_code_that_would_run_counts(installed: Path) -> None:
    before = Distributions().fingerprint(mine())
    cache = installed / "xache_mine" / "__pycache__"
    cache.mkdir()
    (cache / "strategy.other-1.pyc").write_bytes(b"of another Python")
    assert Distributions().fingerprint(mine()) == before
    tag = sys.implementation.cache_tag
    (cache / f"strategy.{tag}.pyc").write_bytes(b"of this one")
    assert Distributions().fingerprint(mine()) != before


def test_byte_code_without_a_source_counts(installed: Path) -> None:
    """Python imports it: without this a plugin of byte code could be changed after its approval."""
    module = installed / "xache_mine" / "more.pyc"
    py_compile.compile(str(installed / "xache_mine" / "strategy.py"), cfile=str(module))
    before = Distributions().fingerprint(mine())
    assert "xache_mine/more.pyc" in before.files
    module.write_bytes(module.read_bytes() + b" ")
    assert Distributions().fingerprint(mine()) != before


def test_what_is_too_much_to_look_through_is_not(
    installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xached.adapters.distributions.BYTES_MAX", 10)
    with pytest.raises(PluginUnreadable, match="more than 10 bytes"):
        Distributions().fingerprint(mine())
    monkeypatch.setattr("xached.adapters.distributions.FILES_MAX", 2)
    with pytest.raises(PluginUnreadable, match="more than 2 files"):
        Distributions().fingerprint(mine())


@pytest.mark.parametrize(
    ("name", "text", "refused"),
    [
        ("mine.pth", "import os; os.system('true')\n", True),
        ("mine.pth", "# a comment\nimport\tos\n", True),
        ("mine.pth", "/home/ann/mine/src\n", False),
        ("sitecustomize.py", "", True),
        ("usercustomize/__init__.py", "", True),
        ("xached/daemon.py", "", True),
        ("xache_sdk/seal.py", "", True),
        ("xache/cli.py", "", True),
        ("../sitecustomize.py", "", True),
        ("../mine/more.py", "", False),
        ("xache_mine/sitecustomize.py", "", False),
    ],
)
def test_what_would_run_outside_of_its_own_process_is_no_plugin(
    installed: Path, name: str, text: str, refused: bool
) -> None:
    """Python runs some files of any installed package at its start, before a process is sealed.

    Checked: it fails without ``_check_reach``.
    """
    (installed / name).resolve().parent.mkdir(exist_ok=True)
    (installed / name).write_text(text)
    with (installed / "mine-1.0.dist-info" / "RECORD").open("a") as record:
        record.write(f"\n{name},,")
    if not refused:
        assert name in Distributions().fingerprint(mine()).files
        return
    with pytest.raises(PluginUnreadable, match=f"mine installs {name}, which runs outside"):
        Distributions().fingerprint(mine())


# --- what is kept --------------------------------------------------------------------------------


@pytest.fixture
def tables(tmp_path: Path) -> Iterator[StrategyTables]:
    """strategies.db of a house."""
    opened = StrategyTables.open(tmp_path / "strategies.db", bytes(16))
    yield opened
    opened.close()


def test_an_approval_is_kept_as_it_was_given(tables: StrategyTables) -> None:
    given = approval(
        capabilities=Capabilities(
            symbols=frozenset({Symbol("BTC-USDT")}),
            max_order_notional_units={AssetName("USDT"): 10**30},
            max_open_orders=0,
            max_intents_per_minute=5,
            reduce_only=True,
            expires_at_ns=9,
        )
    )
    tables.write(lambda db: write_approval(db, approval(), KEY))
    tables.write(lambda db: write_approval(db, given, KEY))
    assert tables.read(lambda db: read_approval(db, STRATEGY, "mine", KEY)) == given
    assert tables.read(lambda db: read_approval(db, STRATEGY, "other", KEY)) is None
    assert tables.write(lambda db: withdraw_approval(db, STRATEGY, "mine"))
    assert not tables.write(lambda db: withdraw_approval(db, STRATEGY, "mine"))
    assert tables.read(lambda db: read_approval(db, STRATEGY, "mine", KEY)) is None


def test_a_release_forgets_the_breaches(tables: StrategyTables) -> None:
    tables.write(lambda db: note_breach(db, STRATEGY, "mine", Breach.KILLED, 1))
    tables.write(lambda db: write_quarantine(db, STRATEGY, "mine", LOCKED))
    assert tables.read(lambda db: read_quarantine(db, STRATEGY, "mine")) == LOCKED
    assert tables.write(lambda db: end_quarantine(db, STRATEGY, "mine"))
    assert tables.read(lambda db: read_quarantine(db, STRATEGY, "mine")) is None
    assert tables.write(lambda db: note_breach(db, STRATEGY, "mine", Breach.KILLED, 2)) == [2]


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE plugin_approvals SET version = '2'",
        "UPDATE plugin_approvals SET name = 'yours'",
        "UPDATE plugin_approvals SET capabilities = replace(capabilities, 'false', 'true')",
        "UPDATE plugin_approvals SET seal = ''",
        "UPDATE plugin_approvals SET at_ns = at_ns + 1",
    ],
)
def test_an_approval_that_somebody_edited_approves_nothing(
    tables: StrategyTables, edit: str
) -> None:
    """Checked: without the comparison of the seal every edit is an approval."""
    tables.write(lambda db: write_approval(db, approval(), KEY))

    def found(key: bytes = KEY) -> list[Approval | None]:
        return [
            tables.read(lambda db: read_approval(db, STRATEGY, name, key))  # noqa: B023 - at once
            for name in ("mine", "yours")
        ]

    assert found() == [approval(), None]
    assert found(bytes(32)) == [None, None]
    tables.write(lambda db: db.execute(edit).fetchall())
    assert found() == [None, None]


def test_breaches_do_not_grow_without_end(tables: StrategyTables) -> None:
    def note(at_ns: int) -> Callable[[apsw.Connection], list[int]]:
        return lambda db: note_breach(db, STRATEGY, "mine", Breach.KILLED, at_ns)

    kept = [tables.write(note(at_ns)) for at_ns in range(BREACHES_KEPT + 9)]
    assert kept[-1] == list(range(BREACHES_KEPT + 8, 8, -1))


# --- with a child --------------------------------------------------------------------------------


@pytest.fixture
def clock(mock_clock: trio.testing.MockClock) -> trio.testing.MockClock:
    """Every test stops the time."""
    return mock_clock


async def unasked(
    _plugin: InstalledPlugin, _check: bool, _settings: Mapping[str, Any]
) -> Examination:
    """Nobody asks what it is."""
    raise AssertionError("it is not examined")


class Guarded:
    """A house that asks a desk, and what is installed in it."""

    def __init__(self, house: House, tables: StrategyTables) -> None:
        self.house = house
        self.tables = tables
        self.source = InstalledByHand(("acting:Acting",), FOUND)
        world = RealWorld()
        records = StrategyRecords(tables, world.open_lane("strategies"))
        self.desk = PluginDesk(records, world, KEY)
        house.around = attrs.evolve(house.around, plugins=self.desk)

    def running(self, strategies: Strategies) -> None:
        """Tell the desk who runs."""
        self.desk.serve(self.source, {STRATEGY: strategies}, unasked)

    def approve(self, capabilities: Capabilities = UNBOUNDED) -> None:
        """As an operator does."""
        [plugin] = self.source.find()
        self.tables.write(lambda db: write_approval(db, approval(plugin, FILES, capabilities), KEY))


async def test_what_is_not_approved_is_not_started_and_begins_once_it_is(
    clock: trio.testing.MockClock, tmp_path: Path, tables: StrategyTables
) -> None:
    """Checked: it starts at once when ``admit`` does not look at the verdict."""
    async with open_house(tmp_path) as house:
        guarded = Guarded(house, tables)
        guarded.running(Strategies(()))
        async with house.running(config()) as strategies:
            guarded.running(strategies)
            await until(lambda: house.status().state is ActorState.FAILED)
            assert "is not approved" in house.status().failure
            assert robot(strategies).runs == 0
            guarded.approve(Capabilities(max_open_orders=0))
            strategies.admit("acting:Acting")
            await until(lambda: robot(strategies).beyond == 1)
            await until_note(strategies, "first REFUSED CAPABILITY_OPEN_ORDERS 0")


async def test_owners_cannot_lock_a_plugin_up_for_others(tables: StrategyTables) -> None:
    """Accounts are easily had. Checked: with a lock after three of them, zoe may not run it."""
    world = RealWorld()
    lane = world.open_lane("strategies")
    desk = PluginDesk(StrategyRecords(tables, lane), world, KEY)
    source = InstalledByHand(("acting:Acting",), FOUND)
    desk.serve(source, {}, unasked)
    [plugin] = source.find()
    name, zoe = plugin.name, AccountId("zoe")
    others = [AccountId(each) for each in ("ann", "ben", "eve", "joe", "kim")]
    tables.write(lambda db: write_approval(db, approval(plugin), KEY))

    async def may(owner: AccountId) -> bool:
        try:
            await desk.admit(name, vouched=False, owner=owner)
        except PluginRefused:
            return False
        return True

    for owner in others:
        for number in range(BREACHES_MAX):
            assert await may(owner), number
            await desk.note_breach(name, Breach.KILLED, owner=owner)
    report = await desk.look(name, vouched=False)
    assert (report.verdict.may_run, report.excluded) == (True, 5)
    assert await desk.kept_from_owners() == [(PluginGroup.STRATEGY, name, 5)]
    assert [await may(each) for each in (*others, zoe)] == [False] * 5 + [True]
    for _ in range(BREACHES_MAX):
        await desk.note_breach(name, Breach.STALLED)
    report = await desk.look(name, vouched=False)
    assert report.verdict.state is PluginState.QUARANTINED, "as the operator runs it"
    assert not await may(zoe)
    await desk.release(name)
    assert [await may(each) for each in (*others, zoe)] == [True] * 6
    assert await desk.kept_from_owners() == []
    lane.close()


async def test_repeated_breaches_lock_a_plugin_up_until_it_is_released(
    clock: trio.testing.MockClock, tmp_path: Path, tables: StrategyTables
) -> None:
    """Checked: it is started for ever when ``note_breach`` writes no quarantine."""
    async with open_house(tmp_path) as house:
        guarded = Guarded(house, tables)
        guarded.approve()
        guarded.running(Strategies(()))
        async with house.running(config()) as strategies:
            guarded.running(strategies)
            for _ in range(BREACHES_MAX):
                await until_trading(house, strategies)
                child = robot(strategies).child
                assert child is not None
                os.kill(child.pid, signal.SIGKILL)
                await until(lambda: house.status().state is ActorState.PAUSING)
                await trio.testing.wait_all_tasks_blocked()
                clock.jump(60.0)
            await until(lambda: house.status().state is ActorState.FAILED)
            assert "quarantine" in house.status().failure
            assert robot(strategies).runs == BREACHES_MAX
            assert (await house.purse()).orders == []
            guarded.approve()
            strategies.admit("acting:Acting")
            await until(lambda: house.status().restarts > BREACHES_MAX)
            await until(lambda: house.status().state is ActorState.FAILED)
            assert robot(strategies).runs == BREACHES_MAX, "an approval lets nothing out"
            tables.write(lambda db: end_quarantine(db, STRATEGY, "acting:Acting"))
            strategies.admit("acting:Acting")
            await until_trading(house, strategies)


async def test_a_bug_of_a_strategy_is_no_breach(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    async with open_house(tmp_path) as house:
        seen = EveryPlugin()
        house.around = attrs.evolve(house.around, plugins=seen)
        for act in ("raise", "exit"):
            async with house.running(config(act)) as strategies:
                await until_trading(house, strategies)
                house.markets.trade()
                await until(lambda: house.status().state is ActorState.PAUSING)
        assert seen.breaches == []


async def test_a_run_ends_when_its_plugin_may_no_longer_run(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    """Checked: it trades on without ``_end_when_withdrawn``."""
    async with open_house(tmp_path) as house, house.running(config()) as strategies:
        await until_trading(house, strategies)
        strategies.withdraw("another", "not this one")
        strategies.withdraw("acting:Acting", "its approval was withdrawn")
        await until(lambda: house.status().state is ActorState.FAILED)
        assert "its approval was withdrawn" in house.status().failure
        assert (await house.purse()).orders == []
        ends = [e.reason for row in house.seen for e in row.events if hasattr(e, "reason")]
        assert EndReason.DISCONNECT in ends
        assert robot(strategies).runs == 1
