"""What orders meet in candles: prices, order of events, refusals. Each row is a rule."""

from __future__ import annotations

from decimal import Decimal

import pytest
from xache_sdk.market import Candles, Interval
from xache_sdk.orders import (
    Amend,
    Cancel,
    CancelAll,
    OrderUpdate,
    Place,
    Replace,
    SetTimer,
    Stop,
    TakeProfit,
    TimeInForce,
    Trail,
)
from xache_sdk.orders import OrderStatus as Status

from tests.research.backtests import (
    BUY,
    MINUTE_NS,
    SELL,
    SYMBOL,
    Scripted,
    fills,
    market,
    order,
    run,
    settings,
)
from xached.research.backtest.candle_exchange import EndlessAnswers
from xached.research.backtest.terms import FillModel
from xached.research.history.candle_set import DataError

FLAT = (100, 100, 100, 100)


def test_a_market_order_meets_the_open_of_the_next_candle() -> None:
    data = market((100, 110, 90, 105), (107, 120, 80, 90))
    assert fills(run(Scripted({0: [order("a", BUY)]}), data)) == [(1, "BUY", 107, 1_000)]


def test_a_taker_pays_half_a_spread_and_slippage_rounded_against_it() -> None:
    data = market(FLAT, (10_001, 10_001, 10_001, 10_001), (10_001,) * 4)
    strategy = Scripted({0: [order("a", BUY)], 1: [order("b", SELL)]})
    terms = settings(half_spread_ppm=100, slippage_ppm=200)  # 3.0003 ticks
    assert fills(run(strategy, data, terms)) == [
        (1, "BUY", 10_005, 1_000),
        (2, "SELL", 9_997, 1_000),
    ]


def test_an_order_that_finds_no_further_candle_meets_none() -> None:
    result = run(Scripted({0: [order("a", BUY)]}), market(FLAT))
    assert fills(result) == []
    assert result.orders == 1


@pytest.mark.parametrize(
    ("through", "low", "filled"), [(0, 95, True), (0, 96, False), (1, 95, False), (1, 94, True)]
)
def test_a_resting_order_fills_once_the_market_is_through_its_price(
    through: int, low: int, filled: bool
) -> None:
    data = market(FLAT, (100, 100, low, 100))
    result = run(Scripted({0: [order("a", BUY, price="0.95")]}), data,
                 settings(through_ticks=through))  # fmt: skip
    assert fills(result) == ([(2, "BUY", 95, 1_000)] if filled else [])
    assert all(row.maker for row in result.fills)


def test_a_gap_fills_a_resting_order_at_its_own_price_and_an_arriving_one_at_the_open() -> None:
    data = market(FLAT, FLAT, (90, 90, 90, 90))
    early = run(Scripted({0: [order("a", BUY, price="0.95")]}), data)
    assert fills(early) == [(2, "BUY", 95, 1_000)]
    late = run(Scripted({1: [order("a", BUY, price="0.95")]}), data)
    assert fills(late) == [(2, "BUY", 90, 1_000)]
    assert [row.maker for row in (*early.fills, *late.fills)] == [True, False]


def test_next_open_sees_no_other_price_of_a_candle() -> None:
    data = market(FLAT, (100, 150, 50, 100), (95, 150, 50, 100), (94, 94, 94, 94))
    terms = settings(fill_model=FillModel.NEXT_OPEN, through_ticks=1)
    assert fills(run(Scripted({0: [order("a", BUY, price="0.95")]}), data, terms)) == [
        (3, "BUY", 95, 1_000)
    ]


def test_what_is_held_meets_the_low_first_and_the_stop_comes_before_the_profit() -> None:
    """The worse way through a candle is assumed: it is not known which way the price went."""
    data = market(FLAT, FLAT, (100, 120, 80, 110))
    both = [
        order("stop", SELL, trigger=Stop(Decimal("0.90"))),
        order("profit", SELL, price="1.15", reduce_only=True),
    ]
    bought = {0: [order("in", BUY, "2")], 1: both}
    strategy = Scripted(bought)
    result = run(strategy, data)
    assert fills(result) == [
        (1, "BUY", 100, 2_000), (3, "SELL", 90, 1_000), (3, "SELL", 115, 1_000),
    ]  # fmt: skip


def test_without_a_position_the_high_comes_first() -> None:
    data = market(FLAT, (100, 120, 80, 100))
    orders = [
        order("low", BUY, price="0.85"),
        order("high", BUY, trigger=Stop(Decimal("1.10"))),
    ]
    assert fills(run(Scripted({0: orders}), data)) == [
        (2, "BUY", 110, 1_000),
        (2, "BUY", 85, 1_000),
    ]


