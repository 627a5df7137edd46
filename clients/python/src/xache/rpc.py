"""The methods of the API as typed values, read from the descriptors of the generated messages."""

from __future__ import annotations

from typing import Any, Final, Generic, TypeVar

import attrs
from google.protobuf.message import Message

from xache.v1 import options_pb2

Request = TypeVar("Request", bound=Message)
Response = TypeVar("Response", bound=Message)

PAGE_SIZE_MAX: Final = 500
"""Entries of one page of a long list."""


@attrs.frozen(kw_only=True)
class Rpc(Generic[Request, Response]):
    """One method of the API."""

    path: str
    """"/xache.v1.TradingService/PlaceOrder"."""
    response_class: type[Response]
    needs_session: bool
    repeatable: bool
    """Asking again after an unknown outcome does no harm: it reads, or its id makes it happen
    once."""


def rpc(
    request_class: type[Request], response_class: type[Response], *, repeatable: bool
) -> Rpc[Request, Response]:
    """The method that takes a request class: ``PlaceOrderRequest`` is taken by ``PlaceOrder``."""
    name = request_class.DESCRIPTOR.name.removesuffix("Request")
    (service,) = request_class.DESCRIPTOR.file.services_by_name.values()
    method = service.methods_by_name[name]
    assert method.output_type is response_class.DESCRIPTOR, method.full_name
    extension: Any = options_pb2.authorization
    authorization = method.GetOptions().Extensions[extension]
    return Rpc(
        path=f"/{service.full_name}/{name}",
        response_class=response_class,
        needs_session=authorization.access != options_pb2.ACCESS_PUBLIC,
        repeatable=repeatable,
    )
