"""API keys: what a program may do in the name of an account, and for how long.

A key is asked for by a person with a fresh proof, and can be given less than the person may do,
never more: settings of the account are out of its reach. What may move money out works only from
the addresses that were named, and only a day after it was asked for, so that a notice can be read
and the key revoked in time. A key without addresses loses trading thirty days after its making::

    scope      from                  until
    READ       made                  expiry
    TRADE      made                  expiry, or 30 days without addresses
    WITHDRAW   made + 1 day          expiry; needs addresses
"""

from __future__ import annotations

import enum
import ipaddress
from collections.abc import Callable
from typing import NewType, TypeAlias

import attrs

from xached.domain.auth import Done, Impediment, Scope
from xached.domain.instrument import AssetName, Symbol
from xached.domain.order import AccountId
from xached.domain.rejection import Reason, Rejection

KeyId = NewType("KeyId", str)
"""Opaque, never used again; part of what is signed."""

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

NS_PER_DAY = 86_400 * 1_000_000_000

KEYS_PER_ACCOUNT_MAX = 30
KEYS_MAX = 100_000
"""About 150 MB of keys in memory."""

NETWORKS_MAX = 16
SYMBOLS_MAX = 64
CAPS_MAX = 16
LABEL_CHARS_MAX = 64
PUBLIC_KEY_BYTES = 32

PREFIX_MIN = {4: 16, 6: 32}
"""A wider range is no range: it would hold half the world's robots."""

LIFETIME_NS_MAX = 366 * NS_PER_DAY
UNBOUND_TRADING_NS = 30 * NS_PER_DAY
WITHDRAW_DELAY_NS = NS_PER_DAY

KEY_SCOPES = frozenset({Scope.READ, Scope.TRADE, Scope.WITHDRAW})


class KeyAlgorithm(enum.IntEnum):
    """How a key signs. The numbers are those of ``xache.v1.KeyAlgorithm``."""

    ED25519 = 1
    """The house knows the public key only: nothing that it holds can sign."""
    HMAC_SHA256 = 2
    """The house makes the secret, tells it once, and keeps it sealed."""


class KeyEndCause(enum.IntEnum):
    """Why a key works no longer."""

    REVOKED = 1
    EXPIRED = 2
    ERASED = 80


@attrs.frozen
class NotionalCap:
    """What orders may be worth together in one UTC day, in one quote asset."""

    asset: AssetName
    units_per_day: int


@attrs.frozen(kw_only=True)
class KeyTerms:
    """What a key may do."""

    scopes: frozenset[Scope]
    symbols: frozenset[Symbol] = frozenset()
    """What it may trade; empty: everything."""
    caps: tuple[NotionalCap, ...] = ()
    """Empty: no cap. With any, only what is quoted in a capped asset may be traded."""
    networks: tuple[str, ...] = attrs.field(default=(), repr=False)
    """Where it may be used from; empty: anywhere."""
    expires_at_ns: int


# --- What the sessions actor is asked. -------------------------------------------------------


@attrs.frozen(kw_only=True)
class CreateApiKey:
    """Make a key. Answer: ApiKeyMade."""

    account_id: AccountId
    label: str = attrs.field(repr=False)
    algorithm: KeyAlgorithm
    public_key: bytes
    """32 bytes for ED25519, empty for HMAC_SHA256."""
    terms: KeyTerms


@attrs.frozen(kw_only=True)
class ListApiKeys:
    """List the keys of an account. Answer: ApiKeyList."""

    account_id: AccountId


@attrs.frozen(kw_only=True)
class RevokeApiKey:
    """End one key of an account. Answer: Done."""

    account_id: AccountId
    key_id: KeyId


@attrs.frozen(kw_only=True)
class ReserveNotional:
    """Set part of a key's cap aside for orders of a day. Answer: NotionalReserved.

    What is set aside counts as used, also after a restart.
    """

    key_id: KeyId
    asset: AssetName
    day: int
    needed_units: int


KeyMessage: TypeAlias = CreateApiKey | ListApiKeys | RevokeApiKey | ReserveNotional


