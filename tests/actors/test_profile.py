"""Preferences: only what the mask names changes, and nobody but their owner reads them.

Checked by breaking, each seen red: a mask that is not looked at, and a profile that is not sealed.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import trio
from trio.testing import MockClock
from xache.v1 import account_pb2

from tests.actors.people import BOB, People, running
from tests.security.whole_house import whole_house
from xached.domain.erasure import ERASURE_DELAY_NS, AccountExport, ExportAccount, RequestErasure
from xached.domain.order import AccountId
from xached.domain.profile import GetProfile, NoticeTopic, Profile, UpdateProfile
from xached.domain.rejection import Reason, Rejection
from xached.storage.vault_tables import PROFILES

NAME = "Ada of the demo"
ADA = Profile(
    display_name=NAME,
    time_zone="Europe/Berlin",
    base_currency="USDT",
    letters_about=frozenset({NoticeTopic.FILLS, NoticeTopic.NEWS}),
)
ALL = frozenset({"display_name", "time_zone", "base_currency", "letters_about"})


async def update(
    people: People, account_id: AccountId, profile: Profile, fields: frozenset[str]
) -> Profile:
    message = UpdateProfile(account_id=account_id, profile=profile, fields=fields)
    reply = await people.inbox.ask(message)
    assert isinstance(reply, Profile)
    return reply


async def test_only_what_the_mask_names_changes(autojump_clock: MockClock, tmp_path: Path) -> None:
    path = tmp_path / "vault.db"
    async with running(path) as people:
        alice, bob = await people.register(), await people.register(BOB)
        assert await people.inbox.ask(GetProfile(account_id=alice)) == Profile()
        assert await update(people, alice, ADA, ALL) == ADA
        other = Profile(display_name="Countess", time_zone="UTC")
        changed = await update(people, alice, other, frozenset({"display_name"}))
        assert changed.display_name == "Countess"
        assert changed.time_zone == "Europe/Berlin"
        assert await update(people, alice, Profile(), frozenset({"letters_about"})) == Profile(
            display_name="Countess", time_zone="Europe/Berlin", base_currency="USDT"
        )
        assert await people.inbox.ask(GetProfile(account_id=bob)) == Profile()
        assert people.stream().count("ProfileChanged") == 3
        await update(people, alice, Profile(), frozenset({"letters_about"}))
        assert people.stream().count("ProfileChanged") == 3, "nothing changed"
    async with running(path) as people:
        again = await people.inbox.ask(GetProfile(account_id=alice))
        assert isinstance(again, Profile)
        assert again.display_name == "Countess"


@pytest.mark.parametrize(
    ("profile", "fields"),
    [
        (ADA, frozenset()),
        (ADA, frozenset({"roles"})),
        (ADA, frozenset({"display_name", "account_id"})),
        (Profile(display_name="x" * 65), ALL),
        (Profile(display_name="a\nb"), ALL),
        (Profile(display_name=" padded"), ALL),
        (Profile(time_zone="../../etc/passwd"), ALL),
        (Profile(time_zone="a" * 65), ALL),
        (Profile(base_currency="usdt;"), ALL),
    ],
)
async def test_what_cannot_be_kept(
    profile: Profile, fields: frozenset[str], autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with running(tmp_path / "vault.db") as people:
        alice = await people.register()
        with pytest.raises(Rejection) as refused:
            await update(people, alice, profile, fields)
        assert refused.value.reason is Reason.PROFILE_FORM
        assert people.vault.every(PROFILES) == []


async def test_it_is_exported_and_erased(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with running(tmp_path / "vault.db") as people:
        alice = await people.register()
        await update(people, alice, ADA, ALL)
        export = await people.inbox.ask(ExportAccount(account_id=alice))
        assert isinstance(export, AccountExport)
        (row,) = (dict(each.fields) for each in export.rows if each.table == "profiles")
        assert NAME in row["profile_sealed"]
        await people.inbox.ask(RequestErasure(account_id=alice, forfeit=False))
        people.world.shift_clock(ERASURE_DELAY_NS)
        await trio.sleep(60)
        assert people.vault.every(PROFILES) == []


async def test_the_api_knows_zones_and_assets(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with whole_house(tmp_path) as house:
        await house.register("ada@people.example")
        ada = (await house.login("ada@people.example"))[0]

        async def change(**fields: object) -> account_pb2.Profile:
            request = account_pb2.UpdateProfileRequest(
                profile=account_pb2.Profile(**fields)  # type: ignore[arg-type] # as the test has it
            )
            request.update_mask.paths.extend(fields)
            answer = await house.ask("AccountService/UpdateProfile", request, ada)
            profile: account_pb2.Profile = answer.profile
            return profile

        told = await change(
            time_zone="Europe/Berlin", base_currency="USDT", letters_about=["NOTICE_TOPIC_NEWS"]
        )
        assert told.letters_about == [account_pb2.NOTICE_TOPIC_NEWS]
        for bad, reason in (
            ({"time_zone": "Europe/Atlantis"}, Reason.PROFILE_FORM),
            ({"base_currency": "GOLD"}, Reason.UNKNOWN_ASSET),
            ({"letters_about": [0]}, Reason.FIELD_REQUIRED),
        ):
            with pytest.raises(Rejection) as refused:
                await change(**bad)
            assert refused.value.reason is reason
        answer = await house.ask("AccountService/GetProfile", account_pb2.GetProfileRequest(), ada)
        assert answer.profile == told


def test_every_topic_is_one_of_the_api() -> None:
    names = {f"NOTICE_TOPIC_{topic.name}": topic.value for topic in NoticeTopic}
    assert names | {"NOTICE_TOPIC_UNSPECIFIED": 0} == dict(account_pb2.NoticeTopic.items())
