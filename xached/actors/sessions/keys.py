"""API keys: made, listed, ended, and how much of their caps is used."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias, assert_never

import attrs
import trio
from nacl.bindings import crypto_core_ed25519_is_valid_point

from xached.actors.sessions.core import DeskCore, Step
from xached.actors.sessions.outbox import Outbox
from xached.domain.api_keys import (
    KEYS_MAX,
    KEYS_PER_ACCOUNT_MAX,
    LABEL_CHARS_MAX,
    PUBLIC_KEY_BYTES,
    UNBOUND_TRADING_NS,
    ApiKey,
    ApiKeyCreated,
    ApiKeyEnded,
    ApiKeyList,
    ApiKeyMade,
    ApiKeySummary,
    CreateApiKey,
    KeyAlgorithm,
    KeyEndCause,
    KeyId,
    KeyMessage,
    KeyReply,
    KeyTable,
    KeyTerms,
    KeyUsage,
    ListApiKeys,
    LiveKey,
    NotionalReserved,
    ReserveNotional,
    RevokeApiKey,
    check_terms,
    parse_networks,
    share_of_cap,
)
from xached.domain.auth import Account, Done, UserKey
from xached.domain.identity import VaultRow
from xached.domain.mail import Letter, LetterKind
from xached.domain.order import AccountId
from xached.domain.rejection import Reason, Rejection
from xached.runtime.mailbox import Overloaded
from xached.security.sealing import KeyDestroyed, Place
from xached.security.signatures import HMAC_SECRET_BYTES
from xached.storage.vault_faults import VaultDamaged

SWEEP_INTERVAL_S = 60.0

_Stored: TypeAlias = tuple[ApiKey, Account, list[UserKey]]


class KeyArea:
    """Decides the messages about API keys."""

    def __init__(self, core: DeskCore, table: KeyTable, outbox: Outbox) -> None:
        self._core = core
        self._table = table
        self._outbox = outbox
        self._keys: dict[KeyId, ApiKey] = {}
        self._of_account: dict[AccountId, dict[KeyId, None]] = {}
        self._usage: dict[str, KeyUsage] = {}
        self._swept_at_ns = core.world.now_ns()

    def __len__(self) -> int:
        return len(self._keys)

    async def load(self) -> None:
        """Bring back the keys of the vault, but for those whose owner had everything erased."""
        stored, usage = await self._core.lane.run(self._read_all)
        for key, account, keys in stored:
            try:
                live = self._live(key, account, keys)
            except KeyDestroyed:
                continue
            self._keep(key)
            self._table.put(live)
        self._usage = {row.usage_id: row for row in usage}

    async def sweep(self) -> None:
        """End keys whose time is over, and tell of those that lost trading."""
        while True:
            await trio.sleep(SWEEP_INTERVAL_S)
            async with self._core.turn() as step:
                for key in list(self._keys.values()):
                    lapse_ns = key.created_at_ns + UNBOUND_TRADING_NS
                    if key.expires_at_ns <= step.at_ns:
                        self._end(key, KeyEndCause.EXPIRED, step)
                    elif key.networks_sealed is None and (
                        self._swept_at_ns < lapse_ns <= step.at_ns
                    ):
                        self._table.narrow(key.key_id)
                self._swept_at_ns = step.at_ns

    def account_changed(self, account: Account) -> None:
        """Let the keys of an account know what stands against it. An effect."""
        for key_id in self._of_account.get(account.account_id, ()):
            live = self._table.find(key_id)
            if live is not None:
                self._table.put(attrs.evolve(live, impediments=self._core.standing(account)))

    def renew(self, row: VaultRow) -> None:
        """Take over a row that was sealed anew, if it is a key that still works. An effect."""
        if isinstance(row, ApiKey) and row.key_id in self._keys:
            self._keys[row.key_id] = row

    def forget(self, account_id: AccountId, step: Step) -> None:
        """End the keys of an account that is being erased."""
        for key_id in list(self._of_account.get(account_id, ())):
            self._end(self._keys[key_id], KeyEndCause.ERASED, step)

    async def decide(self, message: KeyMessage, step: Step) -> KeyReply:
        """Decide a message. Raises: Rejection."""
        match message:
            case CreateApiKey():
                return await self._create(message, step)
            case ListApiKeys():
                return await self._list(message)
            case RevokeApiKey():
                key = self._keys.get(message.key_id)
                if key is None or key.account_id != message.account_id:
                    raise Rejection(Reason.UNKNOWN_KEY, "you have no such API key")
                self._end(key, KeyEndCause.REVOKED, step)
                return Done()
            case ReserveNotional():
                return self._reserve(message, step)
            case _:
                assert_never(message)

    async def _create(self, message: CreateApiKey, step: Step) -> ApiKeyMade:
        check_terms(message.terms, step.at_ns)
        _check_label(message.label)
        _check_public_key(message.algorithm, message.public_key)
        if len(self._of_account.get(message.account_id, ())) >= KEYS_PER_ACCOUNT_MAX:
            raise Rejection(
                Reason.KEY_TERMS, "you have too many keys", allowed=f"up to {KEYS_PER_ACCOUNT_MAX}"
            )
        if len(self._keys) >= KEYS_MAX:
            raise Overloaded("the house has too many API keys")
        account, keys = await self._core.read_account(message.account_id)
        credentials, key_id = self._core.credentials, self._core.credentials.new_key_id()
        secret = b""
        if message.algorithm is KeyAlgorithm.HMAC_SHA256:
            secret = credentials.entropy(HMAC_SECRET_BYTES)

        def seal(column: str, plain: bytes) -> bytes:
            place = _place(column, key_id, message.account_id)
            return credentials.seal_own(plain, place, keys)

        terms = message.terms
        key = ApiKey(
            key_id=key_id,
            account_id=message.account_id,
            algorithm=message.algorithm,
            public_key=message.public_key,
            secret_sealed=seal("secret_sealed", secret) if secret else None,
            label_sealed=seal("label_sealed", message.label.encode()),
            networks_sealed=(
                seal("networks_sealed", " ".join(terms.networks).encode())
                if terms.networks
                else None
            ),
            scopes=terms.scopes,
            symbols=tuple(sorted(terms.symbols)),
            caps=terms.caps,
            created_at_ns=step.at_ns,
            expires_at_ns=terms.expires_at_ns,
        )
        live = self._live(key, account, keys)
        self._keep(key)
        step.put(key)
        step.record(
            ApiKeyCreated(
                key_id=key_id,
                account_id=key.account_id,
                algorithm=key.algorithm,
                scopes=key.scopes,
            )
        )
        step.afterwards(lambda: self._table.put(live))
        self._outbox.notify(account, keys, _letter(key), step)
        return ApiKeyMade(key=self._summary(key, keys), secret=secret)

    async def _list(self, message: ListApiKeys) -> ApiKeyList:
        _, keys = await self._core.read_account(message.account_id)
        mine = [self._keys[key_id] for key_id in self._of_account.get(message.account_id, ())]
        return ApiKeyList(keys=tuple(self._summary(key, keys) for key in mine))

    def _reserve(self, message: ReserveNotional, step: Step) -> NotionalReserved:
        key = self._keys.get(message.key_id)
        caps = {cap.asset: cap.units_per_day for cap in key.caps} if key is not None else {}
        cap_units = caps.get(message.asset, 0)
        usage_id = f"{message.key_id}/{message.asset}"
        before = self._usage.get(usage_id)
        reserved_units = 0
        if before is not None and before.day >= message.day:
            # A day that is over is as full as can be: a clock that is set back wins nothing.
            reserved_units = int(before.units) if before.day == message.day else cap_units
        share_units = 0
        if message.needed_units:
            share_units = share_of_cap(cap_units, reserved_units, message.needed_units)
        if share_units:
            usage = KeyUsage(
                usage_id=usage_id,
                key_id=message.key_id,
                day=message.day,
                units=str(reserved_units + share_units),
            )
            self._usage[usage_id] = usage
            step.put(usage)
        return NotionalReserved(units=share_units, total_units=reserved_units + share_units)

    def _end(self, key: ApiKey, cause: KeyEndCause, step: Step) -> None:
        del self._keys[key.key_id]
        siblings = self._of_account[key.account_id]
        del siblings[key.key_id]
        if not siblings:
            del self._of_account[key.account_id]
        for cap in key.caps:
            usage = self._usage.pop(f"{key.key_id}/{cap.asset}", None)
            if usage is not None:
                step.drop(usage)
        step.drop(key)
        step.record(ApiKeyEnded(key_id=key.key_id, account_id=key.account_id, cause=cause))
        step.afterwards(lambda: self._table.end(key.key_id, cause))

    def _keep(self, key: ApiKey) -> None:
        self._keys[key.key_id] = key
        self._of_account.setdefault(key.account_id, {})[key.key_id] = None

    def _live(self, key: ApiKey, account: Account, keys: Iterable[UserKey]) -> LiveKey:
        verifier = key.public_key
        if key.secret_sealed is not None:
            verifier = self._open(key, "secret_sealed", key.secret_sealed, keys)
        return LiveKey(
            key_id=key.key_id,
            account_id=key.account_id,
            algorithm=key.algorithm,
            verifier=verifier,
            scopes=key.scopes,
            symbols=frozenset(key.symbols),
            caps=key.caps,
            networks=parse_networks(self._networks(key, keys)),
            created_at_ns=key.created_at_ns,
            expires_at_ns=key.expires_at_ns,
            impediments=self._core.standing(account),
        )

    def _summary(self, key: ApiKey, keys: Iterable[UserKey]) -> ApiKeySummary:
        return ApiKeySummary(
            key_id=key.key_id,
            label=self._open(key, "label_sealed", key.label_sealed, keys).decode(),
            algorithm=key.algorithm,
            public_key=key.public_key,
            terms=KeyTerms(
                scopes=key.scopes,
                symbols=frozenset(key.symbols),
                caps=key.caps,
                networks=self._networks(key, keys),
                expires_at_ns=key.expires_at_ns,
            ),
            created_at_ns=key.created_at_ns,
        )

    def _networks(self, key: ApiKey, keys: Iterable[UserKey]) -> tuple[str, ...]:
        if key.networks_sealed is None:
            return ()
        plain = self._open(key, "networks_sealed", key.networks_sealed, keys)
        return tuple(plain.decode().split(" "))

    def _open(self, key: ApiKey, column: str, sealed: bytes, keys: Iterable[UserKey]) -> bytes:
        place = _place(column, key.key_id, key.account_id)
        return self._core.credentials.open_own(sealed, place, keys)

    def _read_all(self) -> tuple[list[_Stored], list[KeyUsage]]:
        vault = self._core.vault
        stored: list[_Stored] = []
        for key in vault.api_keys():
            account = vault.account(key.account_id)
            if account is None:
                raise VaultDamaged(f"there is no account {key.account_id}, and yet it has a key")
            stored.append((key, account, vault.user_keys(key.account_id)))
        return stored, vault.key_usage()


def _place(column: str, key_id: KeyId, account_id: AccountId) -> Place:
    return Place("api_keys", column, key_id, account_id)


def _letter(key: ApiKey) -> Letter:
    scopes = ", ".join(scope.name.lower() for scope in sorted(key.scopes))
    return Letter(
        kind=LetterKind.SECURITY,
        subject="An API key was made for your account",
        text=f"The API key {key.key_id} may now: {scopes}.\n"
        "One that may withdraw does so only a day after it was made.\n\n"
        f"If it was not you, end it: xache keys revoke {key.key_id}\n",
    )


def _check_label(label: str) -> None:
    if not label or len(label) > LABEL_CHARS_MAX or not label.isprintable():
        raise Rejection(
            Reason.KEY_TERMS,
            "give the key a name that can be shown",
            field="label",
            allowed=f"1 to {LABEL_CHARS_MAX} printable characters",
        )


def _check_public_key(algorithm: KeyAlgorithm, public_key: bytes) -> None:
    if algorithm is KeyAlgorithm.HMAC_SHA256:
        if public_key:
            raise Rejection(
                Reason.FIELD_FORBIDDEN, "the house makes the secret", field="public_key"
            )
        return
    # A point of small order would let anybody sign.
    if len(public_key) != PUBLIC_KEY_BYTES or not crypto_core_ed25519_is_valid_point(public_key):
        raise Rejection(
            Reason.KEY_TERMS,
            "this is no Ed25519 public key",
            field="public_key",
            allowed=f"{PUBLIC_KEY_BYTES} bytes",
        )