# --- What it answers. ------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class ApiKeySummary:
    """A key, as its owner sees it."""

    key_id: KeyId
    label: str = attrs.field(repr=False)
    algorithm: KeyAlgorithm
    public_key: bytes
    terms: KeyTerms
    created_at_ns: int


@attrs.frozen(kw_only=True)
class ApiKeyMade:
    """The key works. The secret of an HMAC key is told here and never again."""

    key: ApiKeySummary
    secret: bytes = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class ApiKeyList:
    """The keys of an account, oldest first."""

    keys: tuple[ApiKeySummary, ...]


@attrs.frozen(kw_only=True)
class NotionalReserved:
    """What was set aside: what was needed or more, or nothing where the cap does not allow it."""

    units: int
    total_units: int
    """All that was set aside for the day."""


KeyReply: TypeAlias = Done | ApiKeyMade | ApiKeyList | NotionalReserved


# --- What is kept. ---------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class ApiKey:
    """A key, as it is stored. Label, addresses and secret are sealed."""

    key_id: KeyId
    account_id: AccountId
    algorithm: KeyAlgorithm
    public_key: bytes
    secret_sealed: bytes | None = attrs.field(repr=False)
    label_sealed: bytes = attrs.field(repr=False)
    networks_sealed: bytes | None = attrs.field(repr=False)
    """None: no addresses were named."""
    scopes: frozenset[Scope]
    symbols: tuple[Symbol, ...]
    caps: tuple[NotionalCap, ...]
    created_at_ns: int
    expires_at_ns: int


@attrs.frozen(kw_only=True)
class KeyUsage:
    """What was set aside of a cap; one row for each key and asset."""

    usage_id: str
    """``key id/asset``."""
    key_id: KeyId
    day: int
    """UTC days since 1970."""
    units: str
    """A whole number in decimal: amounts outgrow the integers of the vault."""


KeyRow: TypeAlias = ApiKey | KeyUsage


# --- What happened. --------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class ApiKeyCreated:
    """A key was made."""

    key_id: KeyId
    account_id: AccountId
    algorithm: KeyAlgorithm
    scopes: frozenset[Scope]


@attrs.frozen(kw_only=True)
class ApiKeyEnded:
    """A key works no longer."""

    key_id: KeyId
    account_id: AccountId
    cause: KeyEndCause


KeyEvent: TypeAlias = ApiKeyCreated | ApiKeyEnded


# --- Rules. ----------------------------------------------------------------------------------


def check_terms(terms: KeyTerms, at_ns: int) -> None:
    """Refuse a key that could do too much. Raises: Rejection KEY_TERMS or EXPIRY_PAST."""
    if not terms.scopes or not terms.scopes <= KEY_SCOPES:
        raise _refused("scopes", "a key reads, trades or withdraws", "READ, TRADE, WITHDRAW")
    networks = parse_networks(terms.networks)
    if Scope.WITHDRAW in terms.scopes and not networks:
        raise _refused(
            "networks", "a key that withdraws works from named addresses only", "1 to 16 ranges"
        )
    if len(terms.symbols) > SYMBOLS_MAX:
        raise _refused("symbols", "too many instruments", f"up to {SYMBOLS_MAX}")
    assets = [cap.asset for cap in terms.caps]
    if len(assets) > CAPS_MAX or len(set(assets)) < len(assets):
        raise _refused("caps", "each asset has one cap", f"up to {CAPS_MAX}")
    if any(cap.units_per_day <= 0 for cap in terms.caps):
        raise _refused("caps", "a cap is more than nothing", "more than 0")
    if not at_ns < terms.expires_at_ns <= at_ns + LIFETIME_NS_MAX:
        raise Rejection(
            Reason.EXPIRY_PAST,
            "a key ends some day, and not before it begins",
            field="expires_at_ns",
            given=str(terms.expires_at_ns),
            allowed=f"{at_ns + 1} to {at_ns + LIFETIME_NS_MAX}",
        )


