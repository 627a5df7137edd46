"""Dialling addresses of the public Internet, and no others.

A name is looked up once, and what it leads to is what is dialled: a name that leads elsewhere a
moment later leads nowhere. Addresses that carry another one inside (IPv4 mapped into IPv6, 6to4,
Teredo, NAT64) count as that one; ranges that a site gives its own meaning are refused as a whole.
"""

from __future__ import annotations

import ipaddress
from ipaddress import IPv4Address, IPv6Address
from typing import Final

import trio

ADDRESSES_MAX: Final = 4
"""So many of a name are tried, one after the other."""

_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_OF_THE_SITE: Final = (
    ipaddress.IPv6Network("::/96"),  # IPv4 inside, as it was once written.
    ipaddress.IPv6Network("64:ff9b:1::/48"),  # NAT64 to what is reached from here only.
    ipaddress.IPv6Network("fec0::/10"),
)
"""Not for the public Internet, though the library counts them to it."""


class NotPublic(PermissionError):  # noqa: N818 - it says what is the matter
    """A name leads to no address of the public Internet."""


def is_public(text: str) -> bool:
    """Whether an address, as the resolver writes it, belongs to the public Internet."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if any(address in each for each in _OF_THE_SITE):
        return False
    return all(each.is_global and not each.is_multicast for each in (address, *_inside(address)))


async def dial_public(host: str, port: int) -> trio.SocketStream:
    """Connect to a public address of a host. Raises: NotPublic; OSError."""
    found = await trio.socket.getaddrinfo(host, port, type=trio.socket.SOCK_STREAM)
    addresses = [str(place[0]) for *_, place in found if is_public(str(place[0]))]
    if not addresses:
        raise NotPublic(f"{host} has no public address")
    failure: OSError | None = None
    for address in list(dict.fromkeys(addresses))[:ADDRESSES_MAX]:
        try:
            return await trio.open_tcp_stream(address, port)
        except OSError as error:
            failure = error
    assert failure is not None, "there was an address"
    raise failure


def _inside(address: IPv4Address | IPv6Address) -> tuple[IPv4Address, ...]:
    """The addresses that one carries."""
    if isinstance(address, IPv4Address):
        return ()
    carried = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _NAT64:
        carried.append(IPv4Address(address.packed[-4:]))
    return tuple(each for each in carried if each is not None)
