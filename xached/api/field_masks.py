"""Fields that are not for everybody: the option ``for_roles`` of a message's fields.

A caller without one of the roles may not set such a field in a request, and does not see it in a
response. Which messages can hold one is found when the table of routes is built; for all others
nothing is done at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import grpc
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from xache.v1 import options_pb2

from xached.api.errors import StatusError

# The generated stub gives extensions no type.
_OPTION: Any = options_pb2.for_roles


def roles_of(field: FieldDescriptor) -> frozenset[int]:
    """The roles that a field is for; empty when it is for all callers."""
    return frozenset(field.GetOptions().Extensions[_OPTION])


def is_guarded(descriptor: Descriptor) -> bool:
    """Whether a message has a field, at any depth, that is not for everybody."""
    return any(roles_of(field) for message in _reachable(descriptor) for field in message.fields)


def refuse_guarded(message: Message, roles: frozenset[int]) -> None:
    """Refuse a request that sets what the caller may not set. Raises: StatusError."""
    for owner, field in _guarded(message, roles):
        raise StatusError(
            grpc.StatusCode.PERMISSION_DENIED,
            "FIELD_DENIED",
            "the account's role does not allow this field",
            {
                "field": f"{owner.DESCRIPTOR.name}.{field.name}",
                "roles": " ".join(options_pb2.Role.Name(role) for role in sorted(roles_of(field))),
            },
        )


def clear_guarded(message: Message, roles: frozenset[int]) -> None:
    """Take out of a response what the caller may not see."""
    for owner, field in list(_guarded(message, roles)):
        owner.ClearField(field.name)


def _guarded(message: Message, roles: frozenset[int]) -> Iterator[tuple[Message, FieldDescriptor]]:
    """The fields that are set and not for these roles, each with the message it is in."""
    for field, value in message.ListFields():
        needed = roles_of(field)
        if needed and not needed & roles:
            yield message, field
        else:
            for inner in _messages(field, value):
                yield from _guarded(inner, roles)


def _messages(field: FieldDescriptor, value: Any) -> Iterable[Message]:
    if field.message_type is None:
        return ()
    if field.message_type.GetOptions().map_entry:
        entry = field.message_type.fields_by_name["value"]
        return tuple(value.values()) if entry.message_type is not None else ()
    return tuple(value) if field.is_repeated else (value,)


def _reachable(descriptor: Descriptor) -> Iterator[Descriptor]:
    seen: set[str] = set()
    waiting = [descriptor]
    while waiting:
        message = waiting.pop()
        if message.full_name in seen:
            continue
        seen.add(message.full_name)
        yield message
        waiting += [field.message_type for field in message.fields if field.message_type]
