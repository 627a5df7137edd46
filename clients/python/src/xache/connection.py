"""One channel to a house: deadlines, tokens, repeats that are safe, and errors with a name.

A call is tried again only when that cannot do it twice: it reads, or it carries an id that the
house remembers. Nothing else is repeated; its outcome is the caller's to find out.
"""

from __future__ import annotations

import ipaddress
import random
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any, Final, TypeVar

import attrs
import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from xache.errors import Incident, NotSignedIn, Refused, Unreachable, XacheError
from xache.rpc import Rpc, rpc
from xache.session import Session, TokenStore
from xache.signing import Signer
from xache.v1 import auth_pb2

Request = TypeVar("Request", bound=Message)
Response = TypeVar("Response", bound=Message)

REFRESH: Final = rpc(auth_pb2.RefreshRequest, auth_pb2.RefreshResponse, repeatable=False)

STEP_UP_METADATA: Final = "x-xache-step-up"

_UNCOUNTED = 1_000_000
"""Attempts of which there is no count but an end."""

_UNREACHABLE = {"UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED"}
_INCIDENTS = {"INTERNAL", "UNKNOWN", "DATA_LOSS"}

_CHANNEL_OPTIONS: Final = (
    # A restarting daemon is back in a second or two; gRPC's own first wait is one second, its
    # longest two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    # Only this file repeats calls.
    ("grpc.enable_retries", 0),
    # A book of 1,000 levels a side is about 100 KB.
    ("grpc.max_receive_message_length", 4 * 1024 * 1024),
    ("grpc.primary_user_agent", "xache-client/0.1.0"),
)


@attrs.frozen(kw_only=True)
class Tls:
    """How a house proves who it is."""

    ca_pem: bytes | None = None
    """Certificates to trust; None trusts those of the system."""
    server_name: str = ""
    """The name the house's certificate must have, where it is not the host of the target."""


@attrs.frozen(kw_only=True)
class Patience:
    """How long a call is tried."""

    attempt_timeout_s: float = 10.0
    attempts_max: int = 6
    wait_s_first: float = 0.1
    """Waits double from here, each shortened at random by up to half."""
    wait_s_max: float = 2.0
    total_s: float = 20.0
    """This long after the first failure no attempt begins."""
    reopen_s_max: float = 60.0
    """A stream that broke is opened again for this long: a house may be restarting."""
    silence_s_max: float = 15.0
    """A stream without a message for this long is dead: the house sends a sign of life every
    five seconds."""


OnWait = Callable[[XacheError, float], None]
"""Told before each wait: what went wrong, and the seconds until the next attempt."""


