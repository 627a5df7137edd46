"""One house with its sessions actor, for tests: real vault, real keys, simulated world."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from tests.actors.post_office import HOST, SERVER, PostOffice
from xached.actors.mailer import Bell, Mailer
from xached.actors.sessions.accounts import issue_bootstrap_token
from xached.actors.sessions.actor import SessionDesk, run_sessions
from xached.domain.api_keys import KeyTable
from xached.domain.auth import (
    AccountOpened,
    Login,
    Refresh,
    Register,
    SessionEndCause,
    SessionGranted,
    SessionId,
)
from xached.domain.guarding import AllowTable
from xached.domain.identity import AuthMessage, AuthReply
from xached.domain.key_epochs import KEY_EPOCHS, decode_epochs
from xached.domain.order import AccountId
from xached.domain.rejection import Reason, Rejection
from xached.domain.second_factor import StepUpGrants
from xached.domain.sessions import AAL2, SessionLimits, SessionTable
from xached.runtime.mailbox import Mailbox
from xached.runtime.world import Argon2Cost, SimulatedWorld
from xached.security.checkpoints import Signer
from xached.security.credentials import Credentials
from xached.security.keys import MasterKey, Purpose
from xached.storage.vault import Vault

ALICE = "alice@example.com"
BOB = "bob@example.com"
HOUSE = "house@xache.example"
PASSWORD = "kettle-anchor-moss-77"
WRONG = "kettle-anchor-moss-78"

MASTER = MasterKey(b"\3" * 32)


class Exchange:
    """Stands in for the exchange's mailbox: remembers purses, and can be told to refuse."""

    def __init__(self) -> None:
        self.purses: list[AccountId] = []
        self.levels: dict[AccountId, int] = {}
        self.closed: list[AccountId] = []
        self.refusals: list[Exception] = []
        self.gate = trio.Event()
        self.gate.set()
        self.asked = trio.Event()

    async def open_purse(self, account_id: AccountId) -> None:
        self.asked.set()
        await trio.lowlevel.checkpoint()
        if self.refusals:
            raise self.refusals.pop(0)
        await self.gate.wait()
        if account_id not in self.purses:
            self.purses.append(account_id)

    async def set_level(self, account_id: AccountId, level: int) -> None:
        await trio.lowlevel.checkpoint()
        if self.refusals:
            raise self.refusals.pop(0)
        self.levels[account_id] = level

    async def close_account(self, account_id: AccountId, _forfeit: bool) -> None:
        await trio.lowlevel.checkpoint()
        if self.refusals:
            raise self.refusals.pop(0)
        self.closed.append(account_id)


class People:
    """The parts of a running sessions actor."""

    def __init__(
        self,
        path: Path,
        world: SimulatedWorld,
        exchange: Exchange | None = None,
        cost: Argon2Cost | None = None,
        office: PostOffice | None = None,
        grants: StepUpGrants | None = None,
        confirm_email: bool = False,
        limits: SessionLimits = AAL2,
        master: MasterKey = MASTER,
    ) -> None:
        self.world = world
        self.path = path
        self.exchange = exchange or Exchange()
        self.vault = Vault.open(
            path,
            row_key=master.derive(Purpose.VAULT_ROWS),
            stream_key=master.derive(Purpose.VAULT_STREAM),
            new_house_id=world.entropy,
            locking_mode=world.sqlite_locking_mode,
        )
        self.credentials = Credentials(
            master,
            house_id=self.vault.house_id,
            cost=cost or world.argon2_cost,
            entropy=world.entropy,
            epochs=decode_epochs(self.vault.setting(KEY_EPOCHS)),
        )
        self.signer = Signer(master)
        self.table = SessionTable()
        self.keys = KeyTable()
        self.allowed = AllowTable()
        self.ended: list[tuple[SessionId, SessionEndCause]] = []
        self.table.on_end(lambda session_id, cause: self.ended.append((session_id, cause)))
        self.inbox: Mailbox[AuthMessage, AuthReply] = Mailbox(256)
        self.bell = Bell()
        self.grants = StepUpGrants() if grants is None else grants
        self.desk = SessionDesk(
            vault=self.vault,
            credentials=self.credentials,
            table=self.table,
            key_table=self.keys,
            allow_table=self.allowed,
            world=world,
            open_purse=self.exchange.open_purse,
            ring_mailer=None if office is None else self.bell.ring,
            set_level=self.exchange.set_level,
            close_account=self.exchange.close_account,
            signer=self.signer,
            journal_head=lambda: (0, bytes(32)),
            grants=self.grants,
            confirm_email=confirm_email,
            limits=limits,
        )
        self.mailer: Mailer | None = None
        if office is not None:
            self.mailer = Mailer(SERVER, "XACHE", HOUSE, self.inbox, world, self.bell)

    async def register(self, email: str = ALICE, password: str = PASSWORD) -> AccountId:
        reply = await self.inbox.ask(Register(email=email, password=password))
        assert isinstance(reply, AccountOpened)
        return reply.account_id

    async def login(
        self, email: str = ALICE, password: str = PASSWORD, device: str = "laptop"
    ) -> SessionGranted:
        reply = await self.inbox.ask(Login(email=email, password=password, device=device))
        assert isinstance(reply, SessionGranted)
        return reply

    async def refresh(self, token: str) -> SessionGranted:
        reply = await self.inbox.ask(Refresh(refresh_token=token))
        assert isinstance(reply, SessionGranted)
        return reply

    def stream(self) -> list[str]:
        """Names of what the identity stream says. Only while the actor is idle."""
        names = [type(row.event).__name__ for row in self.vault.read_stream()]
        return [name for name in names if name != "CheckpointSigned"]


async def refused(people: People, message: AuthMessage) -> Reason:
    """Why a message is refused; it must be."""
    with pytest.raises(Rejection) as refusal:
        await people.inbox.ask(message)
    return refusal.value.reason


def issue(path: Path) -> str:
    """The bootstrap token of a house that does not run."""
    people = People(path, SimulatedWorld(2))
    try:
        return issue_bootstrap_token(people.vault, people.credentials, people.world.now_ns())
    finally:
        people.vault.close()


@contextlib.asynccontextmanager
async def running(
    path: Path,
    world: SimulatedWorld | None = None,
    exchange: Exchange | None = None,
    cost: Argon2Cost | None = None,
    office: PostOffice | None = None,
    grants: StepUpGrants | None = None,
    confirm_email: bool = False,
    limits: SessionLimits = AAL2,
    master: MasterKey = MASTER,
) -> AsyncIterator[People]:
    """Run the actor; at the end cancel it, as a crash would, and close the file."""
    servers = {} if office is None else {HOST: office.serve}
    people = People(
        path,
        world or SimulatedWorld(1, servers=servers),
        exchange,
        cost,
        office,
        grants,
        confirm_email,
        limits,
        master,
    )
    try:
        async with trio.open_nursery() as nursery:
            await nursery.start(run_sessions, people.inbox, people.desk)
            if people.mailer is not None:
                nursery.start_soon(people.mailer.run)
            yield people
            nursery.cancel_scope.cancel()
    finally:
        people.vault.close()
