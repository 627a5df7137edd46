"""The audit: what the stream of the vault says about security and administration, and who signs it.

Theory of operation. The stream of the vault is the one audit chain of the house. Each row is
chained by a keyed hash to the one before it, and is on disk before anybody is answered. What people
do to their own accounts are events of their areas; what is done with a role of the house is two
rows, :class:`ActionAsked` before anything happens and :class:`ActionEnded` before the answer. An
action without an end was cut off: whether it changed the exchange is in the journal, whose rows
name their administrator too.

Every :data:`CHECKPOINT_ROWS` rows, and within :data:`CHECKPOINT_S` of any, the house signs a
:class:`Checkpoint`: where the audit and the journal end. It is a row of the chain itself, so it
cannot be taken out, and a line of the system's log, so that somebody else knows it.

What that proves. Without any key, no row can be changed, taken out, put in or moved, and the end
cannot be cut off, unless all of vault.db is put back as it was at an earlier time. With the keys of
rows and chain, but not the one that signs, nothing that a kept checkpoint covers can be changed;
what came after it can be written anew, and at most :data:`UNSIGNED_ROWS_MAX` rows long. A whole
directory put back as it was is found by a checkpoint kept elsewhere, an anchor, and by nothing
else. Whoever has the master key can do anything but make an earlier anchor fit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

import attrs

from xached.domain.order import AccountId
from xached.domain.sealed import Sealed, personal_field

CHECKPOINT_ROWS: Final = 10_000
CHECKPOINT_S: Final = 60

UNSIGNED_ROWS_MAX: Final = 2 * CHECKPOINT_ROWS
"""More rows than this without a checkpoint were not written by the house: one batch goes past the
mark, and rows of its last seconds may be there when it starts again."""

TALLY_MAX: Final = 1_000
"""Addresses and accounts whose failed logins are told apart in one minute; the rest is one row."""

REFUSALS_MAX: Final = 8
"""Different refusals of one caller that are named in one minute."""

OK: Final = "OK"

_TEXT = re.compile(
    r"xache-checkpoint 1 house=(?P<house>[0-9a-f]{32}) at=(?P<at>\d{1,19})"
    r" audit=(?P<audit_seq>\d{1,19}):(?P<audit_chain>[0-9a-f]{64})"
    r" journal=(?P<journal_seq>\d{1,19}):(?P<journal_chain>[0-9a-f]{64})"
    r" signature=(?P<signature>[0-9a-f]{128})(?!\S)",
    re.ASCII,
)
_MARK = "xache-checkpoint "


# --- What the sessions actor is asked. -------------------------------------------------------


@attrs.frozen(kw_only=True)
class AskAction:
    """Write down what somebody with a role of the house is about to do. Answer: ActionNoted."""

    method: str
    by: AccountId
    session_id: str
    address: str = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class EndAction:
    """Write down how it ended. Answer: ActionNoted."""

    action_id: str
    outcome: str
    journal_seq: int


@attrs.frozen(kw_only=True)
class SignCheckpoint:
    """Sign what is not signed yet. Answer: ActionNoted."""


@attrs.frozen(kw_only=True)
class ActionNoted:
    """It is on disk. ``action_id`` names the action to its end."""

    action_id: str


AuditMessage: TypeAlias = AskAction | EndAction | SignCheckpoint
AuditReply: TypeAlias = ActionNoted


# --- What happened. --------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class CheckpointSigned:
    """The house signed where its chains ended; see :class:`Checkpoint`."""

    audit_seq: int
    audit_chain: bytes
    journal_seq: int
    journal_chain: bytes
    signature: bytes


@attrs.frozen(kw_only=True)
class ActionAsked:
    """Somebody asked for what takes a role of the house. Nothing of it has happened yet."""

    action_id: str
    method: str
    by: AccountId
    """Empty for the first administrator, who is nobody yet."""
    session_id: str
    address: Sealed | None = personal_field()  # noqa: RUF009 - it is attrs.field, named
    """From where; under the compliance key of the person."""


@attrs.frozen(kw_only=True)
class ActionEnded:
    """How it ended. ``journal_seq`` is the row of the exchange that says what changed, or 0."""

    action_id: str
    outcome: str
    journal_seq: int


@attrs.frozen(kw_only=True)
class LoginsFailed:
    """So many logins failed from one address to one account, since the last time this was told."""

    count: int
    account_id: AccountId
    """Empty where there is no such account, and for what is not told apart any more."""
    address_mark: bytes
    """A keyed hash: equal for equal addresses, and nothing else can be had from it."""
    address: Sealed | None = personal_field()  # noqa: RUF009 - it is attrs.field, named
    """Under the compliance key of the account, where there is one."""


@attrs.frozen(kw_only=True)
class CallsDenied:
    """So many calls of somebody were not let in, since the last time this was told."""

    count: int
    account_id: AccountId
    """Empty where nobody knows who called, and for what is not told apart any more."""
    refusals: tuple[str, ...]
    """Some of them, each a method and the name of the rule; at most :data:`REFUSALS_MAX`."""
    address_mark: bytes
    """As that of :class:`LoginsFailed`."""
    address: Sealed | None = personal_field()  # noqa: RUF009 - it is attrs.field, named
    """Under the compliance key of the account, where there is one."""


AuditEvent: TypeAlias = CheckpointSigned | ActionAsked | ActionEnded | LoginsFailed | CallsDenied


# --- What outsiders can repeat at will, until it is told. -------------------------------------


class LoginTally:
    """Counts failed logins by address and account, at whichever step they failed.

    Its size is bounded, whatever comes in.
    """

    def __init__(self) -> None:
        self._counts: dict[tuple[str, AccountId], int] = {}

    def add(self, address: str, account_id: AccountId) -> None:
        """Count one. ``account_id`` is empty where there is no such account."""
        key = (address, account_id)
        if key not in self._counts and len(self._counts) >= TALLY_MAX:
            key = ("", AccountId(""))
        self._counts[key] = self._counts.get(key, 0) + 1

    def take(self) -> dict[tuple[str, AccountId], int]:
        """All counts since the last time, which begin anew."""
        counts, self._counts = self._counts, {}
        return counts


@attrs.define
class Denials:
    """Calls of one caller that were not let in."""

    count: int = 0
    refusals: list[str] = attrs.field(factory=list)


class DenialTally:
    """Counts calls that were not let in, by address and account; bounded like failed logins."""

    def __init__(self) -> None:
        self._denials: dict[tuple[str, AccountId], Denials] = {}

    def add(self, address: str, account_id: AccountId, refusal: str) -> None:
        """Count one. ``account_id`` is empty where nobody knows who called."""
        key = (address, account_id)
        if key not in self._denials and len(self._denials) >= TALLY_MAX:
            key = ("", AccountId(""))
        denials = self._denials.setdefault(key, Denials())
        denials.count += 1
        if refusal not in denials.refusals and len(denials.refusals) < REFUSALS_MAX:
            denials.refusals.append(refusal)

    def take(self) -> dict[tuple[str, AccountId], Denials]:
        """All counts since the last time, which begin anew."""
        denials, self._denials = self._denials, {}
        return denials


# --- Checkpoints. ----------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Checkpoint:
    """Where the chains of a house ended at one moment, and who says so."""

    house_id: bytes
    at_ns: int
    audit_seq: int
    audit_chain: bytes
    journal_seq: int
    journal_chain: bytes
    signature: bytes = b""

    @property
    def signed_text(self) -> str:
        """What the signature covers."""
        return (
            f"{_MARK}1 house={self.house_id.hex()} at={self.at_ns}"
            f" audit={self.audit_seq}:{self.audit_chain.hex()}"
            f" journal={self.journal_seq}:{self.journal_chain.hex()}"
        )

    @property
    def text(self) -> str:
        """One line, to be kept where the house cannot reach it."""
        return f"{self.signed_text} signature={self.signature.hex()}"

    @property
    def event(self) -> CheckpointSigned:
        """What the chain says of it."""
        return CheckpointSigned(
            audit_seq=self.audit_seq,
            audit_chain=self.audit_chain,
            journal_seq=self.journal_seq,
            journal_chain=self.journal_chain,
            signature=self.signature,
        )


def checkpoint_of(event: CheckpointSigned, house_id: bytes, at_ns: int) -> Checkpoint:
    """The checkpoint of a row of the chain."""
    return Checkpoint(
        house_id=house_id,
        at_ns=at_ns,
        audit_seq=event.audit_seq,
        audit_chain=event.audit_chain,
        journal_seq=event.journal_seq,
        journal_chain=event.journal_chain,
        signature=event.signature,
    )


class AnchorUnreadable(Exception):  # noqa: N818 - what the file is
    """A file of anchors holds no checkpoint, or a line that is cut off or changed."""


def read_anchors(text: str) -> Iterator[Checkpoint]:
    """The checkpoints in a text, such as an excerpt of the system's log. Other lines are passed.

    Raises: AnchorUnreadable.
    """
    found = 0
    for number, line in enumerate(text.splitlines(), 1):
        if _MARK not in line:
            continue
        match = _TEXT.search(line)
        if match is None:
            raise AnchorUnreadable(f"line {number} is not a whole checkpoint")
        found += 1
        yield Checkpoint(
            house_id=bytes.fromhex(match["house"]),
            at_ns=int(match["at"]),
            audit_seq=int(match["audit_seq"]),
            audit_chain=bytes.fromhex(match["audit_chain"]),
            journal_seq=int(match["journal_seq"]),
            journal_chain=bytes.fromhex(match["journal_chain"]),
            signature=bytes.fromhex(match["signature"]),
        )
    if not found:
        raise AnchorUnreadable("there is no checkpoint in it")


# --- Checking a chain that is there. ---------------------------------------------------------

ChainAt: TypeAlias = Callable[[int], bytes | None]
"""The chain value of a row; None when there is no such row."""


@attrs.define
class ChainCheck:
    """Compares the rows of a chain, whose links were found good, with what was signed of them.

    Args:
        house_id: of the house.
        genuine: whether the house signed a checkpoint.
        journal_at: the chain of the journal.
    """

    house_id: bytes
    genuine: Callable[[Checkpoint], bool]
    journal_at: ChainAt
    rows: int = 0
    unsigned_rows: int = 0
    newest: Checkpoint | None = None
    checkpoints: int = 0
    faults: list[str] = attrs.field(factory=list)
    _chain: bytes = b""

    def take(self, seq: int, at_ns: int, event: object, chain: bytes) -> None:
        """Look at the next row."""
        self.rows = seq
        if isinstance(event, CheckpointSigned):
            checkpoint = checkpoint_of(event, self.house_id, at_ns)
            if not self.genuine(checkpoint):
                self.faults.append(f"vault.db: stream row {seq}: the house did not sign it")
            elif (event.audit_seq, event.audit_chain) != (seq - 1, self._chain):
                self.faults.append(
                    f"vault.db: stream row {seq}: what is before it was signed otherwise"
                )
            else:
                self._check_journal(checkpoint, f"vault.db: stream row {seq}")
                self.newest = checkpoint
            self.checkpoints += 1
            self.unsigned_rows = 0
        else:
            self.unsigned_rows += 1
            if self.unsigned_rows == UNSIGNED_ROWS_MAX + 1:
                self.faults.append(
                    f"vault.db: stream row {seq}: {self.unsigned_rows} rows without a checkpoint"
                )
        self._chain = chain

    def compare(self, anchor: Checkpoint, audit_at: ChainAt) -> None:
        """Look for what an anchor knows; to be called once all rows were taken."""
        place = f"the anchor of row {anchor.audit_seq}"
        if anchor.house_id != self.house_id or not self.genuine(anchor):
            self.faults.append(f"{place} was not signed by this house")
            return
        found = audit_at(anchor.audit_seq)
        if found is None:
            self.faults.append(
                f"vault.db: the stream ends at {self.rows}, but its row {anchor.audit_seq} was "
                "signed: it was cut off, or an earlier vault was put in its place"
            )
        elif found != anchor.audit_chain:
            self.faults.append(
                f"vault.db: stream row {anchor.audit_seq} is not the one that was signed: the "
                "stream was written anew from an earlier row on"
            )
        self._check_journal(anchor, place)

    def _check_journal(self, signed: Checkpoint, place: str) -> None:
        found = self.journal_at(signed.journal_seq)
        if found is None:
            self.faults.append(
                f"journal.db: row {signed.journal_seq} is missing, which was signed ({place}): it "
                "was cut off, or an earlier journal was put in its place"
            )
        elif found != signed.journal_chain:
            self.faults.append(
                f"journal.db: row {signed.journal_seq} is not the one that was signed ({place})"
            )
