"""The ``xache`` command against a house over a real socket: what it prints and how it ends."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from google.rpc import code_pb2
from xache.cli import main
from xache.client import Client
from xache.v1 import account_pb2, market_pb2, signal_pb2, trading_pb2, types_pb2, wallet_pb2

from tests.clients.command import PATIENCE_S, PROGRAM, Run, runner
from tests.clients.house import (
    BINANCE,
    EMAIL,
    NOW_NS,
    PASSWORD,
    XACHE,
    House,
    bought,
    break_off,
    check,
    refuse,
)


@pytest.fixture
def run(house: House, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process, without waiting for what does not answer."""
    return runner(house, capsys)


@pytest.fixture
def signed_in(run: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("XACHE_PASSWORD", PASSWORD)
    assert run("login", EMAIL).code == 0
    return run


# --- signing in ------------------------------------------------------------------------------


def test_signing_in_keeps_the_tokens_for_the_next_command(
    house: House, signed_in: Run, home: Path
) -> None:
    ran = signed_in("whoami")
    assert ran.code == 0
    assert EMAIL in ran.out
    assert "bot  frozen" in ran.out
    file = home / "config" / "xache" / "tokens.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert PASSWORD not in file.read_text()


def test_sessions_are_listed_and_ended(house: House, signed_in: Run) -> None:
    ran = signed_in("sessions")
    assert ran.code == 0
    assert "session1  laptop  192.0.2.0/24" in ran.out
    assert "this one" in ran.out
    ran = signed_in("sessions", "--end", "session9", "--end-others", "--json")
    assert house.calls[-3:] == ["RevokeSession", "RevokeSessions", "ListSessions"]
    assert ran.document["sessions"][0]["address"] == "192.0.2.7"


def test_registering_signs_in(house: House, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XACHE_PASSWORD", PASSWORD)
    ran = run("register", EMAIL)
    assert ran.code == 0
    assert "account opened acct1" in ran.out
    assert house.calls == ["Register", "Login"]
    house.calls.clear()
    assert run("register", EMAIL, "--no-login").code == 0
    assert house.calls == ["Register"]


def test_an_address_is_confirmed_by_the_code_of_a_letter(
    house: House, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.confirms = True
    monkeypatch.setenv("XACHE_PASSWORD", PASSWORD)
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    ran = run("register", EMAIL)
    assert ran.code == 0
    assert "account opened" not in ran.out
    assert "xache confirm half-open" in ran.out + ran.err
    assert house.calls == ["Register"], "there is no account to sign in to yet"
    assert run("confirm", "half-open").code == 2
    monkeypatch.setenv("XACHE_CODE", "654321")
    assert run("confirm", "half-open").code == 1
    monkeypatch.setenv("XACHE_CODE", "123456")
    ran = run("confirm", "half-open")
    assert ran.code == 0
    assert "account opened acct1" in ran.out


def test_at_a_terminal_the_code_of_a_letter_is_asked_for(
    house: House, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.confirms = True
    monkeypatch.setenv("XACHE_PASSWORD", PASSWORD)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", lambda _prompt: "123456")
    ran = run("register", EMAIL)
    assert ran.code == 0
    assert "account opened acct1" in ran.out
    assert house.calls == ["Register", "ConfirmRegistration", "Login"]


def test_signing_in_asks_for_the_second_factor(
    house: House, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.second_factor = True
    monkeypatch.setenv("XACHE_PASSWORD", PASSWORD)
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert run("login", EMAIL).code == 2
    monkeypatch.setenv("XACHE_CODE", "654321")
    assert run("login", EMAIL).code == 1
    assert run("whoami").code == 3, "half a login is none"
    monkeypatch.setenv("XACHE_CODE", "123456")
    assert run("login", EMAIL).code == 0
    assert house.calls[-2:] == ["Login", "CompleteLogin"]
    assert run("whoami").code == 0


def test_a_password_can_come_through_a_pipe(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(PASSWORD + "\nmore\n"))
    assert run("login", EMAIL, "--password-stdin").code == 0


def test_without_a_terminal_there_is_nobody_to_ask(
    house: House, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    ran = run("login", EMAIL)
    assert ran.code == 2
    assert "XACHE_PASSWORD" in ran.err
    assert house.calls == []


def test_a_password_is_not_taken_as_an_argument(run: Run) -> None:
    assert run("login", EMAIL, PASSWORD).code == 2
    assert run("login", EMAIL, "--password", PASSWORD).code == 2


def test_a_wrong_password(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XACHE_PASSWORD", "something else entirely")
    ran = run("login", EMAIL)
    assert ran.code == 3
    assert ran.err == "not signed in CREDENTIALS: that does not fit\n"


def test_tokens_are_never_printed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XACHE_PASSWORD", PASSWORD)
    ran = run("login", EMAIL, "--json")
    assert ran.document == {"account_id": "acct1", "session_id": "session1"}


def test_signing_in_again_ends_the_session_before(house: House, signed_in: Run) -> None:
    assert signed_in("login", EMAIL).code == 0
    assert house.calls == ["Login", "Login", "RevokeSession"]


def test_signing_out(house: House, signed_in: Run) -> None:
    assert signed_in("logout").code == 0
    ran = signed_in("whoami")
    assert ran.code == 3
    assert "xache login EMAIL" in ran.err


def test_a_token_file_that_others_can_read(signed_in: Run, home: Path) -> None:
    (home / "config" / "xache" / "tokens.json").chmod(0o644)
    ran = signed_in("whoami")
    assert ran.code == 3
    assert "chmod 600" in ran.err
    # What is for everybody is still shown.
    assert signed_in("book", "BTC-USDT").code == 0


# --- how a command ends ----------------------------------------------------------------------


def refuse_tick(context: Any) -> None:
    refuse(
        context,
        code_pb2.INVALID_ARGUMENT,
        "PRICE_TICK",
        "the price is not a whole number of ticks",
        {"nearest": "1.00 or 1.01", "allowed": "a multiple of 0.01", "given": "1.001", "more": "x"},
    )


PLACE = ("order", "place", "buy", "BTC-USDT", "--quantity", "1", "--price", "1.001")


def test_a_refusal_names_what_was_given_and_what_is_allowed(house: House, signed_in: Run) -> None:
    house.fail_next = [refuse_tick]
    ran = signed_in(*PLACE)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.splitlines() == [
        "refused PRICE_TICK: the price is not a whole number of ticks",
        "  given    1.001",
        "  allowed  a multiple of 0.01",
        "  nearest  1.00 or 1.01",
        "  more     x",
    ]


def test_a_refusal_as_json(house: House, signed_in: Run) -> None:
    house.fail_next = [refuse_tick]
    ran = signed_in(*PLACE, "--json")
    assert (ran.code, ran.err) == (1, "")
    error = ran.document["error"]
    assert (error["code"], error["reason"]) == ("INVALID_ARGUMENT", "PRICE_TICK")
    assert error["facts"]["nearest"] == "1.00 or 1.01"


def test_a_bug_of_the_house(house: House, run: Run) -> None:
    house.fail_next = [
        lambda context: refuse(context, code_pb2.INTERNAL, "INTERNAL", "incident 1f2e3d")
    ]
    ran = run("markets")
    assert ran.code == 5
    assert "incident 1f2e3d" in ran.err


def test_nobody_there(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["markets", "--target", "127.0.0.1:1", "--patience", "0"])
    assert end.value.code == 4
    assert capsys.readouterr().err == (
        "no answer from 127.0.0.1:1 UNAVAILABLE: Connection refused\n"
    )


def test_an_order_without_an_answer_says_how_to_find_out(house: House, signed_in: Run) -> None:
    house.fail_next = [break_off]
    ran = signed_in(*PLACE, "--id", "mine")
    assert ran.code == 4
    assert "xache order show --id mine" in ran.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("bok",),
        ("book",),
        ("order", "place", "hold", "BTC-USDT", "--quantity", "1"),
        ("order", "place", "buy", "BTC-USDT"),
        ("order", "place", "buy", "BTC-USDT", "--quantity", "1", "--quote", "1"),
        ("order", "place", "buy", "BTC-USDT", "--quantity", "1", "--expires", "soon"),
        ("order", "cancel"),
        ("order", "cancel", "7", "--all"),
        ("order", "show"),
        ("candles", "BTC-USDT", "--interval", "2m"),
        ("trades", "BTC-USDT", "--limit", "0"),
        ("markets", "--ca", "/does/not/exist"),
    ],
)
def test_a_command_line_without_sense(house: House, run: Run, arguments: tuple[str, ...]) -> None:
    ran = run(*arguments)
    assert ran.code == 2
    assert ran.err
    assert house.calls == []


def test_options_may_stand_before_the_command(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--target", house.target, "--json", "trades", "BTC-USDT"]) == 0
    assert json.loads(capsys.readouterr().out) == {"trades": []}
    assert main([f"--target={house.target}", "trades", "BTC-USDT"]) == 0


def test_the_house_can_come_from_the_environment(
    house: House, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XACHE_TARGET", house.target)
    assert main(["trades", "BTC-USDT", "--json"]) == 0


# --- orders and the purse --------------------------------------------------------------------


def test_a_purchase_is_told_with_its_fee_and_whom_it_traded_with(
    house: House, signed_in: Run
) -> None:
    house.answers["PlaceOrder"] = bought()
    ran = signed_in("order", "place", "buy", "btc-usdt", "--quote", "50", "--id", "first-buy")
    assert ran.code == 0
    assert ran.out.splitlines() == [
        "filled  buy BTC for 50 USDT, fee included, at the market  IOC",
        "  traded     0.00081 BTC for 49.7243043 USDT, on average at 61388.03 USDT",
        "  fee        0.04972431 USDT",
        (
            "             = 0.1 % of 49.7243043 as taker, rounded up once for the whole order to "
            "0.00000001 USDT"
        ),
        "  not spent  0.22597139 USDT, too little for another lot",
        "  order      4947968  your id first-buy",
        "  accepted   2026-11-22 15:06:40 UTC",
        "",
        "  fill       price  quantity      value         fee  as     against",
        "  1208-0  61388.03   0.00001  0.6138803  0.00061389  taker  simulated",
        "  1208-1  61388.03    0.0008  49.110424  0.04911042  taker  simulated",
    ]
    assert ran.err == "Simulated: the other side was liquidity that the house simulates.\n"
    request = house.requests[-2]
    assert isinstance(request, trading_pb2.PlaceOrderRequest)
    assert (request.symbol, request.quote_quantity) == ("BTC-USDT", "50")
    assert request.type == types_pb2.ORDER_TYPE_MARKET


def test_the_terms_of_an_order_reach_the_house(house: House, signed_in: Run) -> None:
    ran = signed_in(
        *PLACE, "--tif", "gtd", "--expires", "2026-12-31T23:59:59Z", "--post-only",
        "--subaccount", "bot", "--id", "mine", "--json",
    )  # fmt: skip
    assert ran.code == 0
    request = house.requests[-1]
    assert isinstance(request, trading_pb2.PlaceOrderRequest)
    assert request == trading_pb2.PlaceOrderRequest(
        subaccount="bot",
        client_order_id="mine",
        symbol="BTC-USDT",
        side=types_pb2.SIDE_BUY,
        type=types_pb2.ORDER_TYPE_LIMIT,
        time_in_force=types_pb2.TIME_IN_FORCE_GTD,
        price="1.001",
        quantity="1",
        post_only=True,
        expires_at_ns=1_798_761_599 * 10**9,
    )
    assert ran.document["order"]["order_id"] == "7"
    assert ran.document["fills"] == []


@pytest.mark.parametrize(
    ("arguments", "order_id", "own_id"),
    [
        (("7",), "7", ""),
        (("mine",), "", "mine"),
        (("--id", "7"), "", "7"),
    ],
)
def test_an_order_is_cancelled_by_either_id(
    house: House, signed_in: Run, arguments: tuple[str, ...], order_id: str, own_id: str
) -> None:
    ran = signed_in("order", "cancel", *arguments)
    assert ran.code == 0
    assert "set free       50.05" in ran.out
    request = house.requests[-1]
    assert isinstance(request, trading_pb2.CancelOrderRequest)
    assert (request.order_id, request.client_order_id) == (order_id, own_id)


def test_all_orders_are_cancelled(house: House, signed_in: Run) -> None:
    assert signed_in("order", "cancel", "--all").out == "canceled 2 orders\n  7\n  9\n"


def test_an_unknown_order_of_digits_may_be_ones_own(house: House, signed_in: Run) -> None:
    ran = signed_in("order", "show", "7")
    assert ran.code == 1
    assert "If that is an id of your own, say --id." in ran.err


def test_an_order_that_ended_says_why(house: House, signed_in: Run) -> None:
    answer = trading_pb2.GetOrderResponse(order=bought().order)
    answer.order.status = types_pb2.ORDER_STATUS_EXPIRED
    answer.order.end_reason = types_pb2.END_REASON_NO_LIQUIDITY
    house.answers["GetOrder"] = answer
    ran = signed_in("order", "show", "first-buy")
    assert ran.out.startswith("expired (no liquidity)  buy BTC")
    assert "ended     it met the end of the book" in ran.out


def test_lists_go_over_pages_up_to_the_limit(house: House, signed_in: Run) -> None:
    ran = signed_in("order", "list", "--all", "--limit", "3", "--json")
    assert [order["order_id"] for order in ran.document["orders"]] == ["6", "5", "4"]
    ran = signed_in("order", "list")
    assert (ran.out, ran.err) == ("", "No open orders.\n")


def test_a_hold_is_told_with_its_order(house: House, signed_in: Run) -> None:
    hold = types_pb2.Hold(order_id="7", client_order_id="mine", amount="50.05")
    house.answers["GetBalances"] = wallet_pb2.GetBalancesResponse(
        balances=[
            types_pb2.Balance(asset="BTC", available="1", held="0", total="1"),
            types_pb2.Balance(
                asset="USDT", available="49.95", held="50.05", total="100", holds=[hold]
            ),
        ]
    )
    order = types_pb2.Order(
        order_id="7", symbol="BTC-USDT", side=types_pb2.SIDE_BUY,
        price="50000.00", quantity="0.002", leaves_quantity="0.001",
    )  # fmt: skip
    house.answers["ListOpenOrders"] = trading_pb2.ListOpenOrdersResponse(orders=[order])
    assert signed_in("balances").out.splitlines() == [
        "asset  available   held  total",
        "BTC            1      -      1",
        "USDT       49.95  50.05    100",
        "",
        "50.05 USDT held for order 7, your id mine",
        "  buy 0.002 BTC-USDT at 50000.00 or better",
        "  50 for the rest at its limit, 0.05 for the fee",
    ]
    document = signed_in("balances", "--json").document
    assert document["balances"][1]["holds"][0]["amount"] == "50.05"


def test_fills_positions_and_transactions(house: House, signed_in: Run) -> None:
    house.answers["ListFills"] = trading_pb2.ListFillsResponse(fills=bought().fills)
    house.answers["ListPositions"] = trading_pb2.ListPositionsResponse(
        positions=[
            types_pb2.Position(
                symbol="BTC-USDT", quantity="1", cost="5", average_price="5", realised="-2"
            )
        ]
    )
    house.answers["ListTransactions"] = wallet_pb2.ListTransactionsResponse(
        transactions=[
            wallet_pb2.Transaction(
                at_ns=NOW_NS,
                kind=wallet_pb2.TRANSACTION_KIND_DEPOSIT,
                asset="BTC",
                amount="1",
                reference="d-1",
            )
        ]
    )
    fills = signed_in("fills", "--limit", "1")
    assert fills.out.count("\n") == 2
    assert fills.out.endswith("taker  simulated\n")
    assert "BTC-USDT         1     5              5        -2" in signed_in("positions").out
    assert "2026-11-22 15:06:40  deposit      +1  BTC    d-1" in signed_in("transactions").out
    for command, key in (("fills", "fills"), ("positions", "positions")):
        assert list(signed_in(command, "--json").document) == [key]


# --- the market ------------------------------------------------------------------------------


def show_market(house: House) -> None:
    house.answers["ListTickers"] = market_pb2.ListTickersResponse(
        tickers=[
            market_pb2.Ticker(symbol="BTC-USDT", source=BINANCE, last="9.99", volume="5"),
            market_pb2.Ticker(
                symbol="BTC-USDT", source=XACHE, last="10.00", volume="0", stale=True
            ),
        ]
    )
    level = market_pb2.BookLevel(price="9.00", quantity="2")
    house.answers["GetBook"] = market_pb2.GetBookResponse(
        symbol="BTC-USDT", source=XACHE, bids=[level], sequence=3, at_ns=NOW_NS
    )
    house.answers["ListTrades"] = market_pb2.ListTradesResponse(
        trades=[
            market_pb2.Trade(
                symbol="BTC-USDT", source=source, sequence=sequence, price="10.00",
                quantity="1", taker_side=types_pb2.SIDE_SELL, at_ns=NOW_NS,
            )
            for source, sequence in ((XACHE, 2), (BINANCE, 1))
        ]
    )  # fmt: skip
    house.answers["ListCandles"] = market_pb2.ListCandlesResponse(
        symbol="BTC-USDT",
        source=XACHE,
        interval=market_pb2.INTERVAL_1M,
        candles=[
            market_pb2.Candle(open_at_ns=NOW_NS, open="1", high="2", low="1", close="2", volume="0")
        ],
    )


def test_every_figure_of_the_market_names_its_source(house: House, run: Run) -> None:
    show_market(house)
    markets = run("markets")
    assert "BTC-USDT  BINANCE recorded   9.99" in markets.out
    assert "BTC-USDT  XACHE simulated   10.00" in markets.out
    assert "stale" in markets.out
    assert "0.02 %      0.1 %" in markets.out
    assert "left out of volume" in markets.err
    assert run("book", "BTC-USDT").out.startswith("BTC-USDT  XACHE simulated  15:06:40.000 UTC")
    trades = run("trades", "BTC-USDT").out.splitlines()
    assert [line.split("  ")[-1] for line in trades[1:]] == ["BINANCE recorded", "XACHE simulated"]
    candles = run("candles", "BTC-USDT")
    assert candles.out.startswith("BTC-USDT  1m  XACHE simulated  2026-11-22 15:06:40 UTC")
    assert "simulated liquidity" in candles.err


def test_an_indicator_is_asked_for_and_shown(house: House, run: Run) -> None:
    stochastic = market_pb2.Indicator(
        name="stochastic",
        title="Stochastic oscillator",
        outputs=[
            market_pb2.IndicatorOutput(name=name, unit=market_pb2.INDICATOR_UNIT_PERCENT)
            for name in "kd"
        ],
        parameters=[market_pb2.IndicatorParameter(name="window", default_value=14)],
    )
    house.answers["ListIndicators"] = market_pb2.ListIndicatorsResponse(indicators=[stochastic])
    house.answers["ListIndicatorValues"] = market_pb2.ListIndicatorValuesResponse(
        symbol="BTC-USDT",
        source=BINANCE,
        interval=market_pb2.INTERVAL_5M,
        indicator=stochastic,
        settings=["window=5"],
        points=[market_pb2.IndicatorPoint(open_at_ns=NOW_NS, values=[200 / 3, 50.0])],
    )
    assert "stochastic  Stochastic oscillator  k %, d %  window=14" in run("indicators").out
    shown = run(
        "indicator", "btc-usdt", "Stochastic", "--interval", "5m", "--set", "window=5",
        "--set", "smooth=1", "--venue", "binance",
    )  # fmt: skip
    assert house.requests[-1] == market_pb2.ListIndicatorValuesRequest(
        symbol="BTC-USDT",
        venue="BINANCE",
        interval=market_pb2.INTERVAL_5M,
        indicator="stochastic",
        settings=["window=5", "smooth=1"],
        limit=20,
    )
    head, names, row = shown.out.splitlines()
    assert head == "BTC-USDT  5m  Stochastic oscillator  window=5  BINANCE recorded"
    assert names.split() == ["candle", "(UTC)", "k", "d"]
    assert row.split()[-4:] == ["66.66666667", "50", "still", "open"]
    house.answers["ListIndicatorValues"] = market_pb2.ListIndicatorValuesResponse(source=BINANCE)
    assert "too few candles at BINANCE" in run("indicator", "BTC-USDT", "ema").err


def test_a_pipe_gets_no_colours_boxes_or_blanks_at_the_end(house: House, signed_in: Run) -> None:
    show_market(house)
    for arguments in (
        ("markets",),
        ("book", "BTC-USDT"),
        ("trades", "BTC-USDT"),
        ("candles", "BTC-USDT"),
        ("whoami",),
        ("order", "list", "--all"),
    ):
        out = signed_in(*arguments).out
        assert "\x1b" not in out
        assert not set("━╭╮╰╯┏┓") & set(out)
        assert all(line == line.rstrip() and len(line) <= 120 for line in out.splitlines())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("markets",), market_pb2.ListInstrumentsResponse),
        (("book", "BTC-USDT"), market_pb2.GetBookResponse),
        (("candles", "BTC-USDT"), market_pb2.ListCandlesResponse),
        (("whoami",), account_pb2.GetAccountResponse),
        (("order", "cancel", "7"), trading_pb2.CancelOrderResponse),
        (("balances",), wallet_pb2.GetBalancesResponse),
    ],
)
def test_a_document_has_every_field_of_its_message(
    house: House, signed_in: Run, arguments: tuple[str, ...], message: Any, start: Start
) -> None:
    show_market(house)
    document = signed_in(*arguments, "--json").document
    fields = {field.name for field in message.DESCRIPTOR.fields if not field.has_presence}
    assert fields <= set(document)


def test_a_model_says_when_it_was_last_trained_and_why_not(house: House, signed_in: Run) -> None:
    assert "trains no models" in signed_in("model", "status").out
    trained_ns = 1_767_225_600 * 10**9
    house.answers["ListModels"] = signal_pb2.ListModelsResponse(
        models=[
            signal_pb2.Model(
                name="btc-15m", symbol="BTC-USDT", venue="BINANCE", interval="15m",
                next_at_ns=trained_ns + 7 * 86_400 * 10**9,
                in_force=signal_pb2.ModelInForce(
                    digest="ab" * 32, labels_end_ns=trained_ns, may_trade=False,
                    advice="probabilities no longer come true",
                ),
                last_attempt=signal_pb2.TrainingAttempt(
                    at_ns=trained_ns, outcome="worse: log loss +0.0100"
                ),
            ),
            signal_pb2.Model(name="eth-1h", fault="the process ended with -9"),
            signal_pb2.Model(name="new", training=True),
        ]
    )  # fmt: skip
    ran = signed_in("model", "status")
    assert ran.code == 0
    assert "last trained 2026-01-01 00:00:00, not replaced: worse: log loss +0.0100" in ran.out
    assert "advise: probabilities no longer come true" in " ".join(ran.out.split())
    assert "eth-1h: no answer from training: the process ended with -9" in ran.out
    assert "new: never trained yet" in ran.out
    asked = signed_in("model", "retrain", "new")
    assert house.calls[-1] == "TrainModel"
    assert "new will be trained" in asked.out
    listed = signed_in("model", "status", "--json").document["models"]
    assert listed[0]["lastAttempt" if "lastAttempt" in listed[0] else "last_attempt"]


def test_signals_say_what_they_say_or_why_they_say_nothing(house: House, signed_in: Run) -> None:
    assert "runs no signals" in signed_in("signals").out
    at_ns = 1_767_225_600 * 10**9
    house.answers["ListSignals"] = signal_pb2.ListSignalsResponse(
        signals=[
            signal_pb2.Signal(
                name="btc-trend", plugin="trend", version="1.2", symbols=["BTC-USDT"], running=True,
                values=[
                    signal_pb2.SignalValue(
                        name="value", value=1.5, confidence=0.25, as_of_ns=at_ns,
                        expires_at_ns=at_ns + 60 * 10**9,
                    )
                ],
            ),
            signal_pb2.Signal(name="flow", plugin="flow", why="its approval was withdrawn"),
        ]
    )  # fmt: skip
    ran = signed_in("signals")
    assert "trend 1.2" in ran.out
    assert " ".join(ran.out.split()).count("value 1.5 25% 2026-01-01 00:00:00") == 1
    assert "flow: its approval was withdrawn" in ran.out
    assert len(signed_in("signals", "--json").document["signals"]) == 2


# --- streams ---------------------------------------------------------------------------------


@attrs.frozen
class Started:
    """A command in a process of its own."""

    process: subprocess.Popen[str]

    def line(self) -> str:
        """The next line that it prints."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip("\n")

    def interrupt(self) -> tuple[int, str]:
        """Press Ctrl-C: its exit code and what it wrote to stderr."""
        self.process.send_signal(signal.SIGINT)
        _, errors = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, errors


Start = Callable[..., Started]


@pytest.fixture
def start(house: House) -> Iterator[Start]:
    """Start a command in a process of its own; none outlives the test."""
    processes: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> Started:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *arguments, "--target", house.target],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return Started(process)

    yield start
    for process in processes:
        process.kill()
        with process:
            pass


def trade(sequence: int) -> market_pb2.WatchTradesResponse:
    one = market_pb2.Trade(
        symbol="BTC-USDT", source=XACHE, sequence=sequence, price="10.00", quantity="1",
        taker_side=types_pb2.SIDE_BUY, at_ns=NOW_NS,
    )  # fmt: skip
    return market_pb2.WatchTradesResponse(trades=[one])


def test_live_trades_join_on_to_the_recent_ones_and_end_with_ctrl_c(
    house: House, start: Start
) -> None:
    show_market(house)
    house.streams["WatchTrades"] = [[trade(3)]]
    started = start("trades", "BTC-USDT", "--live", "--json")
    assert [json.loads(started.line())["sequence"] for _ in range(3)] == ["1", "2", "3"]
    assert started.interrupt() == (0, "")
    request = house.requests[-1]
    assert isinstance(request, market_pb2.WatchTradesRequest)
    assert request.after_sequence == 2


def test_a_live_book_in_a_pipe_tells_the_best_prices(house: House, start: Start) -> None:
    snapshot = market_pb2.WatchBookResponse(
        symbol="BTC-USDT",
        source=XACHE,
        sequence=1,
        at_ns=NOW_NS,
        snapshot=market_pb2.BookSnapshot(
            bids=[market_pb2.BookLevel(price="9.00", quantity="2")],
            asks=[market_pb2.BookLevel(price="11.00", quantity="1")],
        ),
    )
    house.streams["WatchBook"] = [[check(snapshot, "11.00:1,9.00:2")]]
    started = start("book", "BTC-USDT", "--live")
    assert started.line() == (
        "15:06:40.000  BTC-USDT  bid 2 @ 9.00  ask 1 @ 11.00  spread 2.00 (2000.00 bp)  "
        "XACHE simulated"
    )
    assert started.interrupt() == (0, "")


def test_an_auction_is_followed_to_its_end(house: House, start: Start) -> None:
    def gathering(**told: Any) -> market_pb2.WatchAuctionResponse:
        return market_pb2.WatchAuctionResponse(symbol="BTC-USDT", gathering=True, **told)

    quiet = market_pb2.WatchAuctionResponse(symbol="BTC-USDT")
    house.streams["WatchAuction"] = [
        [
            quiet,
            quiet,
            gathering(),
            gathering(price="50000", quantity="2", buy_imbalance="0.5", until_ns=NOW_NS),
            gathering(price="50000", quantity="2", sell_imbalance="1"),
            quiet,
            quiet,
            gathering(price="1", quantity="1", buy_imbalance="0", sell_imbalance="0"),
        ]
    ]
    started = start("auction", "btc-usdt")
    assert [started.line() for _ in range(6)] == [
        "BTC-USDT  no orders gather now; waiting",
        "BTC-USDT  nothing would trade",
        "BTC-USDT  2 would trade @ 50000, 0.5 left to buy  until 15:06:40.000 UTC",
        "BTC-USDT  2 would trade @ 50000, 1 left to sell",
        "BTC-USDT  the auction has ended",
        "BTC-USDT  1 would trade @ 1, nothing left over",
    ]
    assert started.interrupt() == (0, "")
    (request,) = (r for r in house.requests if isinstance(r, market_pb2.WatchAuctionRequest))
    assert request.symbol == "BTC-USDT"


def test_more_than_anybody_counts_is_a_slip(house: House, run: Run) -> None:
    for arguments in (("book", "BTC-USDT", "--depth"), ("trades", "BTC-USDT", "--limit")):
        ran = run(*arguments, "99999999999")
        assert ran.code == 2
        assert "Traceback" not in ran.err
    assert not house.calls


def test_what_happens_to_a_purse_is_told(house: House, signed_in: Run, start: Start) -> None:
    order = bought().order
    balance = types_pb2.Balance(asset="USDT", available="5", held="1")
    events = [
        trading_pb2.WatchPurseResponse(
            snapshot=trading_pb2.PurseSnapshot(balances=[balance], orders=[order])
        ),
        trading_pb2.WatchPurseResponse(heartbeat=trading_pb2.Heartbeat()),
        trading_pb2.WatchPurseResponse(at_ns=NOW_NS, fill=bought().fills[0]),
        trading_pb2.WatchPurseResponse(at_ns=NOW_NS, order=order),
        trading_pb2.WatchPurseResponse(
            at_ns=NOW_NS, balances=trading_pb2.PurseBalances(balances=[balance])
        ),
    ]
    house.streams["WatchPurse"] = [list(events), list(events)]
    started = start("watch")
    assert [started.line() for _ in range(4)] == [
        "the purse  5 USDT; open orders: 1",
        (
            "15:06:40.000  fill   buy 0.00001 BTC-USDT @ 61388.03 = 0.6138803, fee 0.00061389 as "
            "taker  against simulated liquidity"
        ),
        (
            "15:06:40.000  order  filled: buy BTC-USDT for 50, fee included, at the market "
            "(0.00081 traded)  first-buy"
        ),
        "15:06:40.000  funds  5 USDT free, 1 held",
    ]
    assert started.interrupt() == (0, "")
    started = start("watch", "--json")
    lines = [json.loads(started.line()) for _ in events]
    assert [next(iter(set(line) - {"seq", "at_ns", "more"})) for line in lines] == [
        "snapshot", "heartbeat", "fill", "order", "balances",
    ]  # fmt: skip
    assert started.interrupt() == (0, "")


def test_ctrl_c_while_an_order_is_under_way_says_how_to_find_out(
    house: House, signed_in: Run, start: Start
) -> None:
    def hang(context: Any) -> None:
        assert reached is not None
        reached.write_text("here")
        while context.is_active():
            pass

    reached = Path(os.environ["XDG_CONFIG_HOME"]) / "reached"
    house.fail_next = [hang]
    started = start(*PLACE, "--id", "mine")
    while not reached.exists():
        assert started.process.poll() is None
    code, errors = started.interrupt()
    assert code == 130
    assert "xache order show --id mine" in errors


def test_a_reader_that_has_seen_enough_ends_a_stream(house: House, start: Start) -> None:
    show_market(house)
    house.streams["WatchTrades"] = [[trade(number) for number in range(3, 3_000)]]
    started = start("trades", "BTC-USDT", "--live")
    assert started.line()
    assert started.process.stdout is not None
    started.process.stdout.close()
    assert started.process.wait(timeout=PATIENCE_S) == 0
    assert started.process.stderr is not None
    with started.process.stderr as errors:
        assert errors.read() == ""


# --- what makes no sense ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "target",
    ["", "127.0.0.1", ":7400", "127.0.0.1:", "127.0.0.1:abc", "127.0.0.1:0", "127.0.0.1:65536",
     "::1:7400", "unix:", "127.0.0.1:\u0667", "dns:///house:7400"],
)  # fmt: skip
def test_a_target_that_is_none_is_a_slip_of_the_hand(
    target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Checked: gRPC takes port 443 where none is given, and calls an empty one a bug."""
    with pytest.raises(SystemExit) as ended:
        main(["markets", "--target", target, "--patience", "0"])
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert "--target" in told
    assert "HOST:PORT" in told
    with pytest.raises(ValueError, match="HOST:PORT"):
        Client(target)


@pytest.mark.parametrize("target", ["house.example:7400", "[::1]:7400", "localhost:1", "unix:/x"])
def test_a_target_has_many_forms(target: str) -> None:
    with Client(target):
        pass


@pytest.mark.parametrize("before", [[], ["--target", "127.0.0.1:7"], ["--json"]])
@pytest.mark.parametrize("group", [[], ["order"], ["strategy"], ["rule"], ["subaccount"]])
def test_where_a_command_is_missing_all_are_listed(
    before: list[str], group: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Whether or not it is said which house is meant, before the group or behind it."""
    for arguments in ([*before, *group], [*group, *before]):
        assert main(arguments) == 0
        told = capsys.readouterr()
        assert "COMMAND" in told.out
        assert "╭─ Commands" in told.out
        assert told.err == ""


def test_options_may_stand_between_a_group_and_its_command(house: House, signed_in: Run) -> None:
    assert signed_in("order", "--json", "list").document == {"orders": []}


@pytest.mark.parametrize(
    "narrower",
    [("--since", "1d"), ("--until", "1d"), ("--side", "buy"), ("--status", "filled")],
)
def test_open_orders_are_not_narrowed_in_silence(signed_in: Run, narrower: tuple[str, str]) -> None:
    """Checked: they were listed all, as if none else had matched."""
    ran = signed_in("order", "list", *narrower)
    assert ran.code == 2
    assert "--all" in ran.err


def test_tls_where_there_is_none_is_named(house: House, start: Start) -> None:
    """And nothing but that is said: not what the library under gRPC writes."""
    started = start("markets", "--tls")
    assert started.process.wait(timeout=PATIENCE_S) == 4
    assert started.process.stderr is not None
    with started.process.stderr as errors:
        told = errors.read()
    assert "there is no TLS at this address" in told
    assert "SSL" not in told


# --- starting quickly ------------------------------------------------------------------------


def test_help_imports_none_of_what_only_commands_need() -> None:
    program = (
        "import sys; from xache.cli import app; app(['--help']); "
        "print([name for name in ('grpc', 'google.protobuf', 'xache.commands.market') "
        "if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.endswith("[]\n")
    assert "Exit codes: 0 done" in done.stdout


def test_help_of_one_command_tells_all_it_has_to_say(capsys: pytest.CaptureFixture[str]) -> None:
    """Checked: with the line of the list alone, nothing says where a password is read from."""
    assert main(["register", "--help"]) == 0
    assert "read from XACHE_PASSWORD" in " ".join(capsys.readouterr().out.split())
    assert main(["backtest", "-h"]) == 0
    told = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "only the tests count" in told
    for default in ("10000", "1000", "touch", "60", "20"):
        assert f"[default: {default}]" in told
    assert "[default: None]" not in told
    assert main(["--help"]) == 0
    assert "register     Open an account and sign in." in capsys.readouterr().out


def test_completion_knows_the_commands(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("SHELL", "/bin/bash")
    assert main(["--install-completion", "--shell", "bash"]) == 0
    script = next(path for path in home.rglob("*xache*") if path.is_file())
    assert "--post-only" in script.read_text()
