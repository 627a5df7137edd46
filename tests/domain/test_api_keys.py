"""What API keys may do, and that no signed request is obeyed twice."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xached.domain.api_keys import (
    KEY_SCOPES,
    LIFETIME_NS_MAX,
    NETWORKS_MAX,
    NS_PER_DAY,
    UNBOUND_TRADING_NS,
    WITHDRAW_DELAY_NS,
    KeyId,
    KeyTerms,
    NotionalCap,
    check_terms,
    is_within,
    parse_networks,
    scopes_at,
    share_of_cap,
)
from xached.domain.auth import Scope
from xached.domain.instrument import AssetName
from xached.domain.rejection import Rejection
from xached.domain.replays import AHEAD_MS, NONCES_PER_KEY_MAX, WINDOW_MS, ReplayGuard, Verdict

NOW_NS = 1_800_000_000 * 10**9
GOOD = KeyTerms(scopes=frozenset({Scope.READ, Scope.TRADE}), expires_at_ns=NOW_NS + NS_PER_DAY)
HOME = ("192.0.2.0/24", "2001:db8::7")
USDT = AssetName("USDT")


@pytest.mark.parametrize(
    "terms",
    [
        GOOD,
        attrs.evolve(GOOD, networks=HOME, scopes=KEY_SCOPES),
        attrs.evolve(GOOD, expires_at_ns=NOW_NS + LIFETIME_NS_MAX),
        attrs.evolve(GOOD, caps=(NotionalCap(USDT, 10**30),)),
    ],
)
def test_terms_that_are_fine(terms: KeyTerms) -> None:
    check_terms(terms, NOW_NS)
    with pytest.raises(Rejection):  # The same ones, when they have ended.
        check_terms(terms, terms.expires_at_ns)


@pytest.mark.parametrize(
    "change",
    [
        {"scopes": frozenset()},
        {"scopes": frozenset({Scope.READ, Scope.ACCOUNT})},
        {"scopes": frozenset({Scope.ADMIN})},
        {"scopes": frozenset({Scope.WITHDRAW})},
        {"scopes": KEY_SCOPES, "networks": ()},
        {"networks": ("0.0.0.0/0",)},
        {"networks": ("10.0.0.0/15",)},
        {"networks": ("::/0",)},
        {"networks": ("2001:db8::/31",)},
        {"networks": ("192.0.2.7/24",)},
        {"networks": ("house.example",)},
        {"networks": ("",)},
        {"networks": ("192.0.2.7",) * (NETWORKS_MAX + 1)},
        {"caps": (NotionalCap(USDT, 0),)},
        {"caps": (NotionalCap(USDT, -1),)},
        {"caps": (NotionalCap(USDT, 1), NotionalCap(USDT, 2))},
        {"expires_at_ns": 0},
        {"expires_at_ns": NOW_NS},
        {"expires_at_ns": NOW_NS + LIFETIME_NS_MAX + 1},
    ],
)
def test_terms_that_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Rejection):
        check_terms(attrs.evolve(GOOD, **change), NOW_NS)


def test_addresses() -> None:
    home = parse_networks(HOME)
    for address in ("192.0.2.0", "192.0.2.255", "2001:db8::7", "::ffff:192.0.2.7"):
        assert is_within(home, address)
    for address in ("192.0.3.0", "2001:db8::8", "::ffff:192.0.3.7", "", "localhost", "192.0.2"):
        assert not is_within(home, address)
    assert not is_within((), "192.0.2.7")


def test_what_a_key_may_do_over_time() -> None:
    def at(age_ns: int, *, bound: bool) -> set[str]:
        scopes = scopes_at(KEY_SCOPES, bound=bound, created_at_ns=NOW_NS, at_ns=NOW_NS + age_ns)
        return {scope.name for scope in scopes}

    assert at(0, bound=True) == {"READ", "TRADE"}
    assert at(WITHDRAW_DELAY_NS - 1, bound=True) == {"READ", "TRADE"}
    assert at(WITHDRAW_DELAY_NS, bound=True) == {"READ", "TRADE", "WITHDRAW"}
    assert at(400 * NS_PER_DAY, bound=True) == {"READ", "TRADE", "WITHDRAW"}
    assert at(UNBOUND_TRADING_NS - 1, bound=False) == {"READ", "TRADE"}
    assert at(UNBOUND_TRADING_NS, bound=False) == {"READ"}


@given(st.integers(1, 10**30), st.integers(0, 10**30), st.integers(1, 10**30))
def test_what_is_set_aside_is_enough_and_within_the_cap(cap: int, used: int, need: int) -> None:
    used = min(used, cap)
    share = share_of_cap(cap, used, need)
    assert (share == 0) == (need > cap - used)
    assert share == 0 or need <= share <= cap - used


# --- replays ----------------------------------------------------------------------------------

KEY = KeyId("k")
START_MS = 1_800_000_000_000
SPAN_MS = WINDOW_MS + AHEAD_MS


def test_the_window() -> None:
    guard = ReplayGuard(START_MS)
    now_ms = START_MS + 60_000
    for at_ms, verdict in (
        (now_ms - WINDOW_MS, Verdict.OLD),
        (now_ms - WINDOW_MS + 1, Verdict.FRESH),
        (now_ms + AHEAD_MS, Verdict.FRESH),
        (now_ms + AHEAD_MS + 1, Verdict.AHEAD),
    ):
        assert guard.judge(KEY, "nonce", at_ms, now_ms) is verdict


def test_a_new_process_accepts_nothing_that_an_older_one_can_have_accepted() -> None:
    """The older one was at START_MS at the latest, and a client may be ahead of it."""
    guard = ReplayGuard(START_MS)
    for now_ms in (START_MS, START_MS + 500, START_MS + AHEAD_MS):
        assert guard.judge(KEY, "n", START_MS + AHEAD_MS, now_ms) is Verdict.OLD
    assert guard.judge(KEY, "n", START_MS + AHEAD_MS + 1, START_MS + AHEAD_MS) is Verdict.FRESH


def test_a_nonce_is_one_keys() -> None:
    guard, now_ms = ReplayGuard(START_MS), START_MS + 60_000
    guard.remember(KEY, "nonce", now_ms)
    assert guard.judge(KEY, "nonce", now_ms, now_ms) is Verdict.REPLAYED
    assert guard.judge(KeyId("other"), "nonce", now_ms, now_ms) is Verdict.FRESH


def test_nonces_are_bounded_and_forgotten_with_time() -> None:
    guard, now_ms = ReplayGuard(START_MS), START_MS + 60_000
    for number in range(NONCES_PER_KEY_MAX):
        assert guard.judge(KEY, str(number), now_ms, now_ms) is Verdict.FRESH
        guard.remember(KEY, str(number), now_ms)
    assert guard.judge(KEY, "more", now_ms, now_ms) is Verdict.TOO_MANY
    assert guard.judge(KeyId("other"), "more", now_ms, now_ms) is Verdict.FRESH
    now_ms += 2 * SPAN_MS
    assert guard.judge(KEY, "more", now_ms, now_ms) is Verdict.FRESH


@given(
    st.lists(
        st.tuples(
            st.integers(-20_000, 20_000),  # how the clock moves, backwards too
            st.integers(0, 5),  # the nonce
            st.integers(-WINDOW_MS - 5, AHEAD_MS + 5),  # the time that is signed
            st.booleans(),  # or the last request once more
        ),
        max_size=60,
    )
)
def test_nothing_is_accepted_twice_whatever_the_clock_does(
    steps: list[tuple[int, int, int, bool]],
) -> None:
    """Checked: without the floor a clock that is set back accepts a forgotten request again."""
    guard, now_ms = ReplayGuard(START_MS), START_MS + 60_000
    accepted: set[tuple[str, int]] = set()
    last = ("0", now_ms)
    for moved_ms, nonce, offset_ms, again in steps:
        now_ms += moved_ms
        request = last if again else (str(nonce), now_ms + offset_ms)
        if guard.judge(KEY, *request, now_ms) is Verdict.FRESH:
            assert request not in accepted
            guard.remember(KEY, request[0], now_ms)
            accepted.add(request)
            last = request
