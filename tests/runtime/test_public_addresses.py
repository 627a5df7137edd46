"""Which addresses are public, and that no other is dialled where only those may be.

Checked by breaking: ranges of a site that count as public, a dialler that takes the first address
whatever it is, and one that does not look inside an address, were each seen red.
"""

from __future__ import annotations

import socket

import pytest
import trio

from xached.runtime.public_addresses import NotPublic, is_public
from xached.runtime.world import RealWorld


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.215.14", "2606:4700:4700::1111"])
def test_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "0.0.0.0", "255.255.255.255", "224.0.0.1", "198.18.0.1", "192.0.2.1",
        "::1", "::", "fe80::1%eth0", "fd00::1", "ff02::1", "2001:db8::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::", "2002:a00:1::",
        "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2001:0:7f00:1::",
        "fec0::1", "feff::1", "::10.0.0.1", "::1.1.1.1", "64:ff9b:1::a00:1",
        "64:ff9b:1:ffff::101:101",
    ],
)  # fmt: skip
def test_not_public(address: str) -> None:
    assert not is_public(address)


class Resolver(trio.abc.HostnameResolver):
    """Names lead where the test says."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses

    async def getaddrinfo(self, host, port, family=0, type=0, proto=0, flags=0):  # type: ignore[no-untyped-def] # noqa: A002 - as trio has it
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in self.addresses
        ]

    async def getnameinfo(self, sockaddr, flags):  # type: ignore[no-untyped-def]
        raise AssertionError(sockaddr)


async def test_a_name_that_leads_home_is_not_followed() -> None:
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port: int = listener.socket.getsockname()[1]
    trio.socket.set_custom_hostname_resolver(Resolver("127.0.0.1"))
    stream = await RealWorld().dial("venue.example", port, tls=False)
    await stream.aclose()  # Where it may, it gets there.
    with pytest.raises(NotPublic, match=r"venue\.example has no public address"):
        await RealWorld().dial("venue.example", port, tls=False, public=True)
    with pytest.raises(NotPublic):
        await RealWorld().dial("127.0.0.1", port, tls=False, public=True)
    await listener.aclose()
