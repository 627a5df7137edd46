"""Where somebody is, as far as the house cares: the network of an address, never a street.

A person should see at a glance that a session is not theirs. The house asks nobody where an address
is, so a place is the network: all that a provider hands out together.
"""

from __future__ import annotations

import ipaddress

_IPV4_PREFIX = 24
_IPV6_PREFIX = 48


def place_of(ip_address: str) -> str:
    """A coarse place, such as ``192.0.2.0/24`` of ``192.0.2.7``; "" of what is no address."""
    try:
        found = ipaddress.ip_address(ip_address)
    except ValueError:
        return ""
    if found.is_loopback:
        return "this machine"
    if isinstance(found, ipaddress.IPv6Address):
        mapped = found.ipv4_mapped
        if mapped is None:
            return str(ipaddress.ip_network((found, _IPV6_PREFIX), strict=False))
        found = mapped
    return str(ipaddress.ip_network((found, _IPV4_PREFIX), strict=False))