def parse_networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    """Read address ranges; one address is a range too. Raises: Rejection KEY_TERMS."""
    if len(texts) > NETWORKS_MAX:
        raise _refused("networks", "too many address ranges", f"up to {NETWORKS_MAX}")
    networks: list[Network] = []
    for text in texts:
        try:
            network = ipaddress.ip_network(text)
        except ValueError:
            raise _refused("networks", "this is no address range", "such as 192.0.2.0/24") from None
        if network.prefixlen < PREFIX_MIN[network.version]:
            raise _refused("networks", "the range is too wide", "at least /16 (IPv4), /32 (IPv6)")
        networks.append(network)
    return tuple(networks)


def is_within(networks: tuple[Network, ...], address: str) -> bool:
    """Whether an address is in one of the ranges. What is no address is in none."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    # The same host, as a socket for both families shows it.
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return any((mapped or parsed) in network for network in networks)


def scopes_at(
    scopes: frozenset[Scope], *, bound: bool, created_at_ns: int, at_ns: int
) -> frozenset[Scope]:
    """What a key may do at a time; see the table above. ``bound``: to named addresses."""
    if not bound and at_ns >= created_at_ns + UNBOUND_TRADING_NS:
        scopes = scopes - {Scope.TRADE}
    if not bound or at_ns < created_at_ns + WITHDRAW_DELAY_NS:
        scopes = scopes - {Scope.WITHDRAW}
    return scopes


def share_of_cap(cap_units: int, reserved_units: int, needed_units: int) -> int:
    """What to set aside: what is needed, and some more to spare the next commits; 0 if it is full.

    At most a hundred commits a day and key come of it, and a restart forfeits at most 1 %.
    """
    left_units = cap_units - reserved_units
    if needed_units > left_units:
        return 0
    return min(left_units, max(needed_units, cap_units // 100))


def _refused(field: str, message: str, allowed: str) -> Rejection:
    return Rejection(Reason.KEY_TERMS, message, field=field, allowed=allowed)


# --- The table every signed call is checked against. -----------------------------------------


@attrs.frozen(kw_only=True)
class LiveKey:
    """What a call needs to know of a key."""

    key_id: KeyId
    account_id: AccountId
    algorithm: KeyAlgorithm
    verifier: bytes = attrs.field(repr=False)
    """The public key, or the secret."""
    scopes: frozenset[Scope]
    symbols: frozenset[Symbol]
    caps: tuple[NotionalCap, ...]
    networks: tuple[Network, ...] = attrs.field(repr=False)
    created_at_ns: int
    expires_at_ns: int
    impediments: frozenset[Impediment] = frozenset()
    """What stands against its account."""


class KeyTable:
    """Live keys by id. The sessions actor writes, everybody else only looks up."""

    def __init__(self) -> None:
        self._keys: dict[KeyId, LiveKey] = {}
        self._watchers: list[Callable[[KeyId, KeyEndCause], None]] = []
        self._watchers_of_losses: list[Callable[[KeyId], None]] = []

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, key_id: KeyId) -> LiveKey | None:
        """The live key of this id. Its expiry is for the caller to compare with the time."""
        return self._keys.get(key_id)

    def on_end(self, watcher: Callable[[KeyId, KeyEndCause], None]) -> None:
        """Have every end of a key told at once. A watcher must neither block nor raise."""
        self._watchers.append(watcher)

    def on_loss(self, watcher: Callable[[KeyId], None]) -> None:
        """Have every key told at once that may do less than before. As in :meth:`on_end`."""
        self._watchers_of_losses.append(watcher)

    def put(self, key: LiveKey) -> None:
        """Let a key in, or replace what is known of it. For the sessions actor only."""
        before = self._keys.get(key.key_id)
        self._keys[key.key_id] = key
        if before is not None and not before.impediments >= key.impediments:
            self.narrow(key.key_id)

    def narrow(self, key_id: KeyId) -> None:
        """Tell the watchers that a key may do less from now on. For the sessions actor only."""
        for watcher in self._watchers_of_losses:
            watcher(key_id)

    def end(self, key_id: KeyId, cause: KeyEndCause) -> None:
        """Take a key out and tell the watchers. For the sessions actor only."""
        if self._keys.pop(key_id, None) is not None:
            for watcher in self._watchers:
                watcher(key_id, cause)
