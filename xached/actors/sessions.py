"""The sessions actor: who people are, and which of their sessions live.

It is the only writer of the vault and of the session table. A change is decided against memory and
vault, committed, made visible in the table, and only then answered; a batch is one commit.

Hashing a password takes tens of milliseconds, so what needs it (register, log in, the first
administrator) waits in a short queue for one of two workers, and is shed when the queue is full.
Everything else goes on meanwhile. A worker takes its turn like the loop for the part that decides.

A new account needs its main purse in the exchange, which is another file. The vault comes first,
with an intent in the same commit; the exchange's command is idempotent; an intent that is still
there at the next start, or that met a full mailbox, is sent again.
"""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TypeAlias, assert_never

import attrs
import outcome
import trio

from xached.domain.auth import (
    Account,
    AccountOpened,
    AccountProfile,
    AccountRegistered,
    AuthMessage,
    AuthReply,
    BootstrapAdmin,
    BootstrapTokenIssued,
    Done,
    EmailAddress,
    GetAccount,
    IdentityEvent,
    ListSessions,
    Login,
    Logout,
    PurseIntent,
    Refresh,
    Register,
    RevokeSession,
    Role,
    RolesChanged,
    RoleSet,
    Session,
    SessionEndCause,
    SessionEnded,
    SessionGranted,
    SessionList,
    SessionOpened,
    SessionSummary,
    SetRole,
    Setting,
    UserKey,
    check_device,
    parse_email,
    scopes_of_password_session,
)
from xached.domain.order import AccountId
from xached.domain.rejection import Reason, Rejection
from xached.domain.sessions import (
    LiveSession,
    RefreshVerdict,
    SessionBook,
    SessionTable,
    judge_refresh,
    repeated,
    rotated,
    session_expiry_ns,
)
from xached.runtime.mailbox import Closed, Envelope, Expired, Mailbox, Overloaded
from xached.runtime.world import World
from xached.security.credentials import Credentials
from xached.security.passwords import check_password, new_salt
from xached.security.sealing import KeyDestroyed
from xached.security.tokens import RefreshToken, new_bootstrap_token, refresh_refused
from xached.storage.vault import BOOTSTRAP_TOKEN, Change, Drop, Put, Vault, VaultDamaged

BATCH_MAX = 64
HASH_WORKERS = 2
HASH_QUEUE_MAX = 32
"""At 30 to 50 hashes a second and core, the last in the queue waits about half a second."""

HASH_QUEUE_OF_ONE_MAX = HASH_QUEUE_MAX // 2
"""So that one address that tries passwords does not keep everybody else out."""

SESSIONS_PER_ACCOUNT_MAX = 50
SESSIONS_MAX = 200_000
"""About 300 MB of sessions; beyond it nobody new logs in until some have ended."""

SWEEP_INTERVAL_S = 60.0
PURSE_RETRY_S = 1.0

OpenPurse: TypeAlias = Callable[[AccountId], Awaitable[None]]
"""Opens the main purse of an account in the exchange; no effect when it is open already.

Raises: Rejection, Overloaded, Expired or Closed, and then nothing was done.
"""

HashedMessage: TypeAlias = Register | Login | BootstrapAdmin


class AdminExists(Exception):  # noqa: N818 - a refusal: nothing failed
    """There is an administrator already; a bootstrap token would be a second way in."""


@attrs.frozen(kw_only=True)
class SessionsStatistics:
    """What the actor holds and has done since it started."""

    live_sessions: int
    hash_queue: int
    hash_shed: int
    logins: int
    logins_failed: int
    accounts_opened: int
    purses_unopened: int


def issue_bootstrap_token(vault: Vault, credentials: Credentials, now_ns: int) -> str:
    """Make the one-time token for the first administrator; one issued before stops working.

    Only before the actor runs, or with the daemon stopped. The house keeps a keyed hash.

    Raises: AdminExists; VaultFailed.
    """
    if vault.accounts_with_role(Role.ADMIN):
        raise AdminExists("there is an administrator already, who can give others the role")
    token = new_bootstrap_token(credentials.entropy)
    setting = Setting(name=BOOTSTRAP_TOKEN, value=credentials.bootstrap_hash(token))
    at_ns = max(now_ns, vault.last_at_ns + 1)
    vault.commit([Put(setting)], [BootstrapTokenIssued()], at_ns)
    return token


