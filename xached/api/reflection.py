"""Server reflection, v1 and v1alpha: the services of one listener describe themselves.

Only files that these services need are shown. The logic is grpcio-reflection's, which knows
v1alpha alone; v1 is the same protocol under another package name, and its descriptors are made
from v1alpha's. https://github.com/grpc/grpc/blob/master/doc/server-reflection.md
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import grpc
from google.protobuf import descriptor_pb2, message_factory
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha._base import BaseReflectionServicer

from xached.api.routes import PUBLIC, Call, Requests, Responses, Service

_SERVICE: Final = "ServerReflection"
_INVALID_ARGUMENT: Final[int] = grpc.StatusCode.INVALID_ARGUMENT.value[0]


def reflection_services(services: Iterable[Service]) -> tuple[Service, Service]:
    """Two more services, v1 and v1alpha, that describe the given ones and themselves."""
    described = tuple(services)
    pool = DescriptorPool()
    for service in described:
        _add_file(pool, service.descriptor.file)
    # Refusals carry these; with them a client can show what was given and what is allowed.
    _add_file(pool, error_details_pb2.DESCRIPTOR)
    alpha = reflection_pb2.DESCRIPTOR
    _add_file(pool, alpha)
    pool.Add(_v1_file(alpha))
    v1 = pool.FindServiceByName(f"grpc.reflection.v1.{_SERVICE}")
    v1alpha = alpha.services_by_name[_SERVICE]
    names = [service.descriptor.full_name for service in described]
    answers = _Answers([*names, v1.full_name, v1alpha.full_name], pool)
    response_class = message_factory.GetMessageClass(v1.methods[0].output_type)
    return (
        Service(descriptor=v1, handlers=_V1(answers, response_class), declared=PUBLIC),
        Service(descriptor=v1alpha, handlers=_V1Alpha(answers), declared=PUBLIC),
    )


class _Answers(BaseReflectionServicer):  # type: ignore[misc] # grpcio-reflection has no types
    """One request, one answer, without the servicer's transport."""

    def answer(self, request: Any) -> Any:
        match request.WhichOneof("message_request"):
            case "file_by_filename":
                return self._file_by_filename(request, request.file_by_filename)
            case "file_containing_symbol":
                found = self._file_containing_symbol(request, request.file_containing_symbol)
                if not found.HasField("error_response"):
                    return found
                # The pool knows services but not their methods; clients ask for both.
                service, _, _ = request.file_containing_symbol.rpartition(".")
                return self._file_containing_symbol(request, service) if service else found
            case "file_containing_extension":
                extension = request.file_containing_extension
                return self._file_containing_extension(
                    request, extension.containing_type, extension.extension_number
                )
            case "all_extension_numbers_of_type":
                return self._all_extension_numbers_of_type(
                    request, request.all_extension_numbers_of_type
                )
            case "list_services":
                return self._list_services(request)
            case _:
                return reflection_pb2.ServerReflectionResponse(
                    original_request=request,
                    error_response=reflection_pb2.ErrorResponse(
                        error_code=_INVALID_ARGUMENT, error_message="the request asks for nothing"
                    ),
                )


class _V1Alpha:
    def __init__(self, answers: _Answers) -> None:
        self._answers = answers

    async def server_reflection_info(
        self, _call: Call, requests: Requests[Message], responses: Responses[Message]
    ) -> None:
        """Answer each request in turn."""
        async for request in requests:
            await responses.send(self._answers.answer(request))


class _V1:
    def __init__(self, answers: _Answers, response_class: type[Message]) -> None:
        self._answers = answers
        self._response_class = response_class

    async def server_reflection_info(
        self, _call: Call, requests: Requests[Message], responses: Responses[Message]
    ) -> None:
        """Answer each request in turn; v1 and v1alpha are the same bytes."""
        async for request in requests:
            alpha = reflection_pb2.ServerReflectionRequest.FromString(request.SerializeToString())
            answer = self._answers.answer(alpha)
            await responses.send(self._response_class.FromString(answer.SerializeToString()))


def _add_file(pool: DescriptorPool, file: FileDescriptor) -> None:
    """Add a file and what it imports; again is no harm."""
    for dependency in file.dependencies:
        _add_file(pool, dependency)
    proto = descriptor_pb2.FileDescriptorProto()
    file.CopyToProto(proto)
    pool.Add(proto)


def _v1_file(alpha: FileDescriptor) -> descriptor_pb2.FileDescriptorProto:
    """The v1 protocol's file, made from v1alpha's by renaming."""
    proto = descriptor_pb2.FileDescriptorProto()
    alpha.CopyToProto(proto)
    old, new = f".{alpha.package}.", ".grpc.reflection.v1."
    proto.name = "grpc/reflection/v1/reflection.proto"
    proto.package = "grpc.reflection.v1"
    for message in proto.message_type:
        for field in message.field:
            if field.HasField("type_name"):
                field.type_name = field.type_name.replace(old, new)
    for service in proto.service:
        for method in service.method:
            method.input_type = method.input_type.replace(old, new)
            method.output_type = method.output_type.replace(old, new)
    return proto
