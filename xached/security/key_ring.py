"""The keys of the house's epochs that a running house has at hand; see ``domain/key_epochs.py``."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from xached.domain.auth import UserKey
from xached.domain.key_epochs import KeyEpochs
from xached.security.keys import Entropy, MasterKey, Purpose
from xached.security.sealing import (
    SealBroken,
    SealingKey,
    key_encryption_key,
    key_id_of,
    letter_key,
    open_user_key,
    wrap_user_key,
)


class EpochKeys:
    """The keys of one purpose: the newest seals, and every one that is not retired opens."""

    def __init__(self, key_of: Callable[[int], SealingKey], epochs: KeyEpochs) -> None:
        self._key_of = key_of
        self._keys: dict[bytes, SealingKey] = {}
        self.newest = key_of(epochs.newest)
        self.use(epochs)

    def use(self, epochs: KeyEpochs) -> None:
        """Have the keys of these epochs at hand too."""
        for epoch in range(epochs.oldest, epochs.newest + 1):
            key = self._key_of(epoch)
            self._keys[key.key_id] = key
        self.newest = self._key_of(epochs.newest)

    def keep_only(self, epochs: KeyEpochs) -> None:
        """Forget the keys of all other epochs."""
        self._keys.clear()
        self.use(epochs)

    def find(self, sealed: bytes) -> SealingKey:
        """The key that opens a sealed value. Raises: SealBroken."""
        key = self._keys.get(key_id_of(sealed))
        if key is None:
            raise SealBroken("sealed by a key that is retired or not the house's")
        return key

    def is_current(self, sealed: bytes) -> bool:
        """Whether the newest key has sealed it. Raises: SealBroken."""
        return key_id_of(sealed) == self.newest.key_id


class KeyRing:
    """What the house seals with, by its epochs.

    A thread that read a row before it was sealed anew opens it a moment later; so a retired key
    stays until :meth:`forget_retired`.
    """

    def __init__(self, master: MasterKey, epochs: KeyEpochs) -> None:
        self._master = master
        self.epochs = epochs
        self.wrapping = EpochKeys(partial(key_encryption_key, master), epochs)
        """They wrap the keys of people."""
        self.letters = EpochKeys(partial(letter_key, master), epochs)
        """They seal letters, and what is kept of people without an account."""

    def use(self, epochs: KeyEpochs) -> None:
        """Have the keys of these epochs at hand too."""
        self.epochs = epochs
        self.wrapping.use(epochs)
        self.letters.use(epochs)

    def forget_retired(self) -> None:
        """Keep only the keys of the epochs in use."""
        self.wrapping.keep_only(self.epochs)
        self.letters.keep_only(self.epochs)

    def freeze_keys(self) -> list[bytes]:
        """What freeze tokens are made with, and what those of the epoch before were.

        Such a token lies in somebody's mail for two weeks. A rotation does not take it from
        people; the next one does.
        """
        epochs = (self.epochs.newest, self.epochs.newest - 1)
        return [self._master.derive(Purpose.FREEZE_TOKENS, epoch) for epoch in epochs if epoch]

    def open(self, row: UserKey) -> SealingKey:
        """Unwrap a user's key. Raises: SealBroken; KeyDestroyed."""
        if row.wrapped is None:
            return open_user_key(self.wrapping.newest, row)
        return open_user_key(self.wrapping.find(row.wrapped), row)

    def is_current(self, row: UserKey) -> bool:
        """Whether a row has nothing to renew."""
        return row.wrapped is None or self.wrapping.is_current(row.wrapped)

    def rewrapped(self, row: UserKey, entropy: Entropy) -> UserKey:
        """The row with its key wrapped by the newest. Raises: SealBroken; KeyDestroyed."""
        return wrap_user_key(self.wrapping.newest, row, self.open(row), entropy)
