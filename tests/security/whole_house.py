"""A whole daemon without sockets, for tests: its real routes, vault, exchange and authorizers."""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import trio
from google.protobuf.message import Message
from nacl.signing import SigningKey
from xache.v1 import account_pb2, admin_pb2, auth_pb2

from tests.actors.post_office import HOST, SERVER, PostOffice
from xached.api.errors import CODES, StatusError
from xached.api.routes import Route, Routes
from xached.config.config import AdminConfig, Config, MailConfig, default_house
from xached.daemon import Attachments, run_daemon
from xached.domain.api_keys import KeyId
from xached.domain.market import BINANCE
from xached.domain.rejection import Rejection
from xached.house.listeners import Addresses, Front
from xached.runtime.world import SimulatedWorld
from xached.security.signatures import SignedBy, signed_text
from xached.security.tokens import decode_base64url, encode_base64url
from xached.security.totp import STEP_S, code_at, step_at
from xached.simulation.calls import SimulatedCall

PASSWORD = "kettle-anchor-moss-77"
ADMIN = "admin@house.example"
HOME, AWAY = "ipv4:192.0.2.7:50000", "ipv4:198.51.100.7:50000"

CERTIFICATE = "x-test-certificate"
"""Stands in for what TLS proves."""

MAIL = MailConfig(
    server=SERVER, sender="house@xache.example", sender_name="XACHE", require_verified_email=True
)

_nonces = itertools.count()


class _Doors:
    """Doors that open nothing."""

    def __init__(self) -> None:
        self.front: Front | None = None

    async def open(self, front: Front, _nursery: trio.Nursery) -> Addresses:
        """See Doors."""
        self.front = front
        return Addresses(grpc="", http="", admin_socket=Path())

    async def close(self) -> None:
        """See Doors."""


@attrs.frozen
class Credential:
    """What a caller carries: a token, or a key to sign with, or nothing."""

    token: str = attrs.field(default="", repr=False)
    key_id: str = ""
    signing: SigningKey | None = attrs.field(default=None, repr=False)
    peer: str = HOME
    step_up: str = attrs.field(default="", repr=False)
    operator: str = ""
    certificate: str = ""
    """The name in it."""
    code: str = attrs.field(default="", repr=False)

    def header(self, path: str, body: bytes, now_ms: int) -> str:
        """The ``authorization`` of one request."""
        if self.signing is None:
            return f"Bearer {self.token}" if self.token else ""
        parts = SignedBy(
            scheme="XACHE-ED25519",
            key_id=KeyId(self.key_id),
            timestamp_ms=now_ms,
            nonce=f"nonce-{next(_nonces):016}",
            signature=b"",
        )
        signature = self.signing.sign(signed_text(parts, path, body)).signature
        stamp = f"{self.key_id}:{now_ms}:{parts.nonce}"
        return f"XACHE-ED25519 {stamp}:{encode_base64url(signature)}"


NOBODY = Credential()


