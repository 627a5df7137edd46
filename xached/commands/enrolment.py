"""An administrator's first steps, over the daemon's socket: the account, then the authenticator.

What it does are calls that anybody at the socket can make; it only makes them in order, and shows
the QR code in the terminal. Nothing secret is an argument of the command.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from getpass import getpass
from pathlib import Path
from typing import Final, TypeAlias, TypeVar

import grpc
import segno
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from xache.v1 import admin_pb2, admin_pb2_grpc, auth_pb2, auth_pb2_grpc

CALL_S_MAX: Final = 30.0
TRIES: Final = 3
"""Codes that are asked for before the command gives up; the house has a limit of its own."""

ENROL: Final = "/xache.v1.AuthService/EnrolSecondFactor"

Answer = TypeVar("Answer")
Metadata: TypeAlias = Sequence[tuple[str, str]]


class EnrolmentFailed(Exception):  # noqa: N818 - it says what is the matter
    """It did not come to an authenticator that works; the text says why."""


class Terminal:
    """Where the questions are answered: a terminal, or lines of standard input."""

    def ask(self, prompt: str) -> str:
        """A line. Raises: EnrolmentFailed where there are no more."""
        print(prompt, end="", flush=True, file=sys.stderr)  # Answers may be read by programs.
        line = sys.stdin.readline()
        if not line:
            raise EnrolmentFailed(
                f"nobody answered {prompt.rstrip(': ')!r}: answer at a terminal, or with lines of "
                "standard input"
            )
        return line.strip()

    def ask_secret(self, prompt: str) -> str:
        """A line that is not shown while it is typed."""
        return getpass(prompt) if sys.stdin.isatty() else self.ask(prompt)

    def say(self, text: str) -> None:
        """Show a text."""
        print(text, flush=True)


def enrol(socket: Path, terminal: Terminal) -> None:
    """Set up an administrator's authenticator; before that the first administrator, if need be.

    Raises: EnrolmentFailed.
    """
    if not socket.is_socket():
        raise EnrolmentFailed(f"no house listens at {socket}: start it first, or name --socket")
    with grpc.insecure_channel(f"unix:{socket}") as channel:
        _enrol(admin_pb2_grpc.AdminServiceStub(channel), auth_pb2_grpc.AuthServiceStub(channel),
               terminal)  # fmt: skip


def _enrol(
    admin: admin_pb2_grpc.AdminServiceStub, auth: auth_pb2_grpc.AuthServiceStub, terminal: Terminal
) -> None:
    email = terminal.ask("E-mail address of the administrator: ")
    password = terminal.ask_secret("Password: ")
    token = terminal.ask_secret("One-time token, if this is the first administrator: ")
    if token:
        first = admin_pb2.BootstrapAdminRequest(token=token, email=email, password=password)
        asked(lambda: admin.BootstrapAdmin(first, timeout=CALL_S_MAX))
    login = auth_pb2.LoginRequest(email=email, password=password, device="xached admin enrol")
    granted: auth_pb2.LoginResponse = asked(lambda: auth.Login(login, timeout=CALL_S_MAX))
    if granted.second_factor_token:
        raise EnrolmentFailed("the account has an authenticator already; its codes are what counts")
    session = (("authorization", f"Bearer {granted.tokens.access_token}"),)
    wanted = auth_pb2.StepUpRequest(method=ENROL, request=b"", password=password)
    proof: auth_pb2.StepUpResponse = asked(
        lambda: auth.StepUp(wanted, metadata=session, timeout=CALL_S_MAX)
    )
    proven = (*session, ("x-xache-step-up", proof.step_up_token))
    begun: auth_pb2.EnrolSecondFactorResponse = asked(
        lambda: auth.EnrolSecondFactor(
            auth_pb2.EnrolSecondFactorRequest(), metadata=proven, timeout=CALL_S_MAX
        )
    )
    terminal.say(_qr_code(begun.otpauth_uri))
    terminal.say(f"Scan it with an authenticator, or type in: {begun.secret}")
    terminal.say(begun.otpauth_uri)
    confirmed = _confirm(auth, session, terminal)
    terminal.say("The authenticator counts. Keep these recovery codes on paper; each works once:")
    for code in confirmed.recovery_codes:
        terminal.say(f"  {code}")
    asked(lambda: auth.Logout(auth_pb2.LogoutRequest(), metadata=session, timeout=CALL_S_MAX))
    terminal.say("What moves money or rights is called with the code that it shows then:")
    terminal.say(f"  -H 'x-xache-operator: {email}' -H 'x-xache-code: 123456'")


def _confirm(
    auth: auth_pb2_grpc.AuthServiceStub, session: tuple[tuple[str, str], ...], terminal: Terminal
) -> auth_pb2.ConfirmSecondFactorResponse:
    for left in range(TRIES, 0, -1):
        request = auth_pb2.ConfirmSecondFactorRequest(code=terminal.ask("The code that it shows: "))
        try:
            confirmed: auth_pb2.ConfirmSecondFactorResponse = auth.ConfirmSecondFactor(
                request, metadata=session, timeout=CALL_S_MAX
            )
        except grpc.RpcError as error:
            if left == 1 or _reason(error) != "CODE_WRONG":
                raise EnrolmentFailed(told(error)) from None
            terminal.say("That is not the code. Is the clock of the authenticator right?")
        else:
            return confirmed
    raise AssertionError("the last try returns or raises")


@contextmanager
def signed_in(channel: grpc.Channel, terminal: Terminal) -> Iterator[Metadata]:
    """A session of an administrator who has no authenticator. Raises: EnrolmentFailed."""
    auth = auth_pb2_grpc.AuthServiceStub(channel)
    email = terminal.ask("E-mail address of the administrator: ")
    password = terminal.ask_secret("Password: ")
    login = auth_pb2.LoginRequest(email=email, password=password, device="xached admin")
    granted: auth_pb2.LoginResponse = asked(lambda: auth.Login(login, timeout=CALL_S_MAX))
    if granted.second_factor_token:
        raise EnrolmentFailed(f"the account has an authenticator: name it with --operator {email}")
    session = (("authorization", f"Bearer {granted.tokens.access_token}"),)
    yield session
    asked(lambda: auth.Logout(auth_pb2.LogoutRequest(), metadata=session, timeout=CALL_S_MAX))


def asked(call: Callable[[], Answer]) -> Answer:
    """The answer of a call. Raises: EnrolmentFailed."""
    try:
        return call()
    except grpc.RpcError as error:
        raise EnrolmentFailed(told(error)) from None


def told(error: grpc.RpcError) -> str:
    """What a refusal says in a line, and what was given and is allowed in lines below."""
    info = _info(error)
    facts = dict(info.metadata)
    names = [name for name in _FACTS_FIRST if name in facts]
    names += sorted(facts.keys() - set(names))
    below = "".join(f"\n  {name:8} {facts[name]}" for name in names)
    return f"{_reason(error)}: {error.details()}{below}"


_FACTS_FIRST: Final = ("field", "given", "allowed", "nearest")


def _reason(error: grpc.RpcError) -> str:
    """The house's name for what is the matter; gRPC's own where the house did not speak."""
    return _info(error).reason or str(error.code().name)


def _info(error: grpc.RpcError) -> error_details_pb2.ErrorInfo:
    """What the house says of a refusal; empty where it did not speak."""
    status, info = rpc_status.from_call(error), error_details_pb2.ErrorInfo()
    for detail in status.details if status is not None else ():
        if detail.Unpack(info):
            return info
    return error_details_pb2.ErrorInfo()


def _qr_code(uri: str) -> str:
    """The URI as a QR code of half blocks."""
    shown = io.StringIO()
    segno.make(uri, error="l").terminal(out=shown, border=2, compact=True)
    return shown.getvalue()