class Connection:
    """A channel, and the session whose calls it carries."""

    def __init__(
        self,
        target: str,
        *,
        tokens: TokenStore,
        signer: Signer | None,
        tls: Tls | None,
        plaintext: bool,
        patience: Patience,
        on_wait: OnWait | None,
        now_ns: Callable[[], int],
        sleep: Callable[[float], None],
    ) -> None:
        self.target = target
        self._channel = open_channel(target, tls, plaintext=plaintext)
        self._signer = signer
        self._patience = patience
        self._on_wait = on_wait
        self._sleep = sleep
        self.session = Session(tokens, self._refresh, now_ns)

    def close(self) -> None:
        """End every call and close the channel."""
        self._channel.close()

    def call(
        self, method: Rpc[Request, Response], request: Request, *, step_up: str = ""
    ) -> Response:
        """Ask once, or more often where that is safe. Raises: XacheError; TokenFileError.

        ``step_up``: the token of a fresh proof for these very bytes.
        """
        attempts = _Attempts(self._patience, self._on_wait, self._sleep)
        token = self._token(method)
        renewed = False
        while True:
            try:
                return self._attempt(method, request, token, step_up)
            except NotSignedIn as error:
                token, renewed = self._renewed(error, token, again=renewed), True
            except XacheError as error:
                if not method.repeatable:
                    raise
                attempts.wait_after(error)

    def stream(
        self, method: Rpc[Request, Response], next_request: Callable[[], Request]
    ) -> Generator[Response, None, None]:
        """Follow a stream; opened again, with the next request, when the connection breaks.

        Closing the generator ends the stream. Raises: XacheError; TokenFileError.
        """
        patience = attrs.evolve(
            self._patience, attempts_max=_UNCOUNTED, total_s=self._patience.reopen_s_max
        )
        attempts = _Attempts(patience, self._on_wait, self._sleep)
        token = self._token(method)
        renewed = False
        while True:
            try:
                for response in self._read(method, next_request(), token):
                    attempts.succeeded()
                    renewed = False
                    yield response
                return
            except NotSignedIn as error:
                token, renewed = self._renewed(error, token, again=renewed), True
            except XacheError as error:
                attempts.wait_after(error)

    def read(
        self, method: Rpc[Request, Response], request: Request, *, step_up: str = ""
    ) -> Generator[Response, None, None]:
        """Read a stream that ends by itself, once: where it breaks, it is asked for again.

        Closing the generator ends it. ``step_up``: as of :meth:`call`. Raises: XacheError;
        TokenFileError.
        """
        yield from self._read(method, request, self._token(method), step_up)

    def send(self, method: Rpc[Request, Response], requests: Iterable[Request]) -> Response:
        """Send a stream of requests, once, for one answer. Raises: XacheError; TokenFileError."""
        opened = self._channel.stream_unary(
            method.path, _serialized, method.response_class.FromString
        )
        try:
            response: Response = opened(
                iter(requests), metadata=self._metadata(method, self._token(method), b"")
            )
        except grpc.RpcError as error:
            raise error_of(error) from None
        return response

    def exchange(
        self, method: Rpc[Request, Response], requests: Iterable[Request]
    ) -> Generator[Response, None, None]:
        """Send and receive at once, without repeats. Raises: XacheError; TokenFileError."""
        opened = self._channel.stream_stream(
            method.path, _serialized, method.response_class.FromString
        )
        call = opened(iter(requests), metadata=self._metadata(method, self._token(method), b""))
        try:
            yield from _received(call)
        finally:
            call.cancel()

    def _token(self, method: Rpc[Request, Response]) -> str | None:
        """The session's token where one is needed: a key that signs needs none."""
        if self._signer is not None or not method.needs_session:
            return None
        return self.session.access_token()

    def _renewed(self, error: NotSignedIn, token: str | None, *, again: bool) -> str | None:
        """What makes another attempt worth while. Raises: the error where nothing does."""
        if again:
            raise error
        if self._signer is not None:
            wait_s = self._signer.learn(error)
            if wait_s is None:
                raise error
            self._sleep(wait_s)
            return None
        if token is None:
            raise error
        return self.session.renew(token)

    def _metadata(
        self, method: Rpc[Request, Response], token: str | None, body: bytes
    ) -> tuple[tuple[str, str], ...]:
        if self._signer is not None and method.needs_session:
            return (("authorization", self._signer.header(method.path, body)),)
        return (("authorization", f"Bearer {token}"),) if token is not None else ()

    def _attempt(
        self,
        method: Rpc[Request, Response],
        request: Request,
        token: str | None,
        step_up: str = "",
    ) -> Response:
        # What is signed are these bytes, so they are what is sent.
        body = request.SerializeToString()
        ask = self._channel.unary_unary(method.path, None, method.response_class.FromString)
        metadata = self._metadata(method, token, body)
        if step_up:
            metadata += ((STEP_UP_METADATA, step_up),)
        try:
            response: Response = ask(
                body, timeout=self._patience.attempt_timeout_s, metadata=metadata
            )
        except grpc.RpcError as error:
            raise error_of(error) from None
        return response

    def _read(
        self,
        method: Rpc[Request, Response],
        request: Request,
        token: str | None,
        step_up: str = "",
    ) -> Iterator[Response]:
        body = request.SerializeToString()
        opened = self._channel.unary_stream(method.path, None, method.response_class.FromString)
        metadata = self._metadata(method, token, body)
        if step_up:
            metadata += ((STEP_UP_METADATA, step_up),)
        call = opened(body, metadata=metadata)
        watchdog = _Watchdog(call, self._patience.silence_s_max)
        try:
            yield from _received(call, watchdog)
        finally:
            watchdog.stop()
            call.cancel()

    def _refresh(self, refresh_token: str) -> auth_pb2.Tokens:
        request = auth_pb2.RefreshRequest(refresh_token=refresh_token)
        return self._attempt(REFRESH, request, None).tokens


def open_channel(target: str, tls: Tls | None, *, plaintext: bool) -> grpc.Channel:
    """A channel: plain to this machine, TLS to any other.

    Args:
        target: "HOST:PORT", "[::1]:PORT" or "unix:PATH".
        tls: TLS with these certificates, wherever the target is.
        plaintext: no TLS even to another machine: tokens then travel in clear.

    Raises: ValueError where the target has another form.
    """
    check_target(target)
    if tls is None and (plaintext or is_this_machine(target)):
        return grpc.insecure_channel(target, options=_CHANNEL_OPTIONS)
    tls = tls if tls is not None else Tls()
    options: tuple[tuple[str, int | str], ...] = _CHANNEL_OPTIONS
    if tls.server_name:
        options = (*options, ("grpc.ssl_target_name_override", tls.server_name))
    credentials = grpc.ssl_channel_credentials(root_certificates=tls.ca_pem)
    return grpc.secure_channel(target, credentials, options=options)


