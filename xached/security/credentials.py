"""All that the house does with a person's secrets, under keys that never leave this object."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable
from typing import Final

from xached.domain.api_keys import KeyId
from xached.domain.auth import (
    Account,
    EmailAddress,
    Role,
    Session,
    SessionId,
    UserKey,
    UserKeyKind,
)
from xached.domain.key_epochs import KeyEpochs
from xached.domain.order import AccountId
from xached.runtime.world import Argon2Cost
from xached.security.freeze_tokens import FreezeTokens
from xached.security.key_ring import KeyRing
from xached.security.keys import Entropy, MasterKey, Purpose
from xached.security.outbox_seal import OutboxSeal
from xached.security.passwords import PasswordHasher
from xached.security.sealing import (
    KeyDestroyed,
    Place,
    SealBroken,
    SealingKey,
    key_id_of,
    new_user_key,
)
from xached.security.tokens import AccessTokens, RefreshTokens, hash_bootstrap_token
from xached.security.totp import letter_hash, recovery_hash

FIRST_EPOCH: Final = KeyEpochs()

_ACCOUNT_ID_BYTES = 10
_SESSION_ID_BYTES = 15
_RECORD_ID_BYTES = 15


class Credentials:
    """Makes, seals, opens and checks credentials; keeps none of them.

    Args:
        master: the root of all keys.
        house_id: names the issuer of access tokens.
        cost: of new password hashes.
        entropy: of salts, nonces, keys, ids and tokens.
        epochs: of the keys that wrap the keys of users.
    """

    def __init__(
        self,
        master: MasterKey,
        *,
        house_id: bytes,
        cost: Argon2Cost,
        entropy: Entropy,
        epochs: KeyEpochs = FIRST_EPOCH,
    ) -> None:
        self.entropy = entropy
        self.passwords = PasswordHasher(master.derive(Purpose.PASSWORD_PEPPER), cost)
        self.access = AccessTokens(
            master.derive(Purpose.ACCESS_TOKEN_SEED), f"xache/{house_id.hex()}"
        )
        self.refresh = RefreshTokens(master.derive(Purpose.REFRESH_TOKENS))
        self._letter_codes_key = master.derive(Purpose.LETTER_CODES)
        self._recovery_codes_key = master.derive(Purpose.RECOVERY_CODES)
        self.ring = KeyRing(master, epochs)
        self.freeze_tokens = FreezeTokens(self.ring.freeze_keys)
        self.outbox = OutboxSeal(self.ring.letters, entropy)
        self._email_lookup_key = master.derive(Purpose.EMAIL_LOOKUP)
        self._bootstrap_key = master.derive(Purpose.BOOTSTRAP_TOKENS)

    def email_lookup(self, email: EmailAddress) -> bytes:
        """The keyed hash an account is found by; without the key it cannot be guessed back."""
        return hmac.digest(self._email_lookup_key, email.encode(), hashlib.sha256)

    def bootstrap_hash(self, token: str) -> bytes:
        """The keyed hash that is kept of the one-time token."""
        return hash_bootstrap_token(self._bootstrap_key, token)

    def new_session_id(self) -> SessionId:
        """An id that nobody can guess, though nothing depends on that."""
        return SessionId(_base32(self.entropy(_SESSION_ID_BYTES)))

    def new_account(
        self, email: EmailAddress, password_hash: str, roles: frozenset[Role], at_ns: int
    ) -> tuple[Account, tuple[UserKey, ...]]:
        """The rows of a new account: itself and one key of each kind."""
        account_id = AccountId(_base32(self.entropy(_ACCOUNT_ID_BYTES)))
        profile_row, profile = new_user_key(
            self.ring.wrapping.newest, account_id, UserKeyKind.PROFILE, at_ns, self.entropy
        )
        compliance_row, _ = new_user_key(
            self.ring.wrapping.newest, account_id, UserKeyKind.COMPLIANCE, at_ns, self.entropy
        )
        account = Account(
            account_id=account_id,
            email_lookup=self.email_lookup(email),
            email_sealed=profile.seal(email.encode(), _email_place(account_id), self.entropy),
            password_sealed=profile.seal(
                password_hash.encode(), _password_place(account_id), self.entropy
            ),
            roles=roles,
            created_at_ns=at_ns,
        )
        return account, (profile_row, compliance_row)

    def open_email(self, account: Account, keys: Iterable[UserKey]) -> EmailAddress:
        """An account's address. Raises: SealBroken; KeyDestroyed."""
        key = self._key_of(account.email_sealed, keys)
        plain = key.open(account.email_sealed, _email_place(account.account_id))
        return EmailAddress(plain.decode())

    def seal_email(
        self, account_id: AccountId, email: EmailAddress, keys: Iterable[UserKey]
    ) -> bytes:
        """Seal another address of an account. Raises: SealBroken; KeyDestroyed."""
        return self._profile_key(keys).seal(email.encode(), _email_place(account_id), self.entropy)

    def open_password_hash(self, account: Account, keys: Iterable[UserKey]) -> str:
        """An account's password hash. Raises: SealBroken; KeyDestroyed."""
        key = self._key_of(account.password_sealed, keys)
        return key.open(account.password_sealed, _password_place(account.account_id)).decode()

    def seal_password_hash(
        self, account_id: AccountId, password_hash: str, keys: Iterable[UserKey]
    ) -> bytes:
        """Seal a new password hash. Raises: SealBroken; KeyDestroyed."""
        key = self._profile_key(keys)
        return key.seal(password_hash.encode(), _password_place(account_id), self.entropy)

    def seal_device(
        self, session_id: SessionId, account_id: AccountId, device: str, keys: Iterable[UserKey]
    ) -> bytes:
        """Seal the name of a session's device. Raises: SealBroken; KeyDestroyed."""
        place = _device_place(session_id, account_id)
        return self._profile_key(keys).seal(device.encode(), place, self.entropy)

    def seal_address(
        self, session_id: SessionId, account_id: AccountId, address: str, keys: Iterable[UserKey]
    ) -> bytes:
        """Seal where a session is used from. Raises: SealBroken; KeyDestroyed."""
        place = _address_place(session_id, account_id)
        return self._profile_key(keys).seal(address.encode(), place, self.entropy)

    def open_address(self, session: Session, keys: Iterable[UserKey]) -> str:
        """Where a session was used from last; "" where that is not known.

        Raises: SealBroken; KeyDestroyed.
        """
        if session.address_sealed is None:
            return ""
        place = _address_place(session.session_id, session.account_id)
        return self.open_sealed(session.address_sealed, place, keys).decode()

    def open_device(self, session: Session, keys: Iterable[UserKey]) -> str:
        """The name of a session's device. Raises: SealBroken; KeyDestroyed."""
        key = self._key_of(session.device_sealed, keys)
        place = _device_place(session.session_id, session.account_id)
        return key.open(session.device_sealed, place).decode()

    def letter_hash(self, token: str, code: str) -> bytes:
        """The keyed hash that is kept of a request's token, or of token and code."""
        return letter_hash(self._letter_codes_key, token, code)

    def recovery_code_hash(self, account_id: AccountId, code: str) -> bytes:
        """The keyed hash that is kept of a recovery code."""
        return recovery_hash(self._recovery_codes_key, account_id, code)

    def new_key_id(self) -> KeyId:
        """An id for an API key; it is public."""
        return KeyId(_base32(self.entropy(_SESSION_ID_BYTES)))

    def seal_own(self, plain: bytes, place: Place, keys: Iterable[UserKey]) -> bytes:
        """Seal what is an account's own with its profile key. Raises: SealBroken; KeyDestroyed."""
        return self._profile_key(keys).seal(plain, place, self.entropy)

    def open_own(self, sealed: bytes, place: Place, keys: Iterable[UserKey]) -> bytes:
        """Open what :meth:`seal_own` sealed. Raises: SealBroken; KeyDestroyed."""
        return self._key_of(sealed, keys).open(sealed, place)

    def new_id(self) -> str:
        """An id of a record that nobody can guess."""
        return _base32(self.entropy(_RECORD_ID_BYTES))

    def renewed_keys(
        self, account_id: AccountId, keys: Iterable[UserKey], at_ns: int
    ) -> list[UserKey]:
        """A new key for each kind of which the newest was not destroyed."""
        newest = {key.kind: key for key in keys}
        return [
            new_user_key(self.ring.wrapping.newest, account_id, kind, at_ns, self.entropy)[0]
            for kind, key in newest.items()
            if key.wrapped is not None
        ]

    def seal_as(
        self, kind: UserKeyKind, plain: bytes, place: Place, keys: Iterable[UserKey]
    ) -> bytes:
        """Seal with the newest key of a kind. Raises: SealBroken; KeyDestroyed."""
        return self._newest(kind, keys).seal(plain, place, self.entropy)

    def seal_for_compliance(self, plain: bytes, place: Place, keys: Iterable[UserKey]) -> bytes:
        """Seal what is kept until retention ends. Raises: SealBroken; KeyDestroyed."""
        return self._newest(UserKeyKind.COMPLIANCE, keys).seal(plain, place, self.entropy)

    def open_sealed(self, sealed: bytes, place: Place, keys: Iterable[UserKey]) -> bytes:
        """Open what one of a person's keys has sealed. Raises: SealBroken; KeyDestroyed."""
        return self._key_of(sealed, keys).open(sealed, place)

    def _newest(self, kind: UserKeyKind, keys: Iterable[UserKey]) -> SealingKey:
        fitting = [key for key in keys if key.kind is kind]
        if not fitting:
            raise KeyDestroyed(f"the account has no {kind.name.lower()} key")
        # Older ones only open what they sealed.
        return self.ring.open(fitting[-1])

    def _profile_key(self, keys: Iterable[UserKey]) -> SealingKey:
        return self._newest(UserKeyKind.PROFILE, keys)

    def _key_of(self, sealed: bytes, keys: Iterable[UserKey]) -> SealingKey:
        wanted = key_id_of(sealed)
        for key in keys:
            if key.key_id == wanted:
                return self.ring.open(key)
        raise SealBroken("sealed with a key that the account does not have")


def _email_place(account_id: AccountId) -> Place:
    return Place("accounts", "email_sealed", account_id, account_id)


def _password_place(account_id: AccountId) -> Place:
    return Place("accounts", "password_sealed", account_id, account_id)


def _address_place(session_id: SessionId, account_id: AccountId) -> Place:
    return Place("sessions", "address_sealed", session_id, account_id)


def _device_place(session_id: SessionId, account_id: AccountId) -> Place:
    return Place("sessions", "device_sealed", session_id, account_id)


def _base32(raw: bytes) -> str:
    """Lower-case letters and digits; the length of ``raw`` is a multiple of 5, so no padding."""
    assert len(raw) % 5 == 0
    return base64.b32encode(raw).decode().lower()
