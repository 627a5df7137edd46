"""Golden bytes of the identity stream: what is written once is read for ever."""

from __future__ import annotations

import pytest

from xached.domain.identity import IdentityEvent
from xached.domain.mail import LetterKind, MailQueued, MailSettled, MailVerdict
from xached.domain.order import AccountId
from xached.storage.identity_codec import decode_identity_event, encode_identity_event

ALICE = AccountId("alice")

GOLDEN: list[tuple[IdentityEvent, str]] = [
    (
        MailQueued(mail_id="m", account_id=ALICE, kind=LetterKind.SECURITY),
        "951401a16da5616c69636504",
    ),
    (MailSettled(mail_id="m", verdict=MailVerdict.TOO_LATE), "941501a16d03"),
]


@pytest.mark.parametrize(("event", "golden"), GOLDEN)
def test_the_bytes_of_an_event_never_change(event: IdentityEvent, golden: str) -> None:
    assert encode_identity_event(event).hex() == golden
    assert decode_identity_event(bytes.fromhex(golden)) == event
