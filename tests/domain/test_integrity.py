"""Who is conspicuous, and by which rows.

Checked by breaking, each seen red: layers of one price, layers that had traded, layers placed long
before the trade or cancelled long after it, a trade on the same side, and evidence without end.
"""

from __future__ import annotations

from collections import Counter

import attrs

from tests.domain.script import Script
from tests.storage.house import PURSES, House
from xached.domain.integrity import (
    ACCOUNTS_MAX,
    EVIDENCE_MAX,
    LAYERS_MAX,
    Conduct,
    Integrity,
    fold_rows,
)
from xached.domain.messages import (
    AdvanceClock,
    MatchPrevented,
    OrderAccepted,
    OrderEnded,
    OrderReduced,
    Row,
    Traded,
)
from xached.domain.order import AccountId, EndReason, OrderId, account_of

OPENING = """
    instrument BTC-USDT lot 0.1 tick 0.1 mark 100.0
    deposit mallory 100000 USDT
    deposit mallory 1000 BTC
    deposit bob 100000 USDT
    deposit bob 1000 BTC
    order bob b1 BUY 5 @ 99.0 GTC
    order bob b2 SELL 5 @ 101.0 GTC
"""
LAYERS = """
    order mallory m1 BUY 1 @ 98.0 GTC
    order mallory m2 BUY 1 @ 97.9 GTC
    order mallory m3 BUY 1 @ 97.8 GTC
"""
CANCELS = """
    cancel mallory m1
    cancel mallory m2
    cancel mallory m3
"""
SELL = "order mallory s1 SELL 1 @ 99.0 IOC\n"
BUY = "order mallory s1 BUY 1 @ 101.0 IOC\n"


def conduct_after(*parts: str) -> Conduct:
    script = Script()
    script.run(OPENING + "\n".join(parts))
    rows = [
        Row(seq=seq, at_ns=at_ns, command=AdvanceClock(), events=events)
        for seq, at_ns, events in script.rows
    ]
    conduct = fold_rows(rows).conduct_of(AccountId("mallory"))
    assert conduct is not None
    return conduct


def test_layers_cancelled_after_a_trade_on_the_other_side_are_told_with_their_rows() -> None:
    conduct = conduct_after(LAYERS, SELL, CANCELS)
    assert conduct.layerings == 1
    (found,) = conduct.layering_evidence
    # The rows of the three orders, of the trade, and of the three cancels follow each other.
    first = found.placed_seqs[0]
    assert found.placed_seqs == (first, first + 1, first + 2)
    assert found.traded_seq == first + 3
    assert found.cancelled_seqs == (first + 4, first + 5, first + 6)


def test_what_is_no_layering() -> None:
    one_price = LAYERS.replace("97.9", "98.0").replace("97.8", "98.0")
    for parts in (
        (LAYERS, CANCELS),
        (LAYERS, BUY, CANCELS),
        (LAYERS, CANCELS, SELL),
        (one_price, SELL, CANCELS),
        (LAYERS, "clock 11s", SELL, CANCELS),
        (LAYERS, SELL, "clock 11s", CANCELS),
        (LAYERS, SELL, CANCELS.replace("cancel mallory m3", "")),
        (LAYERS, SELL, "deposit carol 9 BTC\norder carol c1 SELL 4.5 @ 98.0 IOC", CANCELS),
    ):
        assert conduct_after(*parts).layerings == 0, parts


def test_a_second_pattern_is_a_second_one() -> None:
    again = (LAYERS + SELL + CANCELS).replace(" m", " n").replace("nallory", "mallory")
    conduct = conduct_after(LAYERS, SELL, CANCELS, again.replace(" s1", " s2"))
    assert conduct.layerings == 2


def test_messages_fills_and_self_matches_are_those_of_the_rows() -> None:
    house = House(4)
    rows = house.rows(600)
    integrity = fold_rows(rows)
    messages: Counter[str] = Counter()
    fills: Counter[str] = Counter()
    own: dict[str, list[int]] = {}
    for row in rows:
        for event in row.events:
            if isinstance(event, OrderAccepted) or (
                isinstance(event, OrderEnded | OrderReduced) and event.reason is EndReason.USER
            ):
                messages[account_of(event.purse)] += 1
            elif isinstance(event, Traded):
                fills.update((account_of(event.taker_purse), account_of(event.maker_purse)))
            elif isinstance(event, MatchPrevented):
                own.setdefault(account_of(event.taker_purse), []).append(row.seq)
    for account_id in map(account_of, PURSES):
        conduct = integrity.conduct_of(account_id)
        assert conduct is not None
        assert (conduct.messages, conduct.fills) == (messages[account_id], fills[account_id])
        seqs = own[account_id]
        assert conduct.self_matches == len(seqs) > 0
        assert conduct.self_match_seqs == tuple(seqs[-EVIDENCE_MAX:])
        assert conduct.messages_per_fill_ppm == messages[account_id] * 10**6 // fills[account_id]
    assert integrity.conduct_of(AccountId("nobody")) is None
    folded_again = integrity.conspicuous(10)
    for row in rows:
        integrity.fold(row)
    assert integrity.conspicuous(10) == folded_again, "rows already known are passed over"


def test_the_most_conspicuous_come_first_and_memory_is_bounded() -> None:
    house = House(4)
    rows = house.rows(300)
    integrity = Integrity(accounts_max=2)
    for row in rows:
        integrity.fold(row)
    assert len(integrity.conspicuous(ACCOUNTS_MAX)) == 2
    found = fold_rows(rows).conspicuous(2)
    assert len(found) == 2
    first, second = ((each.layerings, each.self_matches) for each in found)
    assert first >= second
    accepted = next(
        event
        for row in rows
        for event in row.events
        if isinstance(event, OrderAccepted) and event.price_ticks is not None
    )
    many = Integrity()
    for seq in range(1, 10 * LAYERS_MAX):
        event = attrs.evolve(accepted, order_id=OrderId(seq))
        many.fold(Row(seq=seq, at_ns=seq, command=AdvanceClock(), events=(event,)))
    (account,) = many._accounts.values()
    (layers,) = account.layers.values()
    assert len(layers) == LAYERS_MAX
