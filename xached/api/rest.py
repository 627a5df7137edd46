"""What REST says back: JSON, problem details (RFC 9457), and streams as server-sent events."""

from __future__ import annotations

import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import attrs
import grpc
from google.protobuf.message import Message
from xache.v1 import auth_pb2

from xached.api.errors import StatusError
from xached.api.http_message import (
    NOT_STORED,
    HttpRequest,
    HttpResponse,
    Pairs,
    json_response,
    problem,
)
from xached.api.routes import Routes
from xached.api.transcoding import RestRoute, fill, read_json, write_json

IDEMPOTENCY_KEY: Final = "idempotency-key"
LAST_EVENT_ID: Final = "last-event-id"
REASON_URN: Final = "urn:xache:reason:"
JSON_TYPES: Final = ("application/json", "")
"""What a body may be; an empty one needs no type."""

STATUSES: Final[Mapping[grpc.StatusCode, HTTPStatus]] = {
    grpc.StatusCode.INVALID_ARGUMENT: HTTPStatus.BAD_REQUEST,
    grpc.StatusCode.OUT_OF_RANGE: HTTPStatus.BAD_REQUEST,
    grpc.StatusCode.UNAUTHENTICATED: HTTPStatus.UNAUTHORIZED,
    grpc.StatusCode.PERMISSION_DENIED: HTTPStatus.FORBIDDEN,
    grpc.StatusCode.NOT_FOUND: HTTPStatus.NOT_FOUND,
    grpc.StatusCode.ALREADY_EXISTS: HTTPStatus.CONFLICT,
    grpc.StatusCode.ABORTED: HTTPStatus.CONFLICT,
    # Understood and well formed, and yet it cannot be done as things stand.
    grpc.StatusCode.FAILED_PRECONDITION: HTTPStatus.UNPROCESSABLE_ENTITY,
    grpc.StatusCode.RESOURCE_EXHAUSTED: HTTPStatus.TOO_MANY_REQUESTS,
    grpc.StatusCode.UNIMPLEMENTED: HTTPStatus.NOT_IMPLEMENTED,
    grpc.StatusCode.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED: HTTPStatus.GATEWAY_TIMEOUT,
    grpc.StatusCode.CANCELLED: HTTPStatus.SERVICE_UNAVAILABLE,
}
"""The HTTP status of each code; a code that is not here is a fault of the house: 500."""

ID_FIELDS: Final = ("request_id", "client_order_id")
"""Where a request carries what makes it safe to repeat; the first that it has counts."""

RESUME_FIELDS: Final = ("after_seq", "after_sequence")
"""Where a request says after which message a stream goes on."""

_STEP_UP: Final = "/xache.v1.AuthService/StepUp"


@attrs.frozen
class RestForm:
    """How answers to one request are written (http_api.Form)."""

    route: RestRoute

    def answer(self, message: Message, _data: bytes, trailing: Pairs) -> HttpResponse:
        """See Form."""
        return json_response(HTTPStatus.OK, write_json(message), *trailing)

    def refusal(self, error: StatusError, trailing: Pairs) -> HttpResponse:
        """See Form."""
        return refusal_of(error, trailing)

    def stream_head(self) -> HttpResponse:
        """See Form."""
        headers = (("content-type", "text/event-stream"), NOT_STORED)
        return HttpResponse(HTTPStatus.OK, b"", headers, streamed=True)

    def stream_piece(self, message: Message, _data: bytes) -> bytes:
        """See Form. An event without a name; it has an id where one can go on after it."""
        number = self._resume_after(message)
        identity = b"" if number is None else b"id: %d\n" % number
        return b"%bdata: %b\n\n" % (identity, write_json(message))

    def stream_end(self, error: StatusError | None, _trailing: Pairs) -> bytes:
        """See Form. The last event has the name ``end``, or ``problem``."""
        if error is None:
            return b"event: end\ndata: {}\n\n"
        return b"event: problem\ndata: %b\n\n" % refusal_of(error, ()).body

    def _resume_after(self, message: Any) -> int | None:
        """After which number a stream that breaks off now can be resumed."""
        fields = self.route.method.input_type.fields_by_name
        number = 0
        if "after_seq" in fields and not message.more:
            number = message.seq
        elif "after_sequence" in fields:
            if "sequence" in message.DESCRIPTOR.fields_by_name:
                number = message.sequence
            elif message.trades:
                number = message.trades[-1].sequence
        return number or None


