"""Sealed values open with their key in their place, and in no other way."""

from __future__ import annotations

import itertools
import random

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xached.domain.auth import UserKeyKind
from xached.domain.order import AccountId
from xached.security.keys import MasterKey
from xached.security.sealing import (
    KeyDestroyed,
    Place,
    SealBroken,
    SealingKey,
    key_encryption_key,
    key_id_of,
    new_user_key,
    open_user_key,
)

ALICE, BOB = AccountId("alice"), AccountId("bob")
PLACE = Place("accounts", "email_sealed", "alice", ALICE)

entropy = random.Random(2).randbytes


def new_key() -> SealingKey:
    return SealingKey(key_id=entropy(8), secret=entropy(32))


@given(st.binary(max_size=500))
def test_what_is_sealed_opens_again(plain: bytes) -> None:
    key = new_key()
    sealed = key.seal(plain, PLACE, entropy)
    assert key.open(sealed, PLACE) == plain
    assert key_id_of(sealed) == key.key_id
    assert len(plain) < 4 or plain not in sealed
    assert key.seal(plain, PLACE, entropy) != sealed


@given(st.data())
def test_no_changed_byte_opens(data: st.DataObject) -> None:
    key = new_key()
    sealed = bytearray(key.seal(b"alice@example.com", PLACE, entropy))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(SealBroken):
        key.open(bytes(sealed), PLACE)


def test_no_shortened_value_opens() -> None:
    key = new_key()
    sealed = key.seal(b"alice@example.com", PLACE, entropy)
    for length in range(len(sealed)):
        with pytest.raises(SealBroken):
            key.open(sealed[:length], PLACE)


@pytest.mark.parametrize(
    "other",
    [
        attrs.evolve(PLACE, table="sessions"),
        attrs.evolve(PLACE, column="password_sealed"),
        attrs.evolve(PLACE, row="bob"),
        attrs.evolve(PLACE, account_id=BOB),
    ],
)
def test_a_value_that_was_moved_does_not_open(other: Place) -> None:
    # Checked by leaving the associated data out of seal and open: all four cases then fail.
    key = new_key()
    with pytest.raises(SealBroken):
        key.open(key.seal(b"secret", PLACE, entropy), other)


def test_places_never_share_their_bytes() -> None:
    texts = ["", "a", "ab", "b", "a\0b"]
    places = [Place(t, c, r, AccountId(a)) for t, c, r, a in itertools.product(texts, repeat=4)]
    assert len({place.encode() for place in places}) == len(places)


def test_another_key_opens_nothing() -> None:
    key = new_key()
    sealed = key.seal(b"secret", PLACE, entropy)
    with pytest.raises(SealBroken, match="another key"):
        new_key().open(sealed, PLACE)
    pretender = SealingKey(key_id=key.key_id, secret=entropy(32))
    with pytest.raises(SealBroken, match="does not open"):
        pretender.open(sealed, PLACE)


def test_a_user_key_opens_under_its_house_only() -> None:
    house = key_encryption_key(MasterKey(bytes(32)))
    row, key = new_user_key(house, ALICE, UserKeyKind.PROFILE, 1, entropy)
    assert open_user_key(house, row) == key
    assert row.wrapped is not None
    assert key.secret not in row.wrapped
    other_house = key_encryption_key(MasterKey(b"\1" * 32))
    with pytest.raises(SealBroken):
        open_user_key(other_house, row)


def test_a_user_key_is_bound_to_its_user_and_kind() -> None:
    house = key_encryption_key(MasterKey(bytes(32)))
    row, _ = new_user_key(house, ALICE, UserKeyKind.PROFILE, 1, entropy)
    for forged in (
        attrs.evolve(row, account_id=BOB),
        attrs.evolve(row, kind=UserKeyKind.COMPLIANCE),
        attrs.evolve(row, key_id=entropy(8)),
    ):
        with pytest.raises(SealBroken):
            open_user_key(house, forged)


def test_a_destroyed_key_is_said_to_be_destroyed() -> None:
    house = key_encryption_key(MasterKey(bytes(32)))
    row, _ = new_user_key(house, ALICE, UserKeyKind.PROFILE, 1, entropy)
    with pytest.raises(KeyDestroyed, match="profile key of alice"):
        open_user_key(house, attrs.evolve(row, wrapped=None))


def test_keys_never_show_in_their_repr() -> None:
    key = SealingKey(key_id=bytes(8), secret=b"0123456789abcdef0123456789abcdef")
    assert "0123" not in repr(key)
