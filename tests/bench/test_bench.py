"""What `xached bench` promises: its figures, its verdicts, and that its load is real."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest
from rich.console import Console
from xache.v1 import trading_pb2, types_pb2

from xached.bench import house as bench_house
from xached.bench.engine import (
    Add,
    Cancel,
    Take,
    make_book_flow,
    measure_book,
    own_calls,
    pyorderbook_calls,
    take,
)
from xached.bench.figures import (
    AtLeast,
    AtMost,
    Figure,
    NoFigures,
    Report,
    compared,
    earlier_values,
    figure_table,
)
from xached.bench.flow import make_flow
from xached.bench.grpc_load import LoadSizes, measure_grpc
from xached.bench.load_messages import BATCH_ORDERS, Way, message_maker, read_answers
from xached.bench.processes import BenchFailed
from xached.bench.run import FULL, QUICK, Part, run_bench
from xached.bench.web import Watched, measure_web, web_figures
from xached.cli import app
from xached.domain.book import Book
from xached.domain.messages import CancelOrder, PlaceOrder
from xached.domain.order import OrderId, Side, TimeInForce

REPOSITORY = Path(__file__).parents[2]

TARGETS = {
    "grpc_aio_echo_unary_per_s": None,
    "cpu_us_grpc_aio_echo": None,
    "unary_orders_per_s": None,
    "stream_orders_per_s": None,
    "batch_orders_per_s": None,
    "cpu_us_per_unary_order": None,
    "cpu_us_per_stream_order": None,
    "cpu_us_per_batch_order": None,
    "unary_over_echo": AtMost(1.0),
    "stream_over_echo": AtMost(0.5),
    "batch_over_echo": AtMost(0.2),
    "ack_p50_us_1_in_flight": None,
    "ack_p99_us_1_in_flight": None,
    "ack_p50_us_64_in_flight": None,
    "ack_p99_us_64_in_flight": None,
    "views_lag_rows": None,
    "views_catch_up_s": None,
    "orders_proved": None,
    "fanout_messages_per_s": None,
    "cpu_us_per_fanout_message": None,
    "fanout_p50_ms": None,
    "fanout_p99_ms": None,
    "fanout_slow_p99_over_alone": AtMost(2.0),
    "overload_capacity_per_s": None,
    "overload_goodput_per_s": None,
    "overload_goodput_ratio": AtLeast(0.9),
    "overload_ack_p50_ms": None,
    "overload_ack_p99_ms": None,
    "overload_wait_ratio": AtMost(5.0),
    "overload_cancels_let_in": AtLeast(1),
    "loginflood_peace_p99_ms": None,
    "loginflood_p99_ms": None,
    "loginflood_p99_ratio": AtMost(4.0),
    "loginflood_logins_per_s": None,
    "loginflood_shed": AtLeast(1),
    "engine_commands_per_s": AtLeast(80_000),
    "engine_p50_us": None,
    "engine_p99_us": AtMost(50),
    "engine_pause_ms": AtMost(10),
    "book_commands_per_s": None,
    "pyorderbook_commands_per_s": None,
    "book_over_pyorderbook": AtLeast(8),
    "recovery_events_per_s": AtLeast(50_000),
    "journal_bytes_per_order": None,
    "backtesting_py_bars_per_s": None,
    "backtest_bars_per_s": None,
    "backtest_over_backtesting_py": AtLeast(4),
    "backtest_columns_bars_per_s": None,
    "backtest_columns_over_backtesting_py": AtLeast(7),
    "backtest_wake_bars_per_s": None,
    "backtest_wake_over_backtesting_py": AtLeast(20),
    "backtest_ten_markets_bars_per_s": None,
    "backtest_ten_markets_over_backtesting_py": AtLeast(2.5),
    "replay_events_per_s": AtLeast(1_000_000),
    "backtest_fills_unlike": AtMost(0),
    "backtest_equity_unlike_cents": AtMost(0.5),
    "sweep_s": None,
    "sweep_results_unlike": AtMost(0),
    "vectorbt_sweep_s": None,
    "sweep_over_vectorbt": AtLeast(5),
    "web_first_page_s": AtMost(1.5),
    "web_frames_per_s": None,
    "web_book_drawn_per_s": AtLeast(8),
    "web_quiet_core_share": None,
    "web_book_core_share": AtMost(0.4),
    "web_heap_mb": None,
    "web_heap_last_third_over_first": AtMost(1.1),
    "desktop_empty_window_s": None,
    "desktop_start_s": AtMost(3.0),
}
"""Every figure that is published, with its target. A name that changes breaks comparisons."""


@pytest.fixture(scope="module")
def report() -> Report:
    """One whole run at sizes that prove that it works and measure nothing."""
    pytest.importorskip("pyorderbook")
    return run_bench((), QUICK)


def test_every_figure_is_measured_with_its_target(report: Report) -> None:
    found = {figure.name: figure for figure in report.figures}
    assert {name: figure.target for name, figure in found.items()} == TARGETS
    for figure in report.figures:
        if figure.value is None:  # the backtesters it is compared with are not in CI
            assert figure.note.startswith("not installed: pip install"), figure
            assert "xached[bench-backtest]" in figure.note or not os.environ.get("CI"), figure
            continue
        may_be_nothing = ("views_", "sweep_results", "web_quiet_core_share")
        assert figure.value > 0 or figure.name.startswith(may_be_nothing), figure


def test_the_report_is_json_that_can_be_compared_with(report: Report) -> None:
    document = json.loads(json.dumps(report.plain()))
    assert document["machine"]["processors"].isdigit()
    assert document["figures"]["unary_over_echo"]["target"] == "≤ 1"
    assert isinstance(document["figures"]["unary_over_echo"]["met"], bool)
    earlier = earlier_values(document)
    measured = {figure.name for figure in report.figures if figure.value is not None}
    assert set(earlier) == measured
    ratios = {each["ratio"] for each in compared(report.figures, earlier).values()}
    assert ratios == {1.0}


def test_the_client_says_what_it_used_itself(report: Report) -> None:
    rates = [figure for figure in report.figures if figure.name in (
        "grpc_aio_echo_unary_per_s", "unary_orders_per_s",
        "stream_orders_per_s", "batch_orders_per_s",
    )]  # fmt: skip
    assert len(rates) == 4
    for figure in rates:
        assert re.search(r"the client used \d+% of a processor", figure.note)


def test_the_full_sizes_are_those_of_the_published_figures() -> None:
    # Journals of at least 300,000 events, about two for each command; 10,000 resting orders.
    assert FULL.recovery_commands >= 150_000
    assert FULL.book_resting == 10_000
    assert FULL.load.rounds >= 2


# --- the load is real ------------------------------------------------------------------------


def test_the_load_places_orders_that_trade(report: Report) -> None:
    """measure_grpc itself compares answers with balances and with the verified journal."""
    (proved,) = (figure for figure in report.figures if figure.name == "orders_proved")
    assert proved.value is not None
    trades = re.match(r"([\d,]+) trades, on disk and verified", proved.note)
    assert trades is not None
    # Half of the orders take; a run may end between a seller's order and its buyer's.
    assert int(trades[1].replace(",", "")) >= 0.3 * proved.value


def test_a_load_that_is_refused_is_no_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    """Accounts that own a tenth of a bitcoin cannot sell for long."""
    monkeypatch.setitem(bench_house.GRANTS, "BTC", "0.1")
    sizes = LoadSizes(rounds=1, warm_up_s=0.05, window_s=0.3)
    with pytest.raises(BenchFailed, match=r"refused|could not be filled"):
        measure_grpc(sizes, lambda _step: None)


def test_answers_that_do_not_fit_the_balances_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the comparison in check_books the run passes: tried."""
    monkeypatch.setattr(bench_house, "QUANTITY", "0.00200")
    sizes = LoadSizes(rounds=1, warm_up_s=0.05, window_s=0.1)
    with pytest.raises(BenchFailed, match="balances moved"):
        measure_grpc(sizes, lambda _step: None)


