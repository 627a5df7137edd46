"""A house in which everything that can be sealed is sealed, by the code that seals it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import attrs
import trio

from tests.actors.people import ALICE, BOB, MASTER, PASSWORD, People, running
from tests.actors.post_office import PostOffice
from tests.actors.test_compliance import ANNA, apply, upload, verdict
from tests.actors.test_second_factor import Phone
from xached.actors.sessions.resealing import place_of
from xached.domain.activity import Origin
from xached.domain.api_keys import CreateApiKey, KeyAlgorithm, KeyTerms
from xached.domain.audit import AskAction
from xached.domain.auth import Login, Scope, UserKey
from xached.domain.cases import AssignCase, CaseId, CaseKind, CaseOutcome, DecideCase, OpenCase
from xached.domain.guarding import ChangeTaken, ConfirmEmailChange, SetAllowList, StartEmailChange
from xached.domain.key_epochs import KEY_EPOCHS, decode_epochs
from xached.domain.kyc import DocumentKind
from xached.domain.order import AccountId
from xached.domain.profile import Profile, UpdateProfile
from xached.domain.recovery import ProofBegun, StartRecovery
from xached.domain.sealed import Sealed
from xached.domain.second_factor import (
    ConfirmSecondFactor,
    EnrolmentBegun,
    EnrolSecondFactor,
)
from xached.runtime.world import SimulatedWorld
from xached.security.keys import MasterKey
from xached.security.sealing import Place, key_id_of
from xached.storage.sealed_columns import SealedBy, SealedColumn, sealed_values
from xached.storage.vault_tables import OUTBOX, TABLES

DAY_NS = 86_400 * 10**9
ADDRESS = "ipv4:192.0.2.77"


@attrs.frozen(kw_only=True)
class Found:
    """One sealed value of a vault."""

    column: SealedColumn
    place: Place
    value: bytes


@contextlib.asynccontextmanager
async def full_house(
    path: Path, world: SimulatedWorld | None = None, master: MasterKey = MASTER
) -> AsyncIterator[People]:
    """Run a house whose letters find nobody, so that they stay; see :func:`fill`."""
    async with running(path, world, office=PostOffice(down=True), master=master) as people:
        yield people


async def fill(people: People) -> list[AccountId]:
    """Have something in every sealed column; the accounts that it is about."""
    ask, accounts = people.inbox.ask, list[AccountId]()
    for email in (ALICE, BOB):
        account_id = await people.register(email)
        accounts.append(account_id)
        login = Login(email=email, password=PASSWORD, device=f"of {email}", address=ADDRESS)
        session = await ask(login, origin=Origin(address=ADDRESS))
        for number in (1, 2):
            terms = KeyTerms(
                scopes=frozenset({Scope.READ}),
                symbols=frozenset(),
                caps=(),
                networks=(f"198.51.100.{number}/32",),
                expires_at_ns=people.world.now_ns() + 30 * DAY_NS,
            )
            create = CreateApiKey(
                account_id=account_id,
                label=f"bot {number} of {email}",
                algorithm=KeyAlgorithm.HMAC_SHA256,
                public_key=b"",
                terms=terms,
            )
            await ask(create)
        await ask(SetAllowList(account_id=account_id, networks=("192.0.2.0/24",)))
        await ask(SetAllowList(account_id=account_id, networks=("192.0.0.0/16",)))
        await upload(people, account_id, DocumentKind.IDENTITY)
        application = await apply(people, account_id, 2)
        await ask(verdict(application, ANNA))
        case_id = CaseId(f"velocity-{account_id}")
        await ask(
            OpenCase(
                case_id=case_id, account_id=account_id, kind=CaseKind.AML, serious=False, facts="a"
            )
        )
        await ask(AssignCase(case_id=case_id, assignee=ANNA, by=ANNA))
        outcome = CaseOutcome.FALSE_ALARM
        await ask(DecideCase(case_id=case_id, by=ANNA, outcome=outcome, reason="a salary"))
        name = Profile(display_name=f"who is {email}")
        fields = frozenset({"display_name"})
        await ask(UpdateProfile(account_id=account_id, profile=name, fields=fields))
        await change_address(people, account_id, f"new-{email}")
        await ask(StartRecovery(email=email))
        await ask(AskAction(method="M", by=account_id, session_id="s", address=ADDRESS))
        begun = await ask(EnrolSecondFactor(account_id=account_id))
        assert isinstance(begun, EnrolmentBegun)
        if email == ALICE:
            code = Phone(people, begun.secret).code()
            session_id = getattr(session, "session_id")  # noqa: B009 - of a SessionGranted
            await ask(ConfirmSecondFactor(account_id=account_id, session_id=session_id, code=code))
    await trio.sleep(1)
    return accounts


async def change_address(people: People, account_id: AccountId, email: str) -> None:
    """Confirm another address with the code of a letter that is still in the outbox."""
    begun = await people.inbox.ask(StartEmailChange(account_id=account_id, email=email))
    assert isinstance(begun, ProofBegun)
    opened = [people.credentials.outbox.open(mail) for mail in people.vault.every(OUTBOX)]
    (letter,) = (mail for mail in opened if mail.recipient == email)
    code = letter.text.split()[0]
    message = ConfirmEmailChange(account_id=account_id, token=begun.token, code=code)
    assert isinstance(await people.inbox.ask(message), ChangeTaken)


def sealed_in(people: People) -> list[Found]:
    """Every sealed value of the tables, the wrapped keys of people left out."""
    return [
        Found(column=column, place=place_of(column, row), value=value)
        for table in TABLES.values()
        for row in people.vault.every(table)
        for column, value in sealed_values(row)
        if column.by is not SealedBy.WRAPPING
    ]


def sealed_in_stream(people: People) -> Iterator[Sealed]:
    """Every sealed field of the stream."""
    for row in people.vault.read_stream():
        for value in attrs.astuple(row.event, recurse=False):
            if isinstance(value, Sealed):
                yield value


def all_keys(people: People) -> dict[bytes, UserKey]:
    """The keys of everybody, by their ids."""
    return {key.key_id: key for key in people.vault.user_keys_after(b"", 1_000)}


def open_at(people: People, found: Found, place: Place) -> bytes:
    """Open a value with the very key that sealed it. Raises: SealBroken; KeyDestroyed."""
    ring = people.credentials.ring
    if found.column.by is SealedBy.LETTERS:
        return ring.letters.find(found.value).open(found.value, place)
    key = all_keys(people)[key_id_of(found.value)]
    assert key.kind.name == found.column.by.name
    return ring.open(key).open(found.value, place)


def epochs_of(people: People) -> tuple[int, int]:
    """The epochs that are written down."""
    epochs = decode_epochs(people.vault.setting(KEY_EPOCHS))
    return epochs.oldest, epochs.newest