def test_on_one_leg_orders_are_reached_by_price_and_then_by_age() -> None:
    data = market(FLAT, (100, 100, 80, 100))
    orders = [
        order("far", BUY, "1", "0.85"),
        order("near", BUY, "2", "0.90"),
        order("near-2", BUY, "3", "0.90"),
    ]
    assert [row[3] for row in fills(run(Scripted({0: orders}), data))] == [2_000, 3_000, 1_000]


def test_a_jumped_stop_starts_at_the_open_and_pays_like_a_taker() -> None:
    data = market(FLAT, FLAT, (80, 85, 75, 80))
    strategy = Scripted({
        0: [order("in", BUY)], 1: [order("s", SELL, trigger=Stop(Decimal("0.90")))],
    })  # fmt: skip
    result = run(strategy, data, settings(slippage_ppm=12_500))
    assert fills(result)[1] == (2, "SELL", 79, 1_000)
    assert strategy.told("s") == ["UNTRIGGERED", "TRIGGERED", "FILLED"]


def test_a_stop_that_the_market_has_passed_is_refused() -> None:
    strategy = Scripted({0: [order("s", BUY, trigger=Stop(Decimal("1.00")))]})
    result = run(strategy, market(FLAT, FLAT))
    assert strategy.told("s") == ["REFUSED TRIGGER_PASSED"]
    assert result.refusals == {"TRIGGER_PASSED": 1}


def test_a_stop_limit_rests_after_its_trigger_when_the_market_ran_away() -> None:
    data = market(FLAT, FLAT, (100, 100, 80, 95))
    strategy = Scripted({
        0: [order("in", BUY)],
        1: [order("s", SELL, price="0.92", trigger=Stop(Decimal("0.90")))],
    })  # fmt: skip
    assert fills(run(strategy, data))[1] == (3, "SELL", 92, 1_000)
    assert strategy.told("s") == ["UNTRIGGERED", "OPEN", "FILLED"]


def test_a_take_profit_starts_from_the_other_side() -> None:
    data = market(FLAT, FLAT, (100, 111, 100, 105))
    strategy = Scripted({
        0: [order("in", BUY)], 1: [order("t", SELL, trigger=TakeProfit(Decimal("1.10")))],
    })  # fmt: skip
    assert fills(run(strategy, data))[1] == (3, "SELL", 110, 1_000)


def test_a_trailing_stop_follows_to_the_high_and_starts_on_the_way_back() -> None:
    data = market(FLAT, FLAT, (100, 150, 100, 140), (140, 141, 139, 140), (140, 140, 130, 131))
    strategy = Scripted({
        0: [order("in", BUY)], 1: [order("t", SELL, trigger=Trail(offset=Decimal("0.12")))],
    })  # fmt: skip
    assert fills(run(strategy, data))[1] == (5, "SELL", 138, 1_000)


def test_a_trailing_stop_waits_for_its_activation() -> None:
    data = market(FLAT, FLAT, (100, 108, 85, 100), (100, 120, 100, 118), (118, 118, 100, 100))
    trail = Trail(bps=1_000, activation_price=Decimal("1.10"))
    strategy = Scripted({0: [order("in", BUY)], 1: [order("t", SELL, trigger=trail)]})
    assert fills(run(strategy, data))[1] == (5, "SELL", 108, 1_000)


def test_times_in_force() -> None:
    data = market(FLAT, (100, 100, 50, 100), (100, 100, 50, 100), (100, 100, 50, 100))
    strategy = Scripted({
        0: [
            order("ioc", BUY, price="0.90", time_in_force=TimeInForce.IOC),
            order("fok", BUY, "60", "1.00", time_in_force=TimeInForce.FOK),
            order("post", BUY, price="1.00", post_only=True),
            order("slide", BUY, price="1.00", post_only=True, slide=True),
            order("gtd", BUY, price="0.40", expires_at_ns=3 * MINUTE_NS),
        ],
    })  # fmt: skip
    result = run(strategy, data, settings(max_volume_ppm=100_000, through_ticks=1))
    assert strategy.told("ioc") == ["OPEN", "EXPIRED IOC"]
    assert strategy.told("fok") == ["OPEN", "FILLED"]
    assert strategy.told("post") == ["OPEN", "CANCELED POST_ONLY"]
    assert strategy.told("slide") == ["OPEN", "FILLED"]
    assert strategy.told("gtd") == ["OPEN", "EXPIRED TIME"]
    assert fills(result) == [(1, "BUY", 100, 60_000), (2, "BUY", 99, 1_000)]


