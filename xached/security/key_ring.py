"""The key-encryption keys that a running house has at hand; see ``domain/key_epochs.py``."""

from __future__ import annotations

from xached.domain.auth import UserKey
from xached.domain.key_epochs import KeyEpochs
from xached.security.keys import Entropy, MasterKey
from xached.security.sealing import (
    SealBroken,
    SealingKey,
    key_encryption_key,
    key_id_of,
    open_user_key,
    wrap_user_key,
)


class KeyRing:
    """Wraps with the newest key, and unwraps with every one that is not retired.

    A thread that read a row before its wrap was renewed opens it a moment later; so a retired key
    stays until :meth:`forget_retired`.
    """

    def __init__(self, master: MasterKey, epochs: KeyEpochs) -> None:
        self._master = master
        self._keys: dict[bytes, SealingKey] = {}
        self.epochs = epochs
        self.newest = self._key_of(epochs.newest)
        self.use(epochs)

    def use(self, epochs: KeyEpochs) -> None:
        """Have the keys of these epochs at hand too."""
        for epoch in range(epochs.oldest, epochs.newest + 1):
            key = self._key_of(epoch)
            self._keys[key.key_id] = key
        self.epochs = epochs
        self.newest = self._key_of(epochs.newest)

    def forget_retired(self) -> None:
        """Keep only the keys of the epochs in use."""
        self._keys.clear()
        self.use(self.epochs)

    def open(self, row: UserKey) -> SealingKey:
        """Unwrap a user's key. Raises: SealBroken; KeyDestroyed."""
        if row.wrapped is None:
            return open_user_key(self.newest, row)
        wrapping = self._keys.get(key_id_of(row.wrapped))
        if wrapping is None:
            raise SealBroken("a user's key is wrapped by a key that is retired or not the house's")
        return open_user_key(wrapping, row)

    def is_current(self, row: UserKey) -> bool:
        """Whether a row has nothing to renew."""
        return row.wrapped is None or key_id_of(row.wrapped) == self.newest.key_id

    def rewrapped(self, row: UserKey, entropy: Entropy) -> UserKey:
        """The row with its key wrapped by the newest. Raises: SealBroken; KeyDestroyed."""
        return wrap_user_key(self.newest, row, self.open(row), entropy)

    def _key_of(self, epoch: int) -> SealingKey:
        return key_encryption_key(self._master, epoch)
