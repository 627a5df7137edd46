"""Passwords: the rule, and what is kept of them."""

from __future__ import annotations

import random
import unicodedata
from importlib.resources import files
from typing import Literal

import pytest

from xached.domain.rejection import Reason, Rejection
from xached.runtime.world import Argon2Cost, RealWorld
from xached.security.passwords import (
    PASSWORD_CHARS_MAX,
    PASSWORD_CHARS_MIN,
    PasswordHashDamaged,
    PasswordHasher,
    check_password,
    new_salt,
)

CHEAP = Argon2Cost(passes=1, memory_bytes=8192)
GOOD = "kettle-anchor-moss-77"

GOLDEN = (
    "$argon2id$v=19$m=8,t=1,p=1,keyid=1$MDEyMzQ1Njc4OWFiY2RlZg$"
    "CE3BgUZUmsbHEracRsjrjjYx/NoU/v2zLblfxy5CN84"
)

entropy = random.Random(3).randbytes


def hasher(pepper: bytes = bytes(32), cost: Argon2Cost = CHEAP) -> PasswordHasher:
    return PasswordHasher(pepper, cost)


def test_the_right_password_fits_and_no_other() -> None:
    stored = hasher().hash(GOOD, new_salt(entropy))
    assert hasher().verify(GOOD, stored)
    for wrong in ("", GOOD[:-1], GOOD + " ", GOOD.upper(), GOOD + "x" * 300):
        assert not hasher().verify(wrong, stored)


def test_equal_passwords_are_kept_differently() -> None:
    assert hasher().hash(GOOD, new_salt(entropy)) != hasher().hash(GOOD, new_salt(entropy))


def test_without_the_pepper_nothing_fits() -> None:
    stored = hasher().hash(GOOD, new_salt(entropy))
    assert not hasher(pepper=b"\1" * 32).verify(GOOD, stored)


def test_what_looks_the_same_is_the_same() -> None:
    # One keyboard sends the composed letter, another the letter and its accent.
    stored = hasher().hash("caf\u00e9 cr\u00e8me br\u00fbl\u00e9e", new_salt(entropy))
    assert hasher().verify("cafe\u0301 cre\u0300me bru\u0302le\u0301e", stored)


def test_a_long_password_is_refused_before_it_is_normalised(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Anybody may send one, and this one took 40 s of the house's only thread.
    normalise, lengths = unicodedata.normalize, []

    def normalize(form: Literal["NFKC"], text: str) -> str:
        lengths.append(len(text))
        return normalise(form, text) if len(text) <= 256 else text

    monkeypatch.setattr(unicodedata, "normalize", normalize)
    hostile = "a" + "\u0301" * 60_000 + "\u0316" * 60_000
    with pytest.raises(Rejection) as refused:
        check_password(hostile, "alice@example.com")
    assert refused.value.reason is Reason.PASSWORD_RULE
    stored = hasher().unmatchable(entropy)
    assert not hasher().verify(hostile, stored)
    assert max(lengths, default=0) <= 256


def test_the_cost_is_in_the_text_and_an_old_one_is_still_verified() -> None:
    stored = hasher().hash(GOOD, b"0123456789abcdef")
    assert stored.startswith("$argon2id$v=19$m=8,t=1,p=1,keyid=1$MDEyMzQ1Njc4OWFiY2RlZg$")
    dearer = hasher(cost=Argon2Cost(passes=2, memory_bytes=16384))
    assert dearer.verify(GOOD, stored)
    assert dearer.needs_rehash(stored)
    assert not dearer.needs_rehash(dearer.hash(GOOD, new_salt(entropy)))


def test_the_bytes_kept_never_change() -> None:
    # Golden: another text here would lock every user out.
    assert hasher().hash(GOOD, b"0123456789abcdef") == GOLDEN


def test_the_real_cost_is_what_owasp_asks_for() -> None:
    assert RealWorld().argon2_cost == Argon2Cost(passes=2, memory_bytes=19 * 1024 * 1024)


def test_no_password_fits_the_hash_for_nobody() -> None:
    stored = hasher().unmatchable(entropy)
    assert not hasher().verify(GOOD, stored)
    assert not hasher().needs_rehash(stored)


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "$argon2id$v=19$m=8,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$AAAA",
        "$argon2i$v=19$m=8,t=1,p=1,keyid=1$MDEyMzQ1Njc4OWFiY2RlZg$" + "A" * 43,
        "$argon2id$v=19$m=8,t=1,p=1,keyid=1$MDEyMzQ1Njc4OWFiY2RlZg$" + "A" * 43 + "\n",
    ],
)
def test_other_texts_are_no_hash(stored: str) -> None:
    with pytest.raises(PasswordHashDamaged):
        hasher().verify(GOOD, stored)


@pytest.mark.parametrize(
    "password",
    [
        GOOD,
        "a b c d e f g h",
        "\u043f\u0430\u0440\u043e\u043b\u044c \u043c\u043e\u0439 \u0434\u043e\u043c\u0430",
        "x9" * 6 + "q-K",
        "v3ry" * 63 + "long",
    ],
)
def test_a_good_password_passes(password: str) -> None:
    assert check_password(password, "alice@example.com") == password


@pytest.mark.parametrize(
    "password",
    [
        "",
        "short",
        "fourteen chars",
        "v3ry" * 64 + "x",
        "e\u0301" * 129,
        "aaaaaaaaaaaaaaaa",
        "abababababababab",
        "passwordpassword",
        "PassWordPassWord",
        "qwertyuiopasdfg",
        "gfdsapoiuytrewq",
        "123456789012345",
        "abcdefghijklmno",
        "alice@example.com",
        "Alice@Example.com",
        "alice.liddell-of",
    ],
)
def test_a_bad_password_is_refused_without_being_repeated(password: str) -> None:
    email = "alice.liddell-of@example.com" if "liddell" in password else "alice@example.com"
    with pytest.raises(Rejection) as refused:
        check_password(password, email)
    assert refused.value.reason is Reason.PASSWORD_RULE
    if len(password) > 5:
        assert password not in repr(refused.value)


def test_the_list_of_common_passwords_is_as_long_as_asked_for() -> None:
    """ASVS 5.0, 6.2.4: at least 3,000 that would pass the rule of length."""
    listed = files("xached.security").joinpath("common_passwords.txt").read_text("ascii").split()
    assert len(listed) == len(set(listed)) > 9_000
    assert all(PASSWORD_CHARS_MIN <= len(each) <= PASSWORD_CHARS_MAX for each in listed)
    assert not any("@" in each for each in listed), "an address is somebody's"
    for each in listed[::500]:
        with pytest.raises(Rejection):
            check_password(each.upper(), "alice@example.com")