def test_messages_are_the_orders_they_should_be() -> None:
    place = message_maker(Way.UNARY, types_pb2.SIDE_BUY, "r")
    first, second = (trading_pb2.PlaceOrderRequest.FromString(place()) for _ in range(2))
    assert (first.side, first.price, first.symbol) == (types_pb2.SIDE_BUY, "50000.00", "BTC-USDT")
    assert first.client_order_id != second.client_order_id
    enter = message_maker(Way.STREAM, types_pb2.SIDE_SELL, "r")
    entry = trading_pb2.EnterOrdersRequest.FromString(enter())
    assert entry.place.side == types_pb2.SIDE_SELL
    assert entry.place.client_order_id == first.client_order_id
    batch = trading_pb2.PlaceOrdersRequest.FromString(
        message_maker(Way.BATCH, types_pb2.SIDE_SELL, "r")()
    )
    assert len({order.client_order_id for order in batch.orders}) == BATCH_ORDERS
    assert message_maker(Way.ECHO, types_pb2.SIDE_SELL, "r")() == b""
    refused = trading_pb2.OrderResult(refusal=trading_pb2.Refusal(reason="HALTED"))
    answer = trading_pb2.PlaceOrdersResponse(results=[refused]).SerializeToString()
    assert read_answers(Way.BATCH, answer) == [refused]