def refusal_of(error: StatusError, trailing: Pairs) -> HttpResponse:
    """A refusal as problem details: with the reason and facts that gRPC has in its ErrorInfo."""
    status = STATUSES.get(error.code, HTTPStatus.INTERNAL_SERVER_ERROR)
    headers = list(trailing)
    members: dict[str, Any] = {
        "type": REASON_URN + error.reason,
        "code": error.code.name,
        "reason": error.reason,
        "facts": dict(error.facts),
    }
    if error.retry_after_s is not None:
        members["retryAfterMs"] = math.ceil(error.retry_after_s * 1000)
        headers.append(("retry-after", str(math.ceil(error.retry_after_s))))
    if status is HTTPStatus.UNAUTHORIZED:
        headers.append(("www-authenticate", "Bearer"))
    return problem(status, error.message, *headers, members=members)


def read_message(
    found: RestRoute, captured: Mapping[str, str], request: HttpRequest, body: bytes, routes: Routes
) -> Message:
    """The request message that a request means. Raises: StatusError INVALID_ARGUMENT."""
    message: Any = found.read(captured, request.query, body)
    if key := request.headers.get(IDEMPOTENCY_KEY):
        _identify(found, message, key.strip().strip('"'))
    if after := request.headers.get(LAST_EVENT_ID):
        _resume(found, message, after)
    if found.route.path == _STEP_UP:
        message.request = _proven_bytes(message, routes)
    return message  # type: ignore[no-any-return] # written to by name


def _identify(found: RestRoute, message: Any, key: str) -> None:
    """Write the key that makes a request safe to repeat into its field."""
    if not found.takes_body and found.verb == "GET":
        return
    fields = found.method.input_type.fields_by_name
    name = next((each for each in ID_FIELDS if each in fields), None)
    if name is None:
        facts = {"field": IDEMPOTENCY_KEY, "allowed": "none"}
        raise _refused("IDEMPOTENCY_KEY", "nothing is done twice here: it takes no such key", facts)
    if getattr(message, name) not in ("", key):
        facts = {"field": IDEMPOTENCY_KEY, "allowed": f"none, or {name} once more"}
        raise _refused("IDEMPOTENCY_KEY", f"the key is another than {name}", facts)
    fill(message, {name: key})


def _resume(found: RestRoute, message: Any, after: str) -> None:
    """Go on after the last event that a client has got."""
    fields = found.method.input_type.fields_by_name
    name = next((each for each in RESUME_FIELDS if each in fields), None)
    if name is None or not found.route.response_streaming:
        return
    if not (after.isascii() and after.isdecimal() and len(after) <= 19):
        facts = {"field": LAST_EVENT_ID, "allowed": "the id of an event of this stream"}
        raise _refused("LAST_EVENT_ID", "the last event's id is a number", facts)
    setattr(message, name, int(after))


def _proven_bytes(message: auth_pb2.StepUpRequest, routes: Routes) -> bytes:
    """What a fresh proof is for, as bytes; in REST it may be given as the JSON that will be sent.

    No message begins as an object of JSON does: that byte would open a group of field 15.
    """
    given: bytes = message.request
    route = routes.find(message.method)
    if route is None or not given.startswith(b"{"):
        return given
    try:
        document = read_json(given)
    except ValueError:
        raise _refused("MALFORMED_MESSAGE", "the request is no JSON") from None
    proven = route.parse(b"")
    fill(proven, document)
    return proven.SerializeToString(deterministic=True)


def _refused(reason: str, message: str, facts: Mapping[str, str] | None = None) -> StatusError:
    return StatusError(grpc.StatusCode.INVALID_ARGUMENT, reason, message, facts)
