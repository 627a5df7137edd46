"""Fresh proofs: what moves money or weakens an account is asked for with one, used once."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Final, TypeAlias, TypeVar

from google.protobuf.message import Message

from xache.connection import Connection
from xache.rpc import Rpc, rpc
from xache.v1 import auth_pb2

Request = TypeVar("Request", bound=Message)
Response = TypeVar("Response", bound=Message)

Proof: TypeAlias = Mapping[str, str]
"""{"code": ...} of the second factor, or {"password": ...} where there is none."""

_STEP_UP: Final = rpc(auth_pb2.StepUpRequest, auth_pb2.StepUpResponse, repeatable=False)


def proved(
    connection: Connection, method: Rpc[Request, Response], request: Request, proof: Proof
) -> Response:
    """Prove afresh for one request, and send it. Raises: XacheError; TokenFileError."""
    return connection.call(method, request, step_up=_grant(connection, method, request, proof))


def proved_read(
    connection: Connection, method: Rpc[Request, Response], request: Request, proof: Proof
) -> Generator[Response, None, None]:
    """Prove afresh for a stream, and read it to its end. Raises: XacheError; TokenFileError."""
    step_up = _grant(connection, method, request, proof)
    yield from connection.read(method, request, step_up=step_up)


def _grant(
    connection: Connection, method: Rpc[Request, Response], request: Request, proof: Proof
) -> str:
    asked = auth_pb2.StepUpRequest(method=method.path, request=request.SerializeToString(), **proof)
    return connection.call(_STEP_UP, asked).step_up_token