def test_the_flow_is_the_same_every_time_and_mixed_as_it_says() -> None:
    flow = make_flow(2_000)
    assert flow == make_flow(2_000)
    cancels = sum(isinstance(command, CancelOrder) for command in flow.trading)
    takers = sum(
        isinstance(command, PlaceOrder) and command.time_in_force is TimeInForce.IOC
        for command in flow.trading
    )
    assert 0.3 < cancels / 2_000 < 0.45
    assert 0.07 < takers / 2_000 < 0.15


def test_the_book_flow_fills_the_book_and_plays_on_both_books() -> None:
    flow = make_book_flow(300, 1_000)
    assert len(flow) == 1_300
    assert all(isinstance(command, Add) for command in flow[:300])
    later = [type(command) for command in flow[300:]]
    assert 0.45 < later.count(Add) / 1_000 < 0.6
    assert 0.25 < later.count(Cancel) / 1_000 < 0.45
    assert 0.05 < later.count(Take) / 1_000 < 0.15


def test_both_books_are_given_the_same_work() -> None:
    other = pytest.importorskip("pyorderbook")
    flow = make_book_flow(300, 1_000)
    own_book, other_book = Book(), other.Book()
    for call, arguments in own_calls(flow, own_book):
        call(*arguments)
    for call, arguments in pyorderbook_calls(flow, other, other_book):
        call(*arguments)
    own_book.check()
    assert 200 < len(own_book) == len(other_book.order_map)
    own_lots = sum(lots for side in Side for _, _, lots in own_book.queue(side))
    assert own_lots == sum(order.quantity for order in other_book.order_map.values())


def test_a_taker_fills_what_it_wants_and_no_more() -> None:
    book = Book()
    book.add(OrderId(1), Side.SELL, 5_000_001, 10)
    book.add(OrderId(2), Side.SELL, 5_000_002, 10)
    take(book, Side.BUY, 15)
    assert book.queue(Side.SELL) == [(OrderId(2), 5_000_002, 5)]


def test_without_the_other_book_its_figures_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyorderbook", None)
    own, other, ratio = measure_book(100, 50, 2)
    assert own.value is not None
    assert other.value is None
    assert other.note.startswith("not installed")
    assert (ratio.value, ratio.met) == (None, False)


def test_a_page_that_was_told_little_is_no_measurement() -> None:
    quiet, idle = Watched(0.01, 0.2), Watched(0.05, 20.0)
    figures = {each.name: each for each in web_figures([0.4, 0.6, 0.5], quiet, idle, [1e6] * 9)}
    assert figures["web_first_page_s"].value == 0.5
    assert figures["web_book_core_share"].met is False
    assert figures["web_heap_last_third_over_first"].value == 1.0


def test_without_a_browser_its_figures_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    figures = measure_web(QUICK.web, lambda _step: None)
    assert {each.name for each in figures} == {name for name in TARGETS if name.startswith("web_")}
    assert all(each.value is None and not each.met for each in figures)


