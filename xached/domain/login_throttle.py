"""Slowing down those who guess passwords, without locking out the person they guess at.

Each try is charged before its password is looked at, and given back when it was right, so that
tries at the same time get nothing for free. A try from a device that the account knows is charged
to the device alone: what strangers do elsewhere does not count there. Any other try is charged to
the address it comes from, to the account, and to both together. Whether the account exists makes
no difference: accounts are keyed hashes of addresses here.

After its free tries a counter asks for a pause that doubles with each further one. Counters are
forgotten an hour after their last try. In memory only, and bounded: beyond that the counters
touched longest ago go first.

A restart forgets them. That is no way round: nobody outside can restart the house, and each restart
gives back no more than the free tries (:data:`OF_ACCOUNT`), of passwords that are long and none of
the well-known ones. To write down every wrong password would let strangers, of whom nothing is
known, write to the disk. What guards codes of the second factor, of which there are few, is counted
in the vault and outlives every restart.
"""

from __future__ import annotations

import ipaddress
from typing import Final, TypeAlias

import attrs

from xached.domain.order import AccountId

_S: Final = 1_000_000_000

FORGET_NS: Final = 3_600 * _S
COUNTERS_MAX: Final = 100_000
"""About 30 MB."""

IPV6_PREFIX: Final = 64
"""What one customer of an access network is given at least."""

DEVICE_NS_MAX: Final = 180 * 86_400 * _S
"""How long an account knows a device."""

DEVICES_MAX: Final = 20

Key: TypeAlias = tuple[bytes | str, ...]


@attrs.frozen
class Pace:
    """How a counter slows down: free tries, the first pause, and the longest."""

    free: int
    pause_ns: int
    pause_ns_max: int

    def pause_after(self, tries: int) -> int:
        """How long the next try waits after so many, in nanoseconds."""
        if tries < self.free:
            return 0
        return min(self.pause_ns << min(tries - self.free, 20), self.pause_ns_max)


OF_DEVICE: Final = Pace(10, 30 * _S, 900 * _S)
OF_PAIR: Final = Pace(5, 15 * _S, 900 * _S)
OF_ACCOUNT: Final = Pace(20, 30 * _S, 900 * _S)
"""Strangers together get about 100 tries a day at one account (NIST SP 800-63B-4, 3.2.2)."""

OF_ADDRESS: Final = Pace(50, 15 * _S, 900 * _S)


@attrs.frozen
class _Counter:
    tries: int
    last_ns: int


@attrs.frozen
class KnownDevice:
    """A device that an account was signed in from, as it is stored."""

    device_hash: bytes = attrs.field(repr=False)
    account_id: AccountId
    created_at_ns: int


@attrs.frozen
class Charge:
    """What one try was charged to."""

    keys: tuple[Key, ...]


class LoginThrottle:
    """The counters."""

    def __init__(self) -> None:
        self._counters: dict[Key, _Counter] = {}
        self.refused = 0
        """Tries that were told to wait, since the start."""

    def __len__(self) -> int:
        return len(self._counters)

    def charge(
        self, account: bytes, address: str, device: bytes | None, at_ns: int
    ) -> Charge | int:
        """Charge a try; or how long it must wait first, in nanoseconds, and nothing is charged.

        Args:
            account: keyed hash of the e-mail address.
            address: where the try comes from, such as ``ipv4:192.0.2.1``.
            device: hash of the device, if the account knows it.
        """
        if device is not None:
            paces: dict[Key, Pace] = {("device", device): OF_DEVICE}
        else:
            network = network_of(address)
            paces = {
                ("pair", account, network): OF_PAIR,
                ("account", account): OF_ACCOUNT,
                ("address", network): OF_ADDRESS,
            }
        wait_ns = max(self._wait_ns(key, pace, at_ns) for key, pace in paces.items())
        if wait_ns > 0:
            self.refused += 1
            return wait_ns
        for key in paces:
            self._count(key, at_ns)
        return Charge(tuple(paces))

    def refund(self, charge: Charge) -> None:
        """The try was right: what is charged to it alone is forgotten, the rest given back."""
        for key in charge.keys:
            counter = self._counters.get(key)
            if counter is None:
                continue
            if key[0] in ("device", "pair") or counter.tries <= 1:
                del self._counters[key]
            else:
                self._counters[key] = attrs.evolve(counter, tries=counter.tries - 1)

    def _wait_ns(self, key: Key, pace: Pace, at_ns: int) -> int:
        counter = self._counters.get(key)
        if counter is None or at_ns - counter.last_ns >= FORGET_NS:
            return 0
        return counter.last_ns + pace.pause_after(counter.tries) - at_ns

    def _count(self, key: Key, at_ns: int) -> None:
        counter = self._counters.pop(key, None)
        fresh = counter is None or at_ns - counter.last_ns >= FORGET_NS
        tries = 1 if counter is None or fresh else counter.tries + 1
        if len(self._counters) >= COUNTERS_MAX:
            del self._counters[next(iter(self._counters))]
        self._counters[key] = _Counter(tries, at_ns)


def network_of(address: str) -> str:
    """What counts as one place: an IPv4 address, or the network of an IPv6 one."""
    kind, _, host = address.partition(":")
    if kind != "ipv6":
        return address
    try:
        network = ipaddress.ip_network((host.strip("[]"), IPV6_PREFIX), strict=False)
    except ValueError:
        return address
    return f"ipv6:{network}"
