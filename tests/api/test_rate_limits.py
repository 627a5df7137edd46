"""Rate limits at the door: of house, address, account and key; cancels have room of their own."""

from __future__ import annotations

import attrs
import pytest
from xache.v1 import options_pb2

from tests.api.edge import ALICE
from tests.api.trading_house import FakeCall
from xached.api.errors import StatusError
from xached.api.rate_limits import RATE_LEFT_KEY, RateLimiter
from xached.api.routes import Authorization
from xached.domain.order import AccountId
from xached.domain.rate_limits import NS_PER_S, Rate, RateLimits

COMMON = Authorization(access=options_pb2.ACCESS_SESSION)
URGENT = attrs.evolve(COMMON, urgent=True)
MANY = Rate(1_000, 1_000)


class Call(FakeCall):
    def __init__(self, peer: str = "ipv4:192.0.2.7:1") -> None:
        super().__init__("alice")
        self.peer = peer
        self.trailing: dict[str, str] = {}

    def set_trailing(self, key: str, value: str) -> None:
        self.trailing[key] = value


class Clock:
    def __init__(self) -> None:
        self.now_ns = 0

    def __call__(self) -> int:
        return self.now_ns


def limiter(clock: Clock | None = None, **rates: Rate) -> RateLimiter:
    limits = attrs.evolve(RateLimits(account=MANY, key=MANY, address=MANY, house=MANY), **rates)
    return RateLimiter(limits, clock or Clock())


def refused(error: pytest.ExceptionInfo[StatusError]) -> tuple[str, str, str, float | None]:
    value = error.value
    return value.code.name, value.reason, value.facts["limit"], value.retry_after_s


def test_an_account_is_told_what_is_left_and_when_to_come_back() -> None:
    clock = Clock()
    door = limiter(clock, account=Rate(2, 3))
    for left in ("2", "1", "0"):
        call = Call()
        door.admitted(call, ALICE, COMMON)
        assert call.trailing == {RATE_LEFT_KEY: left}
    with pytest.raises(StatusError) as error:
        door.admitted(Call(), ALICE, COMMON)
    assert refused(error) == ("RESOURCE_EXHAUSTED", "RATE_LIMIT", "account", 0.5)
    door.admitted(Call(), attrs.evolve(ALICE, account_id=AccountId("bob")), COMMON)
    clock.now_ns = NS_PER_S // 2
    door.admitted(Call(), ALICE, COMMON)


def test_a_key_is_counted_beside_its_account() -> None:
    door = limiter(key=Rate(1, 1))
    one, other = (attrs.evolve(ALICE, key_id=key_id) for key_id in ("k1", "k2"))
    door.admitted(Call(), one, COMMON)
    with pytest.raises(StatusError) as error:
        door.admitted(Call(), one, COMMON)
    assert refused(error)[2] == "key"
    door.admitted(Call(), other, COMMON)
    door.admitted(Call(), ALICE, COMMON)


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("ipv4:192.0.2.7:1", "ipv4:192.0.2.7:2", True),
        ("ipv4:192.0.2.7:1", "ipv4:192.0.2.8:1", False),
        ("ipv6:%5B2001:db8::1%5D:1", "ipv6:%5B2001:db8::ffff:2%5D:2", True),
        ("ipv6:%5B2001:db8::1%5D:1", "ipv6:%5B2001:db8:0:1::1%5D:1", False),
        ("ipv6:%5B::ffff:192.0.2.7%5D:1", "ipv4:192.0.2.7:1", True),
        ("ipv6:[::ffff:192.0.2.7]:1", "ipv6:[::ffff:192.0.2.8]:1", False),
    ],
)
def test_addresses_are_counted_by_household(first: str, second: str, same: bool) -> None:
    door = limiter(address=Rate(1, 1))
    door.arrived(Call(first), COMMON)
    if not same:
        door.arrived(Call(second), COMMON)
        return
    with pytest.raises(StatusError) as error:
        door.arrived(Call(second), COMMON)
    assert refused(error)[2] == "address"


def test_the_house_has_a_limit_and_a_local_socket_no_address() -> None:
    door = limiter(address=Rate(1, 1), house=Rate(1, 3))
    for _ in range(3):
        door.arrived(Call("unix:"), COMMON)
    with pytest.raises(StatusError) as error:
        door.arrived(Call("unix:"), COMMON)
    assert refused(error)[2] == "house"
    assert door.refused == 1


def test_cancels_have_room_when_nothing_else_has() -> None:
    """Checked: with one set of buckets for both the cancel is refused."""
    door = limiter(account=Rate(1, 1), address=Rate(1, 2), house=Rate(1, 2))
    for _ in range(2):
        door.arrived(Call(), COMMON)
    with pytest.raises(StatusError):
        door.arrived(Call(), COMMON)
    door.arrived(Call(), URGENT)
    door.admitted(Call(), ALICE, COMMON)
    with pytest.raises(StatusError):
        door.admitted(Call(), ALICE, COMMON)
    door.admitted(Call(), ALICE, URGENT)
    with pytest.raises(StatusError):
        door.admitted(Call(), ALICE, URGENT)
