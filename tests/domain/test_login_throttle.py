"""Guessing passwords: how slow it becomes, and for whom it does not.

Checked by breaking, each seen red: a counter that ignores the account, one that ignores the
address, known devices that are charged like strangers, tries that are never given back, and
counters without an end.
"""

from __future__ import annotations

import pytest

from xached.domain import login_throttle
from xached.domain.login_throttle import (
    FORGET_NS,
    OF_ACCOUNT,
    OF_ADDRESS,
    OF_DEVICE,
    OF_PAIR,
    Charge,
    LoginThrottle,
    network_of,
)

S = 1_000_000_000
DAY_NS = 86_400 * S
ALICE, BOB, PHONE = b"alice", b"bob", b"phone"


def tries_in_a_day(throttle: LoginThrottle, addresses: int, accounts: int = 1) -> int:
    """How many passwords are looked at when each address tries whenever it may."""
    made = 0
    at_ns = 0
    while at_ns < DAY_NS:
        waits = []
        for number in range(addresses):
            account = b"account %d" % (number % accounts)
            verdict = throttle.charge(account, f"ipv4:10.0.{number}.1", None, at_ns)
            if isinstance(verdict, Charge):
                made += 1
            else:
                waits.append(verdict)
        at_ns += min(waits, default=S) if len(waits) == addresses else S
    return made


def test_one_address_at_one_account() -> None:
    assert tries_in_a_day(LoginThrottle(), 1) < 5 + 15 + 96


def test_many_addresses_at_one_account_get_together_what_few_get() -> None:
    assert tries_in_a_day(LoginThrottle(), 50) < 20 + 15 + 96


def test_one_address_at_many_accounts() -> None:
    throttle = LoginThrottle()
    made = 0
    for second in range(86_400):
        account = b"account %d" % second
        made += isinstance(throttle.charge(account, "ipv4:10.0.0.1", None, second * S), Charge)
    assert made < 50 + 15 + 96


def test_a_known_device_is_not_slowed_down_by_strangers() -> None:
    throttle = LoginThrottle()
    for number in range(1_000):
        throttle.charge(ALICE, f"ipv4:10.0.{number}.1", None, 0)
    assert not isinstance(throttle.charge(ALICE, "ipv4:192.0.2.1", None, 0), Charge)
    assert isinstance(throttle.charge(ALICE, "ipv4:192.0.2.1", PHONE, 0), Charge)
    # Nor is it by its neighbours, who share its address.
    for number in range(1_000):
        throttle.charge(b"account %d" % number, "ipv4:192.0.2.1", None, 0)
    assert isinstance(throttle.charge(ALICE, "ipv4:192.0.2.1", PHONE, 0), Charge)


def test_a_stolen_device_token_is_slowed_down_itself() -> None:
    throttle = LoginThrottle()
    verdicts = [throttle.charge(ALICE, "ipv4:192.0.2.1", PHONE, 0) for _ in range(50)]
    assert sum(isinstance(each, Charge) for each in verdicts) == OF_DEVICE.free


@pytest.mark.parametrize("pace", [OF_DEVICE, OF_PAIR, OF_ACCOUNT, OF_ADDRESS])
def test_pauses_double_up_to_a_quarter_of_an_hour(pace: login_throttle.Pace) -> None:
    assert [pace.pause_after(tries) for tries in range(pace.free)] == [0] * pace.free
    pauses = [pace.pause_after(pace.free + more) for more in range(100)]
    assert pauses[0] == pace.pause_ns
    assert pauses[1] == 2 * pace.pause_ns
    assert pauses == sorted(pauses)
    assert pauses[-1] == 900 * S


def test_a_right_password_is_given_back_and_ends_the_count_of_its_own() -> None:
    throttle = LoginThrottle()
    for _ in range(1_000):
        charge = throttle.charge(ALICE, "ipv4:192.0.2.1", None, 0)
        assert isinstance(charge, Charge)
        throttle.refund(charge)
    assert len(throttle) == 0
    for _ in range(4):
        throttle.charge(ALICE, "ipv4:192.0.2.1", None, 0)
    charge = throttle.charge(ALICE, "ipv4:192.0.2.1", None, 0)
    assert isinstance(charge, Charge)
    throttle.refund(charge)
    for _ in range(5):
        assert isinstance(throttle.charge(ALICE, "ipv4:192.0.2.1", None, 0), Charge)
    assert not isinstance(throttle.charge(ALICE, "ipv4:192.0.2.1", None, 0), Charge)


def test_counters_are_forgotten_in_time_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    throttle = LoginThrottle()
    for _ in range(10):
        throttle.charge(ALICE, "ipv4:192.0.2.1", None, 0)
    assert not isinstance(throttle.charge(ALICE, "ipv4:192.0.2.1", None, S), Charge)
    assert isinstance(throttle.charge(ALICE, "ipv4:192.0.2.1", None, FORGET_NS), Charge)
    monkeypatch.setattr(login_throttle, "COUNTERS_MAX", 30)
    for number in range(1_000):
        throttle.charge(b"account %d" % number, f"ipv4:10.0.{number}.1", None, 0)
    assert len(throttle) <= 30


def test_a_network_counts_as_one_place() -> None:
    assert network_of("ipv4:192.0.2.1") == "ipv4:192.0.2.1"
    assert network_of("ipv6:2001:db8::1") == network_of("ipv6:2001:db8::ffff:1")
    assert network_of("ipv6:[2001:db8::1]") == network_of("ipv6:2001:db8::2")
    assert network_of("ipv6:2001:db8::1") != network_of("ipv6:2001:db8:0:1::1")
    assert network_of("unix:") == "unix:"
    assert network_of("ipv6:nonsense") == "ipv6:nonsense"
    assert network_of("") == ""


def test_accounts_do_not_slow_each_other_down() -> None:
    throttle = LoginThrottle()
    for _ in range(10):
        throttle.charge(ALICE, "ipv4:10.0.0.1", None, 0)
    assert isinstance(throttle.charge(BOB, "ipv4:10.0.0.2", None, 0), Charge)