def test_no_more_trades_than_a_part_of_the_volume() -> None:
    rows = [FLAT, FLAT, (100, 100, 90, 100), (100, 100, 90, 100), FLAT]
    data = market(*rows, volume=10_000)
    strategy = Scripted({
        0: [order("m", BUY, "1.5"), order("l", BUY, "1.5", "0.95")],
    })  # fmt: skip
    result = run(strategy, data, settings(max_volume_ppm=100_000))
    assert fills(result) == [
        (1, "BUY", 100, 1_000), (3, "BUY", 95, 1_000), (4, "BUY", 95, 500),
    ]  # fmt: skip
    assert strategy.told("m") == ["EXPIRED NO_LIQUIDITY"]
    assert strategy.told("l") == ["OPEN", "PARTIALLY_FILLED", "FILLED"]


def test_nobody_spends_what_is_not_there() -> None:
    strategy = Scripted({
        0: [
            order("rich", BUY, "11"),
            order("hold", BUY, "9", "0.90"),
            order("held", BUY, "2", "0.99"),
            order("bare", SELL, "1"),
            order("naked", SELL, "1", "1.10"),
        ],
    })  # fmt: skip
    result = run(strategy, market(FLAT, FLAT), settings("10"))
    assert strategy.told("rich") == ["REFUSED INSUFFICIENT_FUNDS"]
    assert strategy.told("hold") == ["OPEN"]
    assert strategy.told("held") == ["OPEN"] or strategy.told("held") == [
        "REFUSED INSUFFICIENT_FUNDS"
    ]
    assert strategy.told("bare") == ["REFUSED INSUFFICIENT_FUNDS"]
    assert strategy.told("naked") == ["REFUSED INSUFFICIENT_FUNDS"]
    assert fills(result) == []


def test_an_order_by_quote_buys_what_fits_with_its_fee_and_sells_what_brings_it() -> None:
    data = market(*[FLAT] * 4, fee_ppm=1_000)
    strategy = Scripted({
        0: [order("b", BUY, None, quote_quantity=Decimal(5))],
        1: [order("s", SELL, None, quote_quantity=Decimal(2))],
        2: [order("x", SELL, None, quote_quantity=Decimal(50))],
    })  # fmt: skip
    result = run(strategy, data)
    # 4.995 cost 4.999995; 2.003 bring 2.000997, 2.002 would bring 1.999998.
    assert fills(result) == [(1, "BUY", 100, 4_995), (2, "SELL", 100, 2_003)]
    assert strategy.told("x") == ["REFUSED INSUFFICIENT_FUNDS"]


def test_reduce_only_orders_never_sell_more_than_the_position() -> None:
    data = market(FLAT, FLAT, (100, 112, 100, 110), FLAT)
    strategy = Scripted({
        0: [order("in", BUY, "2")],
        1: [
            order("r1", SELL, "1", "1.20", reduce_only=True),
            order("r2", SELL, "1", "1.21", reduce_only=True),
            order("r3", SELL, "1", "1.22", reduce_only=True),
        ],
        2: [Cancel("r1"), order("out", SELL, "1")],
    })  # fmt: skip
    run(strategy, data)
    assert strategy.told("r3") == ["REFUSED REDUCE_ONLY"]
    assert strategy.told("r1") == ["OPEN", "CANCELED USER"]
    assert strategy.told("out") == ["FILLED"]
    assert strategy.told("r2") == ["OPEN"]


def test_steps_and_forms_are_refused_by_name() -> None:
    strategy = Scripted({
        0: [
            order("lot", BUY, "0.0001"),
            order("tick", BUY, "1", "0.905"),
            order("where", BUY, symbol="ETH-USDT"),
            order("past", BUY, price="0.90", expires_at_ns=1),
            order("shows", BUY, "1", "0.90", display_quantity=Decimal("2")),
        ],
    })  # fmt: skip
    result = run(strategy, market(FLAT, FLAT))
    assert result.refusals == {
        "QUANTITY_LOT": 1, "PRICE_TICK": 1, "UNKNOWN_INSTRUMENT": 1, "EXPIRY_PAST": 1,
        "QUANTITY_RANGE": 1,
    }  # fmt: skip


def test_who_wants_another_history_is_told_which_there_are() -> None:
    strategy = Scripted({}, subscriptions=[Candles(SYMBOL, "XACHE", Interval.M5)])
    with pytest.raises(DataError, match=r"strategy 1 wants; there is BTC-USDT TEST 1m$"):
        run(strategy, market(FLAT))


def test_an_id_is_used_once_in_a_run() -> None:
    """As live, where the second would be taken for a retry of the first and never trade."""
    strategy = Scripted({
        0: [order("m", BUY), order("m", BUY), order("r", BUY, "1", "0.90")],
        1: [
            order("m", SELL),
            order("r", BUY, "1", "0.80"),
            Replace(id="r", new_id="m", symbol=SYMBOL, price=Decimal("0.85")),
            order("poor", BUY, "9", "9999999"),
            order("poor", BUY, "1", "0.50"),
        ],
    })  # fmt: skip
    result = run(strategy, market(*[FLAT] * 4))
    assert fills(result) == [(1, "BUY", 100, 1_000)]
    assert strategy.told("m") == ["REFUSED ID_REUSED", "FILLED", "REFUSED ID_REUSED"]
    assert strategy.told("r") == ["OPEN", "REFUSED ID_REUSED"]
    # What was refused has used up no id.
    assert strategy.told("poor") == ["REFUSED PRICE_BAND", "OPEN"]
    assert result.refusals == {"ID_REUSED": 4, "PRICE_BAND": 1}