@attrs.define
class WholeHouse:
    """A daemon and ways into it."""

    front: Front
    world: SimulatedWorld
    first_admin_token: str
    _secret: bytes = attrs.field(default=b"", init=False, repr=False)
    _last_step: int = attrs.field(default=0, init=False)

    def routes(self, *, admin: bool, certified: bool = False) -> Routes:
        """The routes of one of the listeners."""
        if certified:
            return self.front.certified_admin(lambda call: call.metadata[CERTIFICATE])
        return self.front.admin if admin else self.front.public

    def new_call(self, route: Route, credential: Credential, body: bytes = b"") -> SimulatedCall:
        """A call that has not been admitted yet."""
        call = SimulatedCall(route, "", credential.peer)
        header = credential.header(route.path, body, self.world.now_ns() // 10**6)
        call.metadata = {"authorization": header} if header else {}
        if credential.step_up:
            call.metadata = {**call.metadata, "x-xache-step-up": credential.step_up}
        if credential.operator:
            call.metadata = {**call.metadata, "x-xache-operator": credential.operator}
        if credential.certificate:
            call.metadata = {**call.metadata, CERTIFICATE: credential.certificate}
        if credential.code:
            call.metadata = {**call.metadata, "x-xache-code": credential.code}
        return call

    async def ask(
        self, method: str, request: Message, credential: Credential = NOBODY, *, admin: bool = False
    ) -> Any:
        """Call a method with one request and one answer. Raises: StatusError; Rejection."""
        routes = self.routes(admin=admin)
        route = routes.find(f"/xache.v1.{method}")
        assert route is not None, method
        body = request.SerializeToString()
        call = self.new_call(route, credential, body)
        return await route.handler(call, await routes.receive(call, route, body))

    async def register(self, email: str) -> str:
        """Open an account. Returns its id."""
        request = auth_pb2.RegisterRequest(email=email, password=PASSWORD)
        answer = await self.ask("AuthService/Register", request)
        account_id: str = answer.account_id
        return account_id

    async def login(self, email: str) -> tuple[Credential, auth_pb2.LoginResponse]:
        """Open a session."""
        request = auth_pb2.LoginRequest(email=email, password=PASSWORD, device="test")
        answer = await self.ask("AuthService/Login", request)
        if answer.second_factor_token:
            second = auth_pb2.CompleteLoginRequest(
                second_factor_token=answer.second_factor_token, code=self.new_code()
            )
            answer = await self.ask("AuthService/CompleteLogin", second)
        return Credential(answer.tokens.access_token), answer

    def new_code(self) -> str:
        """A code of the administrator's authenticator, half a minute after the last one."""
        while (step := step_at(self.world.now_ns())) <= self._last_step:
            self.world.shift_clock(STEP_S * 10**9)
        self._last_step = step
        return code_at(self._secret, step)

    def take_authenticator_of(self, before: WholeHouse) -> None:
        """Go on with the administrator's authenticator after a restart."""
        self._secret, self._last_step = before._secret, before._last_step

    def is_old(self, session: Credential) -> bool:
        """Whether an access token has less than a minute left."""
        claims = json.loads(decode_base64url(session.token.split(".")[1]))
        return bool(claims["exp"] * 10**9 - self.world.now_ns() < 60 * 10**9)

    async def by_admin(self, method: str, request: Message) -> Any:
        """Have the administrator do something, by name and code."""
        credential = Credential(operator=ADMIN, code=self.new_code())
        return await self.ask(method, request, credential, admin=True)

    async def first_admin(self) -> Credential:
        """Make the first administrator and sign in; without an authenticator."""
        request = admin_pb2.BootstrapAdminRequest(
            token=self.first_admin_token, email=ADMIN, password=PASSWORD
        )
        await self.ask("AdminService/BootstrapAdmin", request, admin=True)
        return (await self.login(ADMIN))[0]

    async def admin(self) -> Credential:
        """Make the first administrator, with an authenticator, and sign in."""
        session = await self.first_admin()
        enrol = auth_pb2.EnrolSecondFactorRequest()
        proven = await self.stepped_up("AuthService/EnrolSecondFactor", enrol, session)
        begun = await self.ask("AuthService/EnrolSecondFactor", enrol, proven)
        self._secret = base64.b32decode(begun.secret)
        confirm = auth_pb2.ConfirmSecondFactorRequest(code=self.new_code())
        await self.ask("AuthService/ConfirmSecondFactor", confirm, session)
        return session

    async def deposit(self, account_id: str, asset: str, amount: str) -> None:
        """Give somebody money."""
        await self.by_admin(
            "AdminService/Deposit",
            admin_pb2.DepositRequest(
                account_id=account_id,
                asset=asset,
                amount=amount,
                request_id=f"{account_id[:20]}-{asset}",
            ),
        )

    async def make_key(self, owner: Credential, seed: int, **terms: Any) -> Credential:
        """Make an API key."""
        signing = SigningKey(bytes([seed]) * 32)
        terms.setdefault("expires_at_ns", self.world.now_ns() + 300 * 86_400 * 10**9)
        request = account_pb2.CreateApiKeyRequest(
            label=f"key {seed}",
            algorithm=account_pb2.KEY_ALGORITHM_ED25519,
            public_key=bytes(signing.verify_key),
            terms=account_pb2.KeyTerms(**terms),
        )
        made = await self.ask(
            "AccountService/CreateApiKey",
            request,
            await self.stepped_up("AccountService/CreateApiKey", request, owner),
        )
        return Credential(key_id=made.key.key_id, signing=signing)

    async def stepped_up(self, method: str, request: Message, credential: Credential) -> Credential:
        """Prove afresh for one request: by password, or by code where that is needed."""
        proof = auth_pb2.StepUpRequest(
            method=f"/xache.v1.{method}", request=request.SerializeToString(), password=PASSWORD
        )
        guarded = await self.ask(
            "AuthService/GetSecondFactor", auth_pb2.GetSecondFactorRequest(), credential
        )
        if guarded.active:
            proof.code = self.new_code()
        answer = await self.ask("AuthService/StepUp", proof, credential)
        return attrs.evolve(credential, step_up=answer.step_up_token)

    async def verdict(self, routes: Routes, path: str, credential: Credential) -> str:
        """The code that admission answers with, or "OK"."""
        route = routes.find(path)
        assert route is not None, path
        try:
            await routes.admit(self.new_call(route, credential), route)
        except StatusError as error:
            return str(error.code.name)
        except Rejection as refusal:
            return str(CODES[refusal.reason].name)
        return "OK"


@contextlib.asynccontextmanager
async def whole_house(
    directory: Path, seed: int = 1, office: PostOffice | None = None, admin_http: str = ""
) -> AsyncIterator[WholeHouse]:
    """Run a daemon until the block is over. Under a MockClock.

    ``office``: takes its mail; then addresses have to be proved. ``admin_http``: where the
    administrators' screens would be; nothing listens.
    """
    servers = {} if office is None else {HOST: office.serve}
    mail = None if office is None else MAIL
    world, doors, stop = SimulatedWorld(seed, servers=servers), _Doors(), trio.Event()
    config = Config(
        data_dir=directory,
        house=default_house(),
        mail=mail,
        admin=AdminConfig(http=admin_http),
    )

    async def attach(_house: object) -> Attachments:
        return Attachments(mark_venue=BINANCE)

    async with trio.open_nursery() as nursery:
        endpoints = await nursery.start(
            partial(run_daemon, config, world, attach, stop, doors=doors)
        )
        assert doors.front is not None
        # Signed requests begin to count when no older daemon can have accepted them.
        await trio.sleep(2)
        yield WholeHouse(doors.front, world, endpoints.first_admin.token)
        stop.set()
