"""Golden bytes of the identity stream: what is written once is read for ever."""

from __future__ import annotations

import pytest

from xached.domain.auth import SessionId
from xached.domain.guarding import (
    ChangeAsked,
    ChangeCanceled,
    ChangeMade,
    DelayedKind,
    EmailChangeBegun,
)
from xached.domain.identity import IdentityEvent
from xached.domain.mail import LetterKind, MailQueued, MailSettled, MailVerdict
from xached.domain.order import AccountId
from xached.domain.profile import ProfileChanged
from xached.domain.recovery import EmailConfirmed, PasswordChanged, RecoveryAsked
from xached.domain.second_factor import (
    Proof,
    RecoveryCodesRenewed,
    RecoveryCodeUsed,
    SecondFactorFailed,
    SecondFactorTurnedOff,
    SecondFactorTurnedOn,
    SteppedUp,
)
from xached.storage.identity_codec import decode_identity_event, encode_identity_event

ALICE = AccountId("alice")

GOLDEN: list[tuple[IdentityEvent, str]] = [
    (
        MailQueued(mail_id="m", account_id=ALICE, kind=LetterKind.SECURITY),
        "951401a16da5616c69636504",
    ),
    (SecondFactorTurnedOn(account_id=ALICE), "931601a5616c696365"),
    (SecondFactorTurnedOff(account_id=ALICE), "931701a5616c696365"),
    (RecoveryCodesRenewed(account_id=ALICE, codes=10), "941801a5616c6963650a"),
    (RecoveryCodeUsed(account_id=ALICE), "931901a5616c696365"),
    (SecondFactorFailed(account_id=ALICE, failures=3), "941a01a5616c69636503"),
    (
        SteppedUp(account_id=ALICE, session_id=SessionId("s"), method="/a.B/C", proof=Proof.TOTP),
        "961b01a5616c696365a173a62f612e422f4302",
    ),
    (EmailConfirmed(account_id=ALICE), "931c01a5616c696365"),
    (PasswordChanged(account_id=ALICE, recovered=True), "941d01a5616c696365c3"),
    (RecoveryAsked(account_id=ALICE), "931e01a5616c696365"),
    (MailSettled(mail_id="m", verdict=MailVerdict.TOO_LATE), "941501a16d03"),
    (
        ChangeAsked(account_id=ALICE, kind=DelayedKind.UNFREEZE, due_at_ns=7),
        "952a01a5616c6963650107",
    ),
    (ChangeCanceled(account_id=ALICE, kind=DelayedKind.ALLOW_LIST), "942b01a5616c69636502"),
    (ChangeMade(account_id=ALICE, kind=DelayedKind.UNFREEZE), "942c01a5616c69636501"),
    (ChangeMade(account_id=ALICE, kind=DelayedKind.EMAIL), "942c01a5616c69636503"),
    (EmailChangeBegun(account_id=ALICE), "931f01a5616c696365"),
    (ProfileChanged(account_id=ALICE), "932001a5616c696365"),
]


@pytest.mark.parametrize(("event", "golden"), GOLDEN)
def test_the_bytes_of_an_event_never_change(event: IdentityEvent, golden: str) -> None:
    assert encode_identity_event(event).hex() == golden
    assert decode_identity_event(bytes.fromhex(golden)) == event