def test_orders_are_cancelled_amended_and_replaced() -> None:
    data = market(*[FLAT] * 3, (100, 100, 80, 90), FLAT)
    strategy = Scripted({
        0: [
            order("a", BUY, "3", "0.90"),
            order("b", BUY, "1", "0.85"),
            order("c", BUY, "1", "0.80"),
        ],
        1: [
            Amend(id="a", symbol=SYMBOL, quantity=Decimal(2)),
            Replace(id="b", new_id="b2", symbol=SYMBOL, price=Decimal("0.88")),
            Cancel("c"),
            Amend(id="gone", symbol=SYMBOL, quantity=Decimal(1)),
        ],
        3: [order("d", BUY, "1", "0.10"), CancelAll()],
    })  # fmt: skip
    result = run(strategy, data)
    assert fills(result) == [(4, "BUY", 90, 2_000), (4, "BUY", 88, 1_000)]
    assert strategy.told("a") == ["OPEN", "OPEN", "FILLED"]
    assert strategy.told("b") == ["OPEN", "CANCELED REPLACED"]
    assert strategy.told("b2") == ["OPEN", "FILLED"]
    assert strategy.told("c") == ["OPEN", "CANCELED USER"]
    assert strategy.told("d") == ["OPEN", "CANCELED USER"]
    assert result.refusals == {"UNKNOWN_ORDER": 1}


def test_an_answer_at_the_open_meets_that_open_and_one_inside_meets_the_next() -> None:
    def protect(update: OrderUpdate) -> list[Place]:
        if update.status is not Status.FILLED or update.side is SELL:
            return []
        return [order(f"stop-{update.id}", SELL, trigger=Stop(Decimal("0.95")))]

    data = market(FLAT, (100, 100, 90, 100), (100, 100, 90, 100))
    at_open = Scripted({0: [order("a", BUY)]}, protect)
    assert fills(run(at_open, data)) == [(1, "BUY", 100, 1_000), (2, "SELL", 95, 1_000)]
    assert at_open.heard_at_ns[0] == MINUTE_NS
    inside = Scripted({0: [order("a", BUY, price="0.98")]}, protect)
    assert fills(run(inside, data)) == [(2, "BUY", 98, 1_000), (3, "SELL", 95, 1_000)]
    assert inside.heard_at_ns[1] == 2 * MINUTE_NS


def test_a_strategy_that_answers_every_answer_is_stopped() -> None:
    def again(update: OrderUpdate) -> list[Place]:
        return [order(update.id + "x", BUY, "999999")] if len(update.id) < 18 else [
            order("a", BUY, "999999")
        ]  # fmt: skip

    with pytest.raises(EndlessAnswers):
        run(Scripted({0: [order("a", BUY, "999999")]}, again), market(FLAT, FLAT))


def test_timers_ring_between_candles_and_their_orders_meet_what_opens_later() -> None:
    class Timed(Scripted):
        def on_timer(self, name: str, at_ns: int) -> list[Place]:
            self.rung = (name, at_ns, self.context.now_ns)
            return [order("t", BUY)]

    strategy = Timed({0: [SetTimer("later", 90_000_000_000)]})
    data = market(*[FLAT] * 3, (103, 103, 103, 103))
    assert fills(run(strategy, data)) == [(3, "BUY", 103, 1_000)]
    assert strategy.rung == ("later", 150_000_000_000, 150_000_000_000)


def test_a_strategy_sees_its_money_its_position_and_its_orders() -> None:
    class Watching(Scripted):
        def on_candle(self, candle: object) -> list[Place]:
            context = self.context
            self.seen.append((context.now_ns, "", 0))
            money = context.balance("USDT")
            self.worth = (money.available, money.held, context.position("BTC-USDT").cost)
            self.open = [each.id for each in context.open_orders]
            known = context.order("rest")
            self.leaves = None if known is None else known.leaves_quantity
            return list(self.script.get(len(self.seen) - 1, ()))  # type: ignore[arg-type] # places

    strategy = Watching({0: [order("in", BUY, "2"), order("rest", BUY, "3", "0.50")]})
    run(strategy, market(FLAT, FLAT, fee_ppm=1_000), settings("10"))
    assert strategy.worth == (Decimal("6.4965"), Decimal("1.5015"), Decimal("2.002"))
    assert strategy.open == ["rest"]
    assert strategy.leaves == Decimal(3)
