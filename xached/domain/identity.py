"""All that the sessions actor is asked, answers, keeps and records: the areas' unions in one.

An area of identity has its domain types in a flat file of its own and adds its unions here.
"""

from __future__ import annotations

from typing import TypeAlias

from xached.domain.activity import ActivityMessage, ActivityReply, ActivityRow
from xached.domain.api_keys import KeyEvent, KeyMessage, KeyReply, KeyRow
from xached.domain.audit import AuditEvent, AuditMessage, AuditReply
from xached.domain.auth import (
    AccountEvent,
    AccountMessage,
    AccountReply,
    AccountRow,
    LoginMessage,
    LoginReply,
)
from xached.domain.cases import CaseEvent, CaseMessage, CaseReply, CaseRow
from xached.domain.erasure import ErasureEvent, ErasureMessage, ErasureReply, ErasureRow
from xached.domain.guarding import GuardEvent, GuardMessage, GuardReply, GuardRow
from xached.domain.key_epochs import RotationEvent, RotationMessage, RotationReply
from xached.domain.kyc import KycEvent, KycMessage, KycReply, KycRow
from xached.domain.login_throttle import KnownDevice
from xached.domain.mail import MailEvent, MailMessage, MailReply, WaitingMail
from xached.domain.operators import OperatorMessage, OperatorReply
from xached.domain.oversight import OversightMessage, OversightReply
from xached.domain.profile import ProfileEvent, ProfileMessage, ProfileReply, ProfileRow
from xached.domain.recovery import EmailProof, ProofBegun, RecoveryEvent, RecoveryMessage
from xached.domain.second_factor import (
    SecondFactorEvent,
    SecondFactorMessage,
    SecondFactorReply,
    SecondFactorRow,
)
from xached.domain.staff import StaffMessage, StaffReply

AuthMessage: TypeAlias = (
    AccountMessage
    | LoginMessage
    | RotationMessage
    | MailMessage
    | SecondFactorMessage
    | RecoveryMessage
    | KeyMessage
    | KycMessage
    | CaseMessage
    | ErasureMessage
    | StaffMessage
    | AuditMessage
    | GuardMessage
    | OperatorMessage
    | OversightMessage
    | ActivityMessage
    | ProfileMessage
)
"""What the sessions actor is asked."""

AuthReply: TypeAlias = (
    AccountReply
    | LoginReply
    | RotationReply
    | MailReply
    | SecondFactorReply
    | ProofBegun
    | KeyReply
    | KycReply
    | CaseReply
    | ErasureReply
    | StaffReply
    | OversightReply
    | AuditReply
    | GuardReply
    | OperatorReply
    | ActivityReply
    | ProfileReply
)
"""What it answers. A refusal is a Rejection."""

VaultRow: TypeAlias = (
    AccountRow
    | WaitingMail
    | SecondFactorRow
    | EmailProof
    | KnownDevice
    | KeyRow
    | KycRow
    | CaseRow
    | ErasureRow
    | GuardRow
    | ActivityRow
    | ProfileRow
)
"""All that the vault keeps, but for the stream: one class for each table."""

IdentityEvent: TypeAlias = (
    AccountEvent
    | RotationEvent
    | MailEvent
    | SecondFactorEvent
    | RecoveryEvent
    | KeyEvent
    | KycEvent
    | CaseEvent
    | ErasureEvent
    | AuditEvent
    | GuardEvent
    | ProfileEvent
)
"""What happened: the identity stream. No personal data in clear."""
