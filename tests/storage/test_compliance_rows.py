"""Bytes of the stream's events about compliance: they last for ever."""

from __future__ import annotations

import pytest

from tests.storage.compliance_rows import COMPLIANCE_EVENTS
from xached.domain.identity import IdentityEvent
from xached.storage.identity_codec import decode_identity_event, encode_identity_event

BYTES = [
    "955001a5616c696365a3612d3102",
    "975101a5616c696365a3612d31a3626f62c302",
    "945201a5616c696365a3642d31",
    "955301a5616c696365a3626f62af636173652076656c6f636974792d31",
    "965401aa76656c6f636974792d31a5616c69636502c3",
    "955501aa76656c6f636974792d31a3626f62a3626f62",
    "965601aa76656c6f636974792d31a3626f620204",
    "965701a46c69737403c40401010101a3626f62",
    "945801a5616c696365cf1000000000000000",
    "935901a5616c696365",
    "945a01a5616c696365cf1000000000000000",
    "935b01a5616c696365",
    "935c01a5616c696365",
]


@pytest.mark.parametrize(("event", "written"), list(zip(COMPLIANCE_EVENTS, BYTES, strict=True)))
def test_the_bytes_of_events_never_change(event: IdentityEvent, written: str) -> None:
    assert encode_identity_event(event).hex() == written
    assert decode_identity_event(bytes.fromhex(written)) == event