def test_a_page_that_is_not_built_is_said_at_once_and_costs_no_other_figure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Checked: without the look at the bundle a house is started and a page waited for."""

    def start(_directory: Path, pairs: int) -> Any:
        raise AssertionError("nothing is started for a page that is not there")

    monkeypatch.setattr("xached.bench.web.is_client_built", lambda: False)
    monkeypatch.setattr("xached.bench.web.measured_house", start)
    monkeypatch.setattr("xached.bench.web.shutil.which", lambda _name: "/bin/chromium")
    monkeypatch.setattr("xached.bench.web.importlib.util.find_spec", lambda _name: object())
    with pytest.raises(BenchFailed, match="make setup"):
        measure_web(QUICK.web, lambda _step: None)
    report = run_bench((Part.WEB, Part.ENGINE), QUICK)
    assert [figure.name for figure in report.figures] == [
        name for name in TARGETS if name.startswith("engine_")
    ]
    assert list(report.failed) == ["web"]
    assert "make setup" in report.plain()["failed"]["web"]


# --- verdicts --------------------------------------------------------------------------------

GOOD = Figure("rate_per_s", 100.0, "/s", AtLeast(90))
BAD = Figure("rate_per_s", 80.0, "/s", AtLeast(90))
FREE = Figure("lag_rows", 5.0, "rows")


@pytest.mark.parametrize(
    ("figure", "met"),
    [
        (GOOD, True),
        (BAD, False),
        (attrs.evolve(GOOD, value=90.0), True),
        (attrs.evolve(GOOD, void=True), False),
        (attrs.evolve(GOOD, value=None), False),
        (Figure("ratio", 0.9, "×", AtMost(1.0)), True),
        (Figure("ratio", 1.0, "×", AtMost(1.0)), True),
        (Figure("ratio", 1.1, "×", AtMost(1.0)), False),
        (FREE, None),
    ],
)
def test_a_target_is_met_or_missed(figure: Figure, met: bool | None) -> None:
    assert figure.met is met
    assert (figure in Report({}, (figure,)).missed()) is (met is False)


def test_earlier_figures_are_shown_beside_the_new_ones() -> None:
    earlier = earlier_values(Report({}, (GOOD, FREE)).plain())
    shown = text_of(figure_table((attrs.evolve(GOOD, value=110.0), FREE), earlier))
    assert re.search(r"rate_per_s +110 +/s +100 +\+10.0 % +≥ 90", shown)
    assert re.search(r"lag_rows +5 +rows +5 +\+0.0 %", shown)
    found = compared((BAD, Figure("new", 1.0, "s")), earlier)
    assert found == {"rate_per_s": {"earlier": 100.0, "now": 80.0, "ratio": 0.8}}


@pytest.mark.parametrize("document", [[], {}, {"figures": []}, 1, None])
def test_what_is_no_report_is_not_compared_with(document: Any) -> None:
    with pytest.raises(NoFigures):
        earlier_values(document)


def text_of(table: Any) -> str:
    console = Console(width=200)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


# --- the command -----------------------------------------------------------------------------


def xached(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "xached", *words], capture_output=True, text=True, check=False
    )


def pretend(
    monkeypatch: pytest.MonkeyPatch, *figures: Figure, failed: Mapping[str, str] | None = None
) -> list[list[Part]]:
    """Have the command find these figures; the parts that it was asked for."""
    asked: list[list[Part]] = []

    def measure(parts: list[Part], _sizes: object, _progress: object) -> Report:
        asked.append(parts)
        return Report({"processors": "2"}, figures, failed or {})

    monkeypatch.setattr("xached.bench.run.run_bench", measure)
    return asked


def bench(*words: str) -> int:
    """Run the command in this process; its exit code."""
    try:
        app(["bench", *words], result_action="return_value")
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def test_check_fails_below_a_target_and_only_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pretend(monkeypatch, GOOD, FREE)
    assert bench("--check") == 0
    pretend(monkeypatch, BAD, FREE)
    assert bench() == 0
    assert bench("--check") == 1
    assert "below target: rate_per_s" in capsys.readouterr().err


def test_a_part_that_failed_is_told_beside_the_others_figures(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pretend(monkeypatch, GOOD, failed={"web": "no page"})
    for words in ((), ("--check",), ("--json",)):
        assert bench(*words) == 1
        told = capsys.readouterr()
        assert "web was not measured: no page" in told.err
        assert "rate_per_s" in told.out


def test_compare_reads_what_json_wrote(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    pretend(monkeypatch, GOOD)
    assert bench("--json") == 0
    kept = tmp_path / "earlier.json"
    kept.write_text(capsys.readouterr().out)
    pretend(monkeypatch, BAD)
    assert bench("--json", "--compare", str(kept)) == 0
    assert json.loads(capsys.readouterr().out)["compared"]["rate_per_s"]["ratio"] == 0.8
    assert bench("--compare", str(kept)) == 0
    assert "-20.0 %" in capsys.readouterr().out
    kept.write_text("{}")
    assert bench("--compare", str(kept)) == 2
    assert bench("--compare", str(tmp_path / "none.json")) == 2


def test_only_measures_the_parts_that_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = pretend(monkeypatch, GOOD)
    assert bench() == 0
    assert bench("--only", "book", "--only", "engine") == 0
    assert asked == [[], [Part.BOOK, Part.ENGINE]]


def test_the_command_measures() -> None:
    done = xached("bench", "--quick", "--only", "recovery", "--json")
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)["figures"]) == {
        "recovery_events_per_s",
        "journal_bytes_per_order",
    }
    assert xached("bench", "--only", "everything").returncode != 0


def test_make_bench_runs_the_command_with_its_targets() -> None:
    """Only what make would run, since a machine under test meets no targets."""
    done = subprocess.run(
        ["make", "--dry-run", "--assume-old=setup", "bench", "ARGS=--only engine --json"],
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"]},  # Not as a part of the make that runs the tests.
        capture_output=True,
        text=True,
        check=True,
    )
    command = done.stdout.strip().splitlines()[-1].split()
    assert command[0].endswith("/xached")
    assert command[1:] == ["bench", "--check", "--only", "engine", "--json"]
    app.parse_args(command[1:])
