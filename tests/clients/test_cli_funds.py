"""What purses are worth, what they were charged, and money between them, by the command."""

from __future__ import annotations

import pytest
from xache.v1 import account_pb2, analytics_pb2, trading_pb2, types_pb2, wallet_pb2

from tests.clients.command import Run, runner
from tests.clients.house import BINANCE, EMAIL, NOW_NS, PASSWORD, House


@pytest.fixture
def signed_in(
    house: House, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Run:
    monkeypatch.setenv("XACHE_PASSWORD", PASSWORD)
    run = runner(house, capsys)
    assert run("login", EMAIL).code == 0
    return run


def test_a_subaccount_is_opened_and_listed(house: House, signed_in: Run) -> None:
    ran = signed_in("subaccount", "open", "grid")
    assert ran.code == 0
    assert "xache transfer AMOUNT ASSET --to grid" in ran.err
    request = house.requests[-1]
    assert isinstance(request, account_pb2.OpenSubaccountRequest)
    assert (request.subaccount, len(request.request_id) > 8) == ("grid", True)
    assert signed_in("subaccount", "list").out.splitlines()[1:] == ["main   open", "bot    frozen"]


def test_money_is_moved_once(house: House, signed_in: Run) -> None:
    house.answers["TransferFunds"] = wallet_pb2.TransferFundsResponse(
        positions=[types_pb2.Position(symbol="BTC-USDT", quantity="0.4", cost="19.6")], seq=5
    )
    ran = signed_in("transfer", "0.4", "btc", "--to", "bot", "--subaccount", "grid", "--id", "t1")
    assert ran.out.splitlines() == [
        "moved 0.4 BTC from grid to bot",
        "  with 0.4 of BTC-USDT that cost 19.6",
    ]
    assert house.requests[-1] == wallet_pb2.TransferFundsRequest(
        subaccount="grid", target_subaccount="bot", asset="BTC", amount="0.4", request_id="t1"
    )
    house.lose_next_answers = 99
    ran = signed_in("transfer", "1", "USDT", "--to", "bot", "--id", "t2")
    assert ran.code == 4
    assert "--id t2" in ran.err


def test_a_portfolio_names_what_everything_is_valued_at(house: House, signed_in: Run) -> None:
    house.answers["GetPortfolio"] = wallet_pb2.GetPortfolioResponse(
        base_asset="USDT",
        value="1500",
        allocations=[
            wallet_pb2.Allocation(
                asset="BTC",
                quantity="0.02",
                value="1000",
                share_ppm=666_666,
                prices=[
                    wallet_pb2.AssetPrice(
                        symbol="BTC-USDT",
                        price="50000.00",
                        kind=types_pb2.PRICE_KIND_MARK,
                        source=BINANCE,
                    )
                ],
            ),
            wallet_pb2.Allocation(asset="XYZ", quantity="3"),
        ],
        change_24h="-50",
        return_24h_ppm=-32_258,
        flows_24h="100",
        realised="7",
        unrealised="3",
        return_ppm=6_711,
    )
    lines = signed_in("portfolio", "--all", "--base", "usdt").out.splitlines()
    assert lines[0] == "worth 1500 USDT"
    assert "in 24 hours   -50 USDT, -3.23 %" in lines[1]
    assert "came in       +100 USDT" in lines[2]
    assert "open profit   +3 USDT, before fees, +0.67 % with it" in lines[4]
    assert lines[-2].split() == [
        "BTC", "0.02", "1000", "66.67", "%", "50000.00", "mark", "BINANCE", "recorded",
    ]  # fmt: skip
    assert lines[-1].split() == ["XYZ", "3", "no", "price"]
    assert house.requests[-1] == wallet_pb2.GetPortfolioRequest(
        whole_account=True, base_asset="USDT"
    )
    house.answers["GetPortfolio"] = wallet_pb2.GetPortfolioResponse(
        base_asset="USDT", value="1", realised="0", unrealised="0"
    )
    assert "not known" in signed_in("portfolio").out


def test_a_performance_is_told_point_by_point(house: House, signed_in: Run) -> None:
    assert "Nothing was owned" in signed_in("performance").err
    house.answers["GetPerformance"] = analytics_pb2.GetPerformanceResponse(
        base_asset="USDT",
        points=[
            analytics_pb2.PerformancePoint(at_ns=10**18, value="100", flows="0"),
            analytics_pb2.PerformancePoint(
                at_ns=10**18 + 60 * 10**9, value="1110", flows="1000", return_ppm=100_000
            ),
        ],
        gain="10",
        flows="1000",
        return_ppm=100_000,
        max_drawdown_ppm=12_300,
    )
    ran = signed_in("performance", "--days", "7", "--points", "2", "--all", "--base", "usdt")
    lines = ran.out.splitlines()
    assert lines[0].split(maxsplit=1) == ["gained", "+10 USDT"]
    assert "+10.00 %, weighted by time" in lines[2]
    assert "1.23 %" in lines[3]
    assert lines[-1].split()[-4:] == ["1110", "+1000", "+10.00", "%"]
    asked = house.requests[-1]
    assert isinstance(asked, analytics_pb2.GetPerformanceRequest)
    assert (asked.whole_account, asked.base_asset, asked.max_points) == (True, "USDT", 2)
    assert '"gain": "10"' in signed_in("performance", "--json").out


def test_fees_are_told_with_the_next_tier(house: House, signed_in: Run) -> None:
    def tier(volume: str, maker_ppm: int, taker_ppm: int) -> types_pb2.FeeTier:
        return types_pb2.FeeTier(
            asset="USDT", min_volume=volume, maker_fee_ppm=maker_ppm, taker_fee_ppm=taker_ppm
        )

    house.answers["GetFees"] = account_pb2.GetFeesResponse(
        standings=[
            account_pb2.FeeStanding(
                asset="USDT",
                volume_30d="5000",
                tier=tier("0", 200, 1000),
                next_tier=tier("10000", 100, 800),
            )
        ]
    )
    day = wallet_pb2.FeeDay(
        date="2026-11-22", asset="USDT", maker_notional="0", maker_fee="0",
        taker_notional="4900", taker_fee="4.9", fee="4.9",
    )  # fmt: skip
    total = wallet_pb2.FeeDay(asset="USDT", fee="4.9")
    house.answers["GetFeeStatement"] = wallet_pb2.GetFeeStatementResponse(
        days=[day], totals=[total]
    )
    ran = signed_in("fees", "--from", "2026-11-01")
    lines = ran.out.splitlines()
    assert lines[0] == "USDT  5000 in 30 days: 0.02 % as maker, 0.1 % as taker, or less"
    assert lines[1] == "  from 10000 on 0.01 % and 0.08 %"
    assert "2026-11-22  USDT" in lines[3]
    assert "all days" in lines[4]
    assert house.requests[-1] == wallet_pb2.GetFeeStatementRequest(from_date="2026-11-01")


def test_a_position_is_told_with_its_worth(house: House, signed_in: Run) -> None:
    position = types_pb2.Position(
        symbol="BTC-USDT", quantity="1", cost="5", average_price="5", realised="-2",
        price="6", price_kind=types_pb2.PRICE_KIND_MARK, price_source=BINANCE, unrealised="1",
    )  # fmt: skip
    house.answers["ListPositions"] = trading_pb2.ListPositionsResponse(positions=[position])
    assert signed_in("positions").out.splitlines()[1].split()[-5:] == [
        "6", "+1", "mark", "BINANCE", "recorded",
    ]  # fmt: skip


# --- Lists and switches of orders. -----------------------------------------------------------


def test_lists_are_filtered(house: House, signed_in: Run) -> None:
    ran = signed_in(
        "order", "list", "--all", "--side", "sell", "--status", "filled", "partially-filled",
        "--since", "2026-11-22T00:00:00Z", "--until", "2026-11-23T00:00:00Z", "--limit", "2",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    request = next(
        each for each in house.requests if isinstance(each, trading_pb2.ListOrdersRequest)
    )
    assert request.side == types_pb2.SIDE_SELL
    assert list(request.statuses) == [
        types_pb2.ORDER_STATUS_FILLED,
        types_pb2.ORDER_STATUS_PARTIALLY_FILLED,
    ]
    assert request.to_ns - request.from_ns == 86_400 * 10**9
    signed_in("fills", "--side", "buy", "--since", "1d")
    fills = house.requests[-1]
    assert isinstance(fills, trading_pb2.ListFillsRequest)
    assert (fills.side, fills.from_ns > NOW_NS // 2, fills.to_ns) == (types_pb2.SIDE_BUY, True, 0)


def test_entries_alone_are_cancelled(house: House, signed_in: Run) -> None:
    for arguments, scope in (
        ((), types_pb2.CANCEL_SCOPE_ALL),
        (("--entries",), types_pb2.CANCEL_SCOPE_ENTRIES),
    ):
        assert signed_in("order", "cancel", "--all", *arguments).code == 0
        request = house.requests[-1]
        assert isinstance(request, trading_pb2.CancelAllOrdersRequest)
        assert request.scope == scope


def test_a_dead_mans_switch_is_armed_and_disarmed(house: House, signed_in: Run) -> None:
    ran = signed_in("order", "cancel-after", "90s")
    assert "armed  orders that open or increase a position end at 2026-11-22 15:06:40" in ran.out
    assert house.requests[-1] == trading_pb2.CancelAllAfterRequest(
        timeout_ms=90_000, scope=types_pb2.CANCEL_SCOPE_ENTRIES
    )
    assert signed_in("order", "cancel-after", "0").out == "off\n"
    signed_in("order", "cancel-after", "1m", "--all")
    assert house.requests[-1] == trading_pb2.CancelAllAfterRequest(
        timeout_ms=60_000, scope=types_pb2.CANCEL_SCOPE_ALL
    )
    assert signed_in("order", "cancel-after", "soon").code == 2