async def run_sessions(
    inbox: Mailbox[AuthMessage, AuthReply],
    desk: SessionDesk,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until the mailbox is closed. Started once all live sessions are in the table.

    Vital: VaultFailed, VaultDamaged and bugs end the daemon.
    """
    await desk.load()
    slow_in, slow_out = trio.open_memory_channel[Envelope[AuthMessage, AuthReply]](HASH_QUEUE_MAX)
    try:
        async with trio.open_nursery() as background:
            background.start_soon(desk.sweep)
            background.start_soon(desk.resend_purses)
            async with trio.open_nursery() as workers, slow_in:
                for _ in range(HASH_WORKERS):
                    workers.start_soon(desk.work, slow_out)
                task_status.started()
                await desk.serve(inbox, slow_in)
            background.cancel_scope.cancel()
    finally:
        desk.close()


@attrs.define
class _Step:
    """What one batch, or one worker's turn, changes: written first, then shown."""

    at_ns: int
    changes: list[Change] = attrs.field(factory=list)
    events: list[IdentityEvent] = attrs.field(factory=list)
    effects: list[Callable[[], None]] = attrs.field(factory=list)


class SessionDesk:
    """The state of the sessions actor. Its tasks are started by :func:`run_sessions`."""

    def __init__(
        self,
        *,
        vault: Vault,
        credentials: Credentials,
        table: SessionTable,
        world: World,
        open_purse: OpenPurse,
    ) -> None:
        self._vault = vault
        self._credentials = credentials
        self._table = table
        self._world = world
        self._open_purse = open_purse
        self._lane = world.open_lane("vault")
        # Whoever holds it may decide. First come, first served.
        self._turn = trio.StrictFIFOLock()
        self._book = SessionBook()
        self._last_at_ns = vault.last_at_ns
        self._last_monotonic_ns = world.monotonic_ns()
        self._unopened: dict[AccountId, PurseIntent] = {}
        self._purse_wanted = trio.Event()
        self._hash_queue: Counter[str] = Counter()
        self._hash_shed = 0
        self._logins = 0
        self._logins_failed = 0
        self._accounts_opened = 0

    def statistics(self) -> SessionsStatistics:
        """Tell what the actor holds and has done."""
        return SessionsStatistics(
            live_sessions=len(self._book),
            hash_queue=self._hash_queue.total(),
            hash_shed=self._hash_shed,
            logins=self._logins,
            logins_failed=self._logins_failed,
            accounts_opened=self._accounts_opened,
            purses_unopened=len(self._unopened),
        )

    # --- tasks -----------------------------------------------------------------------------

    async def load(self) -> None:
        """Bring the live sessions and the open intents back from the vault."""
        sessions, accounts, intents = await self._lane.run(self._read_all)
        for session in sessions:
            self._book.put(session)
            self._table.put(_live(session, accounts[session.account_id].roles))
        for intent in intents:
            self._want_purse(intent)

    async def serve(
        self,
        inbox: Mailbox[AuthMessage, AuthReply],
        slow: trio.MemorySendChannel[Envelope[AuthMessage, AuthReply]],
    ) -> None:
        """Answer what comes; hand over to the workers what needs a hash."""
        while True:
            try:
                batch = await inbox.receive_batch(BATCH_MAX)
            except Closed:
                return
            quick = [envelope for envelope in batch if not self._hand_over(envelope, slow)]
            if not quick:
                continue
            async with self._turn:
                step = self._begin()
                answers = [await self._answer(envelope.message, step) for envelope in quick]
                await self._commit(step)
            for envelope, answer in zip(quick, answers, strict=True):
                envelope.answer(answer)

    async def work(self, slow: trio.MemoryReceiveChannel[Envelope[AuthMessage, AuthReply]]) -> None:
        """Hash passwords, one at a time, and finish what waited for it."""
        async for envelope in slow:
            self._hash_queue -= Counter((envelope.account,))
            if envelope.expired(trio.current_time()):
                envelope.answer(outcome.Error(Expired()))
                continue
            answer: outcome.Outcome[AuthReply]
            try:
                answer = outcome.Value(await self._hashed(envelope.message))
            except (Rejection, Overloaded) as refusal:
                answer = outcome.Error(refusal)
            envelope.answer(answer)

    async def sweep(self) -> None:
        """End the sessions whose time is over, so that their streams end too."""
        while True:
            await trio.sleep(SWEEP_INTERVAL_S)
            async with self._turn:
                step = self._begin()
                for session in self._book.expired(step.at_ns):
                    self._end(session, SessionEndCause.EXPIRED, step)
                await self._commit(step)

    async def resend_purses(self) -> None:
        """Open the purses that the exchange may not have, until it has them all."""
        while True:
            await self._purse_wanted.wait()
            for intent in list(self._unopened.values()):
                await self._fulfil(intent)
            if self._unopened:
                await trio.sleep(PURSE_RETRY_S)
            else:
                self._purse_wanted = trio.Event()

    def close(self) -> None:
        """Let the vault's thread end."""
        self._lane.close()

    # --- what needs no hash ----------------------------------------------------------------

    async def _answer(self, message: AuthMessage, step: _Step) -> outcome.Outcome[AuthReply]:
        try:
            return outcome.Value(await self._decide(message, step))
        except Rejection as refusal:
            return outcome.Error(refusal)

    async def _decide(self, message: AuthMessage, step: _Step) -> AuthReply:
        match message:
            case Refresh():
                return self._refresh(message, step)
            case Logout():
                session = self._book.find(message.session_id)
                if session is not None:
                    self._end(session, SessionEndCause.LOGOUT, step)
                return Done()
            case RevokeSession():
                return self._revoke(message, step)
            case ListSessions():
                return await self._list(message)
            case GetAccount():
                account, keys = await self._read_account(message.account_id)
                return AccountProfile(
                    account_id=account.account_id,
                    email=self._credentials.open_email(account, keys),
                    roles=account.roles,
                    created_at_ns=account.created_at_ns,
                )
            case SetRole():
                return await self._set_role(message, step)
            case Register() | Login() | BootstrapAdmin():
                raise AssertionError("messages that need a hash were handed over")
            case _:
                assert_never(message)

    def _refresh(self, message: Refresh, step: _Step) -> AuthReply:
        presented = self._credentials.refresh.read(message.refresh_token)
        session = self._book.of_family(presented.family_hash)
        if session is None:
            raise refresh_refused()
        successor = self._credentials.refresh.successor(presented, self._credentials.entropy)
        match judge_refresh(session, presented.token_hash, step.at_ns):
            case RefreshVerdict.ROTATE:
                session = rotated(session, successor.token_hash, step.at_ns)
            case RefreshVerdict.REPEAT:
                session = repeated(session, successor.token_hash)
            case RefreshVerdict.REUSED:
                self._end(session, SessionEndCause.TOKEN_REUSED, step)
                raise refresh_refused()
            case RefreshVerdict.EXPIRED:
                self._end(session, SessionEndCause.EXPIRED, step)
                raise refresh_refused()
        self._book.put(session)
        step.changes.append(Put(session))
        step.effects.append(lambda: self._show_expiry(session))
        return self._grant(session, successor)

    def _revoke(self, message: RevokeSession, step: _Step) -> AuthReply:
        session = self._book.find(message.session_id)
        if session is None or session.account_id != message.account_id:
            raise Rejection(Reason.UNKNOWN_SESSION, "you have no such session")
        self._end(session, SessionEndCause.REVOKED, step)
        return Done()

    async def _list(self, message: ListSessions) -> AuthReply:
        _, keys = await self._read_account(message.account_id)
        return SessionList(
            sessions=tuple(
                SessionSummary(
                    session_id=session.session_id,
                    device=self._credentials.open_device(session, keys),
                    created_at_ns=session.created_at_ns,
                    refreshed_at_ns=session.refreshed_at_ns,
                )
                for session in reversed(self._book.of_account(message.account_id))
            )
        )

    async def _set_role(self, message: SetRole, step: _Step) -> AuthReply:
        if message.role is Role.USER:
            raise Rejection(Reason.ROLE_FIXED, "every account is a user", field="role")
        # What this batch has changed already is not in the vault yet.
        await self._commit(step)
        account, _ = await self._read_account(message.account_id)
        if (message.role in account.roles) == message.granted:
            return RolesChanged(roles=account.roles)
        if message.role is Role.ADMIN and not message.granted:
            admins = await self._lane.run(self._vault.accounts_with_role, Role.ADMIN)
            if admins == 1:
                raise Rejection(Reason.LAST_ADMIN, "the house needs an administrator")
        roles = account.roles ^ {message.role}
        step.changes.append(Put(attrs.evolve(account, roles=roles)))
        step.events.append(
            RoleSet(
                account_id=account.account_id,
                role=message.role,
                granted=message.granted,
                by=message.by,
            )
        )
        step.effects.append(lambda: self._show_roles(account.account_id, roles))
        return RolesChanged(roles=roles)

    # --- what needs a hash -----------------------------------------------------------------

    def _hand_over(
        self,
        envelope: Envelope[AuthMessage, AuthReply],
        slow: trio.MemorySendChannel[Envelope[AuthMessage, AuthReply]],
    ) -> bool:
        """True when the message is none of the loop's business any more."""
        message, account = envelope.message, envelope.account
        if not isinstance(message, HashedMessage):
            return False
        try:
            _check_form(message)
            if account and self._hash_queue[account] >= HASH_QUEUE_OF_ONE_MAX:
                raise trio.WouldBlock
            slow.send_nowait(envelope)
        except Rejection as refusal:
            envelope.answer(outcome.Error(refusal))
        except trio.WouldBlock:
            self._hash_shed += 1
            envelope.answer(outcome.Error(Overloaded("too many passwords are waiting")))
        else:
            self._hash_queue[account] += 1
        return True

    async def _hashed(self, message: AuthMessage) -> AuthReply:
        match message:
            case Register():
                return await self._register(message)
            case Login():
                return await self._login(message)
            case BootstrapAdmin():
                return await self._bootstrap(message)
            case _:
                raise AssertionError("only messages that need a hash are handed over")

    async def _register(self, message: Register) -> AuthReply:
        email = parse_email(message.email)
        await self._check_free(email)
        password_hash = await self._hash(message.password)
        async with self._turn:
            await self._check_free(email)
            step = self._begin()
            intent = self._open_account(email, password_hash, frozenset({Role.USER}), step)
            await self._commit(step)
        await self._fulfil(intent)
        return AccountOpened(account_id=intent.account_id)

    async def _bootstrap(self, message: BootstrapAdmin) -> AuthReply:
        email = parse_email(message.email)
        await self._check_bootstrap(message.token)
        await self._check_free(email)
        password_hash = await self._hash(message.password)
        async with self._turn:
            # Again: another one may have been quicker, and the token works once.
            await self._check_bootstrap(message.token)
            await self._check_free(email)
            step = self._begin()
            roles = frozenset({Role.USER, Role.ADMIN})
            intent = self._open_account(email, password_hash, roles, step)
            step.changes.append(Drop(Setting(name=BOOTSTRAP_TOKEN, value=b"")))
            await self._commit(step)
        await self._fulfil(intent)
        return AccountOpened(account_id=intent.account_id)

    async def _login(self, message: Login) -> AuthReply:
        lookup = self._credentials.email_lookup(parse_email(message.email))
        account, keys = await self._lane.run(self._read_by_email, lookup)
        passwords = self._credentials.passwords
        stored = self._stored_hash(account, keys)
        right = await self._world.run_in_thread(passwords.verify, message.password, stored)
        if account is None or not right:
            self._logins_failed += 1
            raise _login_refused()
        renewed = await self._hash(message.password) if passwords.needs_rehash(stored) else None
        async with self._turn:
            # It took a while: the password may be another one by now.
            current = await self._lane.run(self._vault.account, account.account_id)
            if current is None or current.password_sealed != account.password_sealed:
                self._logins_failed += 1
                raise _login_refused()
            step = self._begin()
            if renewed is not None:
                sealed = self._credentials.seal_password_hash(current.account_id, renewed, keys)
                step.changes.append(Put(attrs.evolve(current, password_sealed=sealed)))
            granted = self._open_session(current, keys, message.device, step)
            await self._commit(step)
        self._logins += 1
        return granted

    def _open_account(
        self, email: EmailAddress, password_hash: str, roles: frozenset[Role], step: _Step
    ) -> PurseIntent:
        account, keys = self._credentials.new_account(email, password_hash, roles, step.at_ns)
        intent = PurseIntent(account_id=account.account_id, created_at_ns=step.at_ns)
        step.changes += [Put(account), *(Put(key) for key in keys), Put(intent)]
        step.events.append(AccountRegistered(account_id=account.account_id, roles=roles))
        self._accounts_opened += 1
        return intent

    def _open_session(
        self, account: Account, keys: list[UserKey], device: str, step: _Step
    ) -> SessionGranted:
        mine = self._book.of_account(account.account_id)
        if len(mine) >= SESSIONS_PER_ACCOUNT_MAX:
            idlest = min(mine, key=lambda session: session.refreshed_at_ns)
            self._end(idlest, SessionEndCause.TOO_MANY, step)
        elif len(self._book) >= SESSIONS_MAX:
            raise Overloaded("too many people are logged in")
        session_id = self._credentials.new_session_id()
        refresh = self._credentials.refresh.new(self._credentials.entropy)
        session = Session(
            session_id=session_id,
            account_id=account.account_id,
            device_sealed=self._credentials.seal_device(
                session_id, account.account_id, device, keys
            ),
            family_hash=refresh.family_hash,
            refresh_hash=refresh.token_hash,
            previous_hash=None,
            created_at_ns=step.at_ns,
            refreshed_at_ns=step.at_ns,
            expires_at_ns=session_expiry_ns(step.at_ns, step.at_ns),
        )
        self._book.put(session)
        step.changes.append(Put(session))
        step.events.append(SessionOpened(session_id=session_id, account_id=account.account_id))
        step.effects.append(lambda: self._table.put(_live(session, account.roles)))
        return self._grant(session, refresh)

    def _stored_hash(self, account: Account | None, keys: list[UserKey]) -> str:
        """What to verify against; for nobody's address a hash that takes as long and never fits."""
        if account is not None:
            try:
                return self._credentials.open_password_hash(account, keys)
            except KeyDestroyed:
                # The person had everything erased: the account is nobody's now.
                pass
        return self._credentials.passwords.unmatchable(self._credentials.entropy)

    async def _hash(self, password: str) -> str:
        salt = new_salt(self._credentials.entropy)
        return await self._world.run_in_thread(self._credentials.passwords.hash, password, salt)

    async def _check_free(self, email: EmailAddress) -> None:
        lookup = self._credentials.email_lookup(email)
        if await self._lane.run(self._vault.account_by_email, lookup) is not None:
            # This tells who has an account. Only a confirmation by e-mail could avoid it.
            raise Rejection(
                Reason.EMAIL_TAKEN, "there is an account with this address", field="email"
            )

    async def _check_bootstrap(self, token: str) -> None:
        expected = await self._lane.run(self._vault.setting, BOOTSTRAP_TOKEN)
        given = self._credentials.bootstrap_hash(token)
        if expected is None or not hmac.compare_digest(given, expected):
            raise Rejection(
                Reason.BOOTSTRAP_TOKEN,
                "the token does not work: it works once, and only the newest",
                field="token",
            )

    # --- steps and what they share ---------------------------------------------------------

    def _begin(self) -> _Step:
        # The stream's time never goes back, whatever the wall clock does. Nor does it stand still
        # until a clock that was set back has caught up, or the grace of an old refresh token would
        # last as long: it goes on at half speed.
        monotonic_ns = self._world.monotonic_ns()
        passed_ns = monotonic_ns - self._last_monotonic_ns
        self._last_monotonic_ns = monotonic_ns
        self._last_at_ns = max(self._world.now_ns(), self._last_at_ns + passed_ns // 2 + 1)
        return _Step(self._last_at_ns)

    async def _commit(self, step: _Step) -> None:
        if step.changes or step.events:
            await self._lane.run(self._vault.commit, step.changes, step.events, step.at_ns)
        for effect in step.effects:
            effect()
        step.changes, step.events, step.effects = [], [], []

    def _end(self, session: Session, cause: SessionEndCause, step: _Step) -> None:
        self._book.remove(session)
        step.changes.append(Drop(session))
        step.events.append(
            SessionEnded(session_id=session.session_id, account_id=session.account_id, cause=cause)
        )
        step.effects.append(lambda: self._table.end(session.session_id, cause))

    def _grant(self, session: Session, refresh: RefreshToken) -> SessionGranted:
        token, expires_at_ns = self._credentials.access.issue(
            session.session_id, session.account_id, self._world.now_ns(), self._credentials.entropy
        )
        return SessionGranted(
            account_id=session.account_id,
            session_id=session.session_id,
            access_token=token,
            access_expires_at_ns=expires_at_ns,
            refresh_token=refresh.text,
            refresh_expires_at_ns=session.expires_at_ns,
        )

    def _show_expiry(self, session: Session) -> None:
        live = self._table.find(session.session_id)
        if live is not None:
            self._table.put(attrs.evolve(live, expires_at_ns=session.expires_at_ns))

    def _show_roles(self, account_id: AccountId, roles: frozenset[Role]) -> None:
        for session in self._book.of_account(account_id):
            self._table.put(_live(session, roles))

    def _want_purse(self, intent: PurseIntent) -> None:
        self._unopened[intent.account_id] = intent
        self._purse_wanted.set()

    async def _fulfil(self, intent: PurseIntent) -> None:
        """Open the purse and forget the intent, or leave it for later."""
        try:
            await self._open_purse(intent.account_id)
        except (Rejection, Overloaded, Expired, Closed):
            # Statistics show it; a purse that cannot be opened must not take the house down.
            self._want_purse(intent)
            return
        async with self._turn:
            step = self._begin()
            step.changes.append(Drop(intent))
            await self._commit(step)
        self._unopened.pop(intent.account_id, None)

    # --- on the vault's thread --------------------------------------------------------------

    def _read_all(self) -> tuple[list[Session], dict[AccountId, Account], list[PurseIntent]]:
        sessions = self._vault.sessions()
        accounts: dict[AccountId, Account] = {}
        for account_id in {session.account_id for session in sessions}:
            account = self._vault.account(account_id)
            if account is None:
                raise VaultDamaged(f"there is no account {account_id}, and yet it has a session")
            accounts[account_id] = account
        return sessions, accounts, self._vault.purse_intents()

    def _read_by_email(self, email_lookup: bytes) -> tuple[Account | None, list[UserKey]]:
        account = self._vault.account_by_email(email_lookup)
        return account, [] if account is None else self._vault.user_keys(account.account_id)

    def _read_by_id(self, account_id: AccountId) -> tuple[Account | None, list[UserKey]]:
        return self._vault.account(account_id), self._vault.user_keys(account_id)

    async def _read_account(self, account_id: AccountId) -> tuple[Account, list[UserKey]]:
        account, keys = await self._lane.run(self._read_by_id, account_id)
        if account is None:
            raise Rejection(Reason.UNKNOWN_ACCOUNT, "there is no such account")
        return account, keys


def _check_form(message: HashedMessage) -> None:
    """Refuse at once what no hash could save. Raises: Rejection."""
    email = parse_email(message.email)
    if isinstance(message, Login):
        check_device(message.device)
    else:
        check_password(message.password, email)


def _login_refused() -> Rejection:
    return Rejection(Reason.CREDENTIALS, "the e-mail address or the password is wrong")


def _live(session: Session, roles: frozenset[Role]) -> LiveSession:
    return LiveSession(
        session_id=session.session_id,
        account_id=session.account_id,
        roles=roles,
        scopes=scopes_of_password_session(roles),
        expires_at_ns=session.expires_at_ns,
    )
