"""Epochs of the house's sealing keys: how they are exchanged while the house runs.

Theory of operation. The keys of epoch ``n`` are made from the master key. One wraps the keys of
users, and those seal what people entrust to the house; another seals letters that wait, and
requests of people who have no account. A rotation begins the next epoch: what is sealed from now on
is sealed by its keys. Then what the older ones have sealed is sealed anew, a few in a step. When
nothing is left the older epochs are retired: their keys are not made any more, so that nothing
sealed by them opens in this house again. ``oldest < newest`` says that a rotation goes on, also
after a crash.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import attrs

from xached.domain.auth import Done
from xached.domain.order import AccountId

KEY_EPOCHS: Final = "key_epochs"
"""Name of the setting that holds the epochs."""

_NUMBER_BYTES = 4


@attrs.frozen(kw_only=True)
class KeyEpochs:
    """The epochs whose keys the house uses: the newest wraps, all of them unwrap."""

    oldest: int = 1
    newest: int = 1

    def __attrs_post_init__(self) -> None:
        assert 0 < self.oldest <= self.newest < 256**_NUMBER_BYTES

    @property
    def rotating(self) -> bool:
        """Whether something may still be wrapped by an older key."""
        return self.oldest < self.newest

    def begun(self) -> KeyEpochs:
        """After the next epoch has begun."""
        return KeyEpochs(oldest=self.oldest, newest=self.newest + 1)

    def settled(self) -> KeyEpochs:
        """After all but the newest have been retired."""
        return KeyEpochs(oldest=self.newest, newest=self.newest)

    def encode(self) -> bytes:
        """As the setting holds it."""
        return b"".join(n.to_bytes(_NUMBER_BYTES, "big") for n in (self.oldest, self.newest))


def decode_epochs(value: bytes | None) -> KeyEpochs:
    """The epochs of the setting; a house that never rotated has none."""
    if value is None:
        return KeyEpochs()
    assert len(value) == 2 * _NUMBER_BYTES, "its MAC was checked by reading it"
    return KeyEpochs(
        oldest=int.from_bytes(value[:_NUMBER_BYTES], "big"),
        newest=int.from_bytes(value[_NUMBER_BYTES:], "big"),
    )


@attrs.frozen(kw_only=True)
class RotateKeys:
    """Begin a rotation, or tell how far the one at work is. Answer: KeysRotating."""

    by: AccountId


@attrs.frozen(kw_only=True)
class RotateUserKeys:
    """Give a person new keys, and seal what is theirs anew. Answer: Done."""

    account_id: AccountId
    by: AccountId


RotationMessage: TypeAlias = RotateKeys | RotateUserKeys


@attrs.frozen(kw_only=True)
class KeysRotating:
    """The rotation at work."""

    newest: int
    rewrapped: int
    """Keys of users wrapped anew since this process began with it."""


RotationReply: TypeAlias = KeysRotating | Done


@attrs.frozen(kw_only=True)
class KeyEpochBegun:
    """Keys of users are wrapped by a new key from now on."""

    epoch: int
    by: AccountId


@attrs.frozen(kw_only=True)
class KeyEpochsRetired:
    """Nothing is wrapped any more by the keys of the epochs before this one."""

    epoch: int


@attrs.frozen(kw_only=True)
class UserKeysRotated:
    """A person was given new keys."""

    account_id: AccountId
    by: AccountId


@attrs.frozen(kw_only=True)
class MasterKeyExchanged:
    """The house has another master key; the former one opens nothing of the vault any more."""

    former: str
    newest: str
    """What names a key and says nothing about it, as in ``master.id``."""


RotationEvent: TypeAlias = KeyEpochBegun | KeyEpochsRetired | UserKeysRotated | MasterKeyExchanged