def check_target(target: str) -> None:
    """Refuse what is no "HOST:PORT", "[::1]:PORT" or "unix:PATH": gRPC would guess a port of its
    own, or fail only at the first call.

    Raises: ValueError.
    """
    if target.startswith("unix:"):
        well_made = target != "unix:"
    else:
        host, _, port = target.rpartition(":")
        bracketed = host.startswith("[") and host.endswith("]")
        well_made = (
            bool(host)
            and (":" not in host or bracketed)
            and port.isascii()
            and port.isdecimal()
            and 0 < int(port) < 65_536
        )
    if not well_made:
        raise ValueError("It must be HOST:PORT, such as 127.0.0.1:7400, or unix:PATH.")


def is_this_machine(target: str) -> bool:
    """True when what is sent to a target does not leave the machine."""
    if target.startswith("unix:"):
        return True
    host = target.rpartition(":")[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def error_of(error: Any) -> XacheError:
    """The named error of a ``grpc.RpcError`` that is a call."""
    code: str = error.code().name
    message: str = error.details() or ""
    if "WRONG_VERSION_NUMBER" in message:
        # What answers begins otherwise than TLS does.
        message = "there is no TLS at this address; a house behind no TLS is called without it"
    elif message.startswith("failed to connect"):
        # gRPC tells every address and layer; the last part is the reason.
        message = message.rpartition(": ")[2]
    reason, facts, retry_after_s = "", {}, None
    try:
        status = rpc_status.from_call(error)
    except ValueError:
        status = None  # Its parts contradict each other: the plain status is what is left.
    for detail in status.details if status is not None else ():
        info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
        if detail.Unpack(info):
            reason, facts = info.reason, dict(info.metadata)
        elif detail.Unpack(retry):
            retry_after_s = retry.retry_delay.ToNanoseconds() / 1e9
    kind: type[XacheError] = Refused
    if code == "UNAUTHENTICATED":
        kind = NotSignedIn
    elif code in _UNREACHABLE:
        kind = Unreachable
    elif code in _INCIDENTS:
        kind = Incident
    return kind(code, reason, message, facts, retry_after_s)


class _Attempts:
    """Counts the attempts of one call and waits between them."""

    def __init__(
        self, patience: Patience, on_wait: OnWait | None, sleep: Callable[[float], None]
    ) -> None:
        self._patience = patience
        self._on_wait = on_wait
        self._sleep = sleep
        self._made = 0
        self._failing_since_s = 0.0

    def succeeded(self) -> None:
        """Begin to count anew."""
        self._made = 0

    def wait_after(self, error: XacheError) -> None:
        """Wait for the next attempt, or raise the error of the last one."""
        overloaded = error.code == "RESOURCE_EXHAUSTED" and error.retry_after_s is not None
        if not isinstance(error, Unreachable) and not overloaded:
            raise error
        self._made += 1
        if self._made == 1:
            self._failing_since_s = time.monotonic()
        failing_s = time.monotonic() - self._failing_since_s
        if self._made >= self._patience.attempts_max or failing_s >= self._patience.total_s:
            raise error
        doublings = min(self._made - 1, 16)
        wait_s = min(self._patience.wait_s_first * 2**doublings, self._patience.wait_s_max)
        # Clients that failed together must not come back together.
        wait_s *= random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, keeps no secret
        if error.retry_after_s is not None:
            wait_s = max(wait_s, min(error.retry_after_s, self._patience.wait_s_max))
        if self._on_wait is not None:
            self._on_wait(error, wait_s)
        self._sleep(wait_s)


class _Watchdog:
    """Cancels a stream that stays silent while somebody waits for it."""

    def __init__(self, call: Any, silence_s_max: float) -> None:
        self._call = call
        self._silence_s_max = silence_s_max
        self._waiting_since_s: float | None = None
        self._stopped = threading.Event()
        self.fired = False
        threading.Thread(target=self._watch, name="xache-watchdog", daemon=True).start()

    def wait_begins(self) -> None:
        """The reader asks for a message."""
        self._waiting_since_s = time.monotonic()

    def wait_ends(self) -> None:
        """The reader has one: how long it takes over it is its own affair."""
        self._waiting_since_s = None

    def stop(self) -> None:
        """Watch no longer."""
        self._stopped.set()

    def _watch(self) -> None:
        while not self._stopped.wait(self._silence_s_max / 10):
            since_s = self._waiting_since_s
            if since_s is not None and time.monotonic() - since_s > self._silence_s_max:
                self.fired = True
                self._call.cancel()
                return


def _received(call: Any, watchdog: _Watchdog | None = None) -> Iterator[Any]:
    """The messages of a call. Raises: XacheError."""
    while True:
        try:
            if watchdog is not None:
                watchdog.wait_begins()
            message = next(call)
        except StopIteration:
            return
        except grpc.RpcError as error:
            if watchdog is not None and watchdog.fired:
                raise Unreachable("UNAVAILABLE", "SILENT", "the stream fell silent") from None
            raise error_of(error) from None
        if watchdog is not None:
            watchdog.wait_ends()
        yield message


def _serialized(message: Message) -> bytes:
    return message.SerializeToString()
