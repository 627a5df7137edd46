"""Queues of triggered orders that are longer than a row, and what is left when a row stops."""

from __future__ import annotations

from tests.domain.script import Script
from xached.domain.exchange import STARTS_MAX, Exchange
from xached.domain.messages import AdvanceClock, Command, Event
from xached.domain.order import OrderId
from xached.domain.waiting_messages import OrderStarted, OrderTriggered

MARKET = """
    instrument BTC-USDT lot 0.001 tick 0.1 band 500000ppm mark 100
    deposit alice 1000 BTC
    deposit bob 1000000 USDT
    deposit carol 10 BTC
"""
COUNT = STARTS_MAX + 44


def stops(count: int) -> str:
    lines = [f"order alice s{n} SELL 1 STOP {98 - n % 3} -> UNTRIGGERED" for n in range(count)]
    return "\n".join(lines)


def started(events: tuple[Event, ...]) -> list[OrderId]:
    return [event.order_id for event in events if isinstance(event, OrderStarted)]


def test_a_row_starts_so_many_and_the_rest_goes_before_anything_else() -> None:
    """Checked by breaking: without the bound the first row starts all; without a deadline for
    what is left the house would wait for the next command."""
    script = Script()
    script.run(MARKET + stops(COUNT) + "\norder bob b1 BUY 400 @ 96.0 GTC -> OPEN")
    script.run("order carol c1 SELL 1 @ 96.0 IOC -> FILLED")
    triggered = [e.order_id for e in script.events if isinstance(e, OrderTriggered)]
    assert len(triggered) == COUNT
    first = started(script.events)
    assert len(first) == STARTS_MAX
    exchange = script.exchange
    assert exchange.next_due() is None
    assert exchange.has_due(script.now_ns)
    assert exchange.next_deadline_ns() == script.now_ns
    script.exchange = Exchange.restore(exchange.snapshot())
    script.run("clock 1s -> " + " ".join(f"s{n}" for n in range(STARTS_MAX, COUNT)))
    assert first + started(script.events) == triggered
    assert not script.exchange.has_due(script.now_ns)
    assert script.exchange.next_deadline_ns() is None


def test_a_row_may_stop_after_any_step_and_go_on_from_a_snapshot() -> None:
    """What was seen and not looked at, and who was triggered and not started, is state."""
    text = MARKET + stops(9) + "\norder bob b1 BUY 3 @ 98.0 GTC\norder bob b2 BUY 30 @ 96.0 GTC"
    whole, parts = Script(), Script()
    for script in (whole, parts):
        script.run(text)
    whole.run("order carol c1 SELL 1 @ 98.0 IOC")
    exchange = parts.exchange
    seq, at_ns = parts.seq + 1, parts.now_ns + 1
    step: Command | None = parts.command(
        "order", ["carol", "c1", "SELL", "1", "@", "98.0", "IOC"]
    )()
    events: list[Event] = []
    while step is not None:
        decided = exchange.decide(step, seq, at_ns)
        for event in decided:
            exchange.apply(event, seq, at_ns)
        events += decided
        restored = Exchange.restore(exchange.snapshot())
        # Only a row in the making counts its trades, and snapshots are made between rows.
        restored.state.traded_seq = exchange.state.traded_seq
        restored.state.traded_count = exchange.state.traded_count
        exchange = restored
        exchange.check()
        step = exchange.next_due()
        assert (step is not None) == exchange.has_due(at_ns)
        assert exchange.decide(AdvanceClock(), seq + 1, at_ns + 1) or step is None
    assert tuple(events) == whole.events
    assert exchange.snapshot() == whole.exchange.snapshot()
