"""What people do with their accounts at the terminal, against a real daemon with mail."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import attrs
import pyotp
import pytest

from tests.clients.real_house import NEW_PASSWORD, Join, Person, RealHouse, joining, real_house

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


# --- the password ----------------------------------------------------------------------------


def test_a_password_is_changed_by_who_knows_it(person: Person) -> None:
    new = {"XACHE_NEW_PASSWORD": NEW_PASSWORD}
    wrong = person.run("password", XACHE_PASSWORD="not-the-one-it-is-at-all", **new)
    assert (wrong.code, "CODE_WRONG" in wrong.err) == (1, True)
    assert "password changed" in person.done("password", **new)
    assert person.run("login", person.email).code == 3
    person.done("login", person.email, XACHE_PASSWORD=NEW_PASSWORD)


def test_a_lost_password_is_set_anew_never_past_the_second_factor(
    house: RealHouse, person: Person
) -> None:
    phone = enrolled(person)
    begun = person.run("recover", person.email, "--json").document
    token = begun["recovery_token"]
    # After the letters of the registration and of the second factor.
    code = house.code(person.email, 3)
    new = {"XACHE_NEW_PASSWORD": NEW_PASSWORD}
    alone = person.run("recover", "--token", token, code=code, XACHE_FACTOR_CODE="000000", **new)
    assert (alone.code, "CODE_WRONG" in alone.err) == (1, True)
    told = person.done(
        "recover", "--token", token, code=code, XACHE_FACTOR_CODE=phone.recovery[0], **new
    )
    assert "all sessions have ended" in told
    assert person.run("whoami").code == 3
    nobody = person.run("recover", "nobody@people.example", "--json").document
    assert nobody.keys() == begun.keys()
    assert person.run("recover").code == 2


def test_another_code_can_be_had_but_not_at_once(person: Person) -> None:
    token = person.run("recover", person.email, "--json").document["recovery_token"]
    again = person.run("resend", token, "--patience", "0")
    assert (again.code, "TOO_MANY_ATTEMPTS" in again.err) == (1, True)


# --- the second factor -----------------------------------------------------------------------


@attrs.frozen
class Phone:
    """An authenticator, and the codes on paper."""

    totp: pyotp.TOTP
    recovery: list[str]


def enrolled(person: Person) -> Phone:
    """Turn the second factor on. The first code uses up this half minute and those before it."""
    begun = person.run("factor", "on", "--json").document
    totp = pyotp.TOTP(begun["secret"])
    made = person.run("factor", "confirm", "--json", code=totp.now()).document
    return Phone(totp, made["recovery_codes"])


def test_a_second_factor_is_scanned_confirmed_used_and_kept_for_a_day(person: Person) -> None:
    assert "second factor        off" in person.done("factor")
    drawn = person.done("factor", "on")
    assert "▄▄▄▄▄" in drawn, "a QR code"
    wrong = person.run("factor", "confirm", code="000000")
    assert (wrong.code, "CODE_WRONG" in wrong.err) == (1, True)
    phone = enrolled(person)
    assert "on" in person.done("factor")
    person.done("logout")
    assert person.run("login", person.email, code="000000").code == 1
    person.done("login", person.email, code=phone.recovery[0])
    assert person.run("factor", "--json").document["recovery_codes_left"] == 9
    made = person.run("factor", "codes", "--json", code=phone.recovery[1]).document
    assert not set(made["recovery_codes"]) & set(phone.recovery)
    assert "off from" in person.done("factor", "off", code=made["recovery_codes"][0])
    # A day later: until then it guards the account, and that can be taken back.
    assert "second factor from" in person.done("guards")
    person.done("login", person.email, code=made["recovery_codes"][1])
    assert "taken back" in person.done("guards", "cancel", "factor")
    assert "waits" not in person.done("guards")


# --- guards ----------------------------------------------------------------------------------


def test_an_allow_list_narrows_at_once_and_widens_a_day_later(person: Person) -> None:
    assert "anywhere" in person.done("guards")
    assert "it works now" in person.done("guards", "allow", "127.0.0.1", "192.0.2.0/24")
    assert "127.0.0.1, 192.0.2.0/24" in person.done("guards")
    assert "it works from" in person.done("guards", "allow", "--anywhere")
    assert "allow list anywhere from" in person.done("guards")
    assert "taken back" in person.done("guards", "cancel", "allow")
    outside = person.run("guards", "allow", "198.51.100.0/24")
    assert (outside.code, "lock you out" in outside.err) == (1, True)
    assert person.run("guards", "allow").code == 2


def test_a_frozen_account_thaws_a_day_later(person: Person) -> None:
    person.done("freeze")
    person.done("login", person.email)
    refused = person.run("subaccount", "open", "bot")
    assert (refused.code, "ACCOUNT_FROZEN" in refused.err) == (1, True)
    assert "it works from" in person.done("unfreeze")
    assert "unfreeze from" in person.done("guards")


# --- papers and leaving ----------------------------------------------------------------------


def test_papers_are_uploaded_and_a_level_applied_for(person: Person, tmp_path: Path) -> None:
    assert "xache kyc apply" in person.run("kyc").err
    scan = tmp_path / "passport.jpg"
    scan.write_bytes(b"\xff\xd8\xff\xe0" + bytes(200_000))
    assert "200004 bytes to prove identity" in person.done(
        "kyc", "upload", str(scan), "--kind", "identity"
    )
    who = ("--name", "Ada Lovelace", "--birth-date", "1990-12-10", "--country", "de")
    applied = person.done("kyc", "apply", "2", *who, "--address", "Ring 1, Berlin")
    assert "for level 2" in applied
    told = person.done("kyc")
    assert "level 2  submitted" in told
    assert "identity  jpeg, 200004 bytes" in told
    scan.write_bytes(b"no picture")
    refused = person.run("kyc", "upload", str(scan), "--kind", "identity")
    assert (refused.code, "DOCUMENT_TYPE" in refused.err) == (1, True)


def test_everything_the_house_knows_goes_into_a_file(person: Person, tmp_path: Path) -> None:
    file = tmp_path / "mine.zip"
    refused = person.run("export", str(file), XACHE_PASSWORD="not-the-one-it-is-at-all")
    assert refused.code == 1
    assert list(tmp_path.glob("*mine*")) == []
    person.done("export", str(file))
    assert file.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        account = json.loads(archive.read("account.json"))
        assert {"standing.json", "trades.csv"} <= set(archive.namelist())
    assert account["accounts"][0]["email_sealed"] == person.email
    assert any("127.0.0.1" in row.get("origin_sealed", "") for row in account["activity"])
    assert person.run("export", str(file)).code == 2, "nothing is written over"


def test_an_erasure_is_asked_for_and_taken_back(person: Person) -> None:
    assert "erasure" not in person.done("guards")
    assert "erased at" in person.done("erase")
    assert "erasure of the account from" in person.done("guards")
    assert "you stay" in person.done("erase", "--cancel")
    again = person.run("erase", "--cancel")
    assert (again.code, "ERASURE_STATE" in again.err) == (1, True)
    assert person.run("erase", "--cancel", "--forfeit").code == 2


# --- preferences -----------------------------------------------------------------------------


def test_preferences_are_set_one_by_one(person: Person) -> None:
    assert "time zone      UTC" in person.done("profile")
    told = person.done("profile", "set", "--name", "Ada", "--letters", "fills, news")
    assert "security, fills, news" in told
    told = person.done("profile", "set", "--time-zone", "Europe/Berlin", "--currency", "usdt")
    assert "Ada" in told
    assert "Europe/Berlin" in told
    assert "Ada" not in person.done("profile", "set", "--name", "")
    assert person.run("profile", "set").code == 2
    assert person.run("profile", "set", "--letters", "gossip").code == 2
    wrong = person.run("profile", "set", "--time-zone", "Europe/Atlantis")
    assert (wrong.code, "PROFILE_FORM" in wrong.err) == (1, True)
