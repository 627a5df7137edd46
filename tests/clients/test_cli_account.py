"""What people do with their accounts at the terminal, against a real daemon with mail."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from tests.clients.real_house import Join, Person, RealHouse, joining, real_house

pytestmark = pytest.mark.xdist_group("cli_account")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealHouse]:
    with real_house(tmp_path_factory.mktemp("house")) as house:
        yield house


@pytest.fixture
def join(
    house: RealHouse,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Join:
    return joining(house, tmp_path, monkeypatch, capsys)


@pytest.fixture
def person(join: Join) -> Person:
    return join()


# --- the address -----------------------------------------------------------------------------


def test_an_address_is_changed_confirmed_and_taken_back(house: RealHouse, person: Person) -> None:
    new = f"new-{person.email}"
    begun = person.run("email", "change", new, "--json").document
    token = begun["change_token"]
    wrong = person.run("email", "confirm", token, code="AAAA-AAAA")
    assert (wrong.code, "CODE_WRONG" in wrong.err) == (1, True)
    told = person.done("email", "confirm", token, code=house.code(new))
    assert "confirmed it is made at" in told
    # After the letters of the registration and of the request.
    stop = house.token(person.email, "email cancel", 3)
    assert "taken back" in person.done("email", "cancel", stop)
    again = person.run("email", "cancel")
    assert (again.code, "UNKNOWN_CHANGE" in again.err) == (1, True)
    assert person.email in person.done("whoami")


def test_without_a_fresh_proof_no_address_is_changed(person: Person) -> None:
    ran = person.run("email", "change", "other@people.example", XACHE_PASSWORD="not-the-one-it-is")
    assert (ran.code, "CODE_WRONG" in ran.err) == (1, True)


# --- what happened ---------------------------------------------------------------------------


def test_activity_tells_what_was_done_and_from_where(person: Person) -> None:
    person.run("login", person.email, XACHE_PASSWORD="not-the-one-it-is-at-all")
    person.done("login", person.email, "--device", "the red laptop")
    person.done("email", "change", f"new-{person.email}")
    told = person.done("activity")
    assert "email change begun" in told
    assert "StartEmailChange" in told
    assert "the red laptop" in told
    assert "127.0.0.1" in told
    only = person.run("activity", "--only", "logins", "--limit", "1", "--json").document
    (newest,) = only["activities"]
    assert newest["kind"] in ("ACTIVITY_KIND_LOGIN", "ACTIVITY_KIND_SESSION_ENDED")
    assert person.run("activity", "--only", "keys").err == "Nothing.\n"
    assert person.run("activity", "--only", "sins").code == 2


# --- signing in ------------------------------------------------------------------------------


def test_strangers_who_guess_do_not_slow_down_a_device_that_signed_in_before(
    person: Person, tmp_path: Path
) -> None:
    """Checked by not sending the token: the owner is then told to wait too."""
    person.done("logout")
    stranger = attrs.evolve(person, home=tmp_path / "elsewhere")
    for _ in range(5):
        assert "CREDENTIALS" in stranger.run("login", person.email, XACHE_PASSWORD="x" * 15).err
    waits = stranger.run("login", person.email, "--patience", "0")
    assert "TOO_MANY_ATTEMPTS" in waits.err
    person.done("login", person.email.upper())
    person.done("logout")
    person.done("login", person.email)
