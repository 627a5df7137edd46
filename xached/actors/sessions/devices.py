"""Devices that an account was signed in from: strangers' wrong passwords do not slow them down.

The token of a device is no credential: alone it opens nothing.
"""

from __future__ import annotations

from xached.actors.sessions.core import DeskCore, Step
from xached.domain.login_throttle import DEVICE_NS_MAX, DEVICES_MAX, KnownDevice
from xached.domain.order import AccountId
from xached.security.tokens import new_opaque_token
from xached.storage.vault_tables import KNOWN_DEVICES


class Devices:
    """Knows devices, and lets accounts know others."""

    def __init__(self, core: DeskCore) -> None:
        self._core = core

    async def find(self, token: str, account_id: AccountId | None, at_ns: int) -> bytes | None:
        """The device of a token, if the account knows it. One look-up, whatever it finds."""
        digest = self._core.credentials.letter_hash(token, "device")
        found = await self._core.lane.run(self._core.vault.find, KNOWN_DEVICES, digest)
        known = (
            found is not None
            and found.account_id == account_id
            and at_ns < found.created_at_ns + DEVICE_NS_MAX
        )
        return digest if known else None

    async def introduce(self, account_id: AccountId, step: Step) -> str:
        """Let an account know a device from now on; the token that it keeps."""
        known = await self._core.lane.run(
            self._core.vault.select, KNOWN_DEVICES, "account_id", account_id
        )
        known.sort(key=lambda device: device.created_at_ns)
        for device in known[: max(0, len(known) - DEVICES_MAX + 1)]:
            step.drop(device)
        token = new_opaque_token(self._core.credentials.entropy)
        digest = self._core.credentials.letter_hash(token, "device")
        step.put(KnownDevice(digest, account_id, step.at_ns))
        return token
