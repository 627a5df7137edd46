"""The description of REST as an OpenAPI 3.1 document, made of the protos and their comments.

https://spec.openapis.org/oas/v3.1.0
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.field_mask_pb2 import FieldMask
from xache.v1 import options_pb2

from xached.api.examples import REQUESTS, VALUES
from xached.api.proto_comments import comments_of
from xached.api.refresh_cookie import CSRF_HEADER
from xached.api.rest import ID_FIELDS, RESUME_FIELDS
from xached.api.transcoding import RestRoute

Document = dict[str, Any]

_PRIVACY: Any = options_pb2.privacy
_INT64_TYPES: Final = {
    FieldDescriptor.TYPE_INT64,
    FieldDescriptor.TYPE_UINT64,
    FieldDescriptor.TYPE_SINT64,
    FieldDescriptor.TYPE_FIXED64,
    FieldDescriptor.TYPE_SFIXED64,
}
_UNSIGNED_TYPES: Final = {
    FieldDescriptor.TYPE_UINT32,
    FieldDescriptor.TYPE_UINT64,
    FieldDescriptor.TYPE_FIXED32,
    FieldDescriptor.TYPE_FIXED64,
}

_ABOUT: Final = """\
Every method of the house that has one request, as REST with JSON. Names are in camel case, 64-bit \
integers and amounts are strings, times are nanoseconds since 1970. A refusal is a problem (RFC \
9457) with a reason for programs and the facts: what was given, what is allowed. What can be \
repeated safely takes an Idempotency-Key. Streams are server-sent events whose last one is named \
`end` or `problem`; with Last-Event-ID they go on where they broke off. Unknown fields and \
parameters are refused. Methods whose requests are streams (EnterOrders, UploadDocument, \
ImportWatchlist) are gRPC's alone: a browser sends no body that goes on while it is answered, and \
each of their messages is as large as a whole body may be. Orders go one by one, or up to 200 \
at once with PlaceOrders."""


def describe(routes: Iterable[RestRoute], version: str) -> Document:
    """The document."""
    schemas = _Schemas()
    paths: dict[str, Document] = {}
    tags: dict[str, str] = {}
    for route in routes:
        service = route.method.containing_service
        tags.setdefault(service.name, _comment(service))
        paths.setdefault(route.template, {})[route.verb.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "XACHE",
            "version": version,
            "description": _ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text} for name, text in tags.items()],
        "paths": paths,
        "components": {
            "schemas": {**schemas.made, "Problem": _PROBLEM},
            "responses": {
                "Problem": {
                    "description": "It was refused, or could not be done.",
                    "content": {
                        "application/problem+json": {
                            "schema": {"$ref": "#/components/schemas/Problem"}
                        }
                    },
                }
            },
            "securitySchemes": _SECURITY_SCHEMES,
        },
    }


def _operation(route: RestRoute, schemas: _Schemas) -> Document:
    method = route.method
    text = _comment(method)
    operation: Document = {
        "operationId": method.name,
        "tags": [method.containing_service.name],
        "summary": text.partition(". ")[0].rstrip(".") + ".",
        "description": " ".join((text, *_needs(route))),
        "security": _security(route),
        "parameters": _parameters(route, schemas),
        "responses": {
            "200": _answer(route, schemas),
            "default": {"$ref": "#/components/responses/Problem"},
        },
    }
    if route.takes_body:
        content: Document = {"schema": schemas.reference(method.input_type)}
        if method.name in REQUESTS:
            content["examples"] = {"typical": {"value": REQUESTS[method.name]}}
        operation["requestBody"] = {"content": {"application/json": content}}
    return operation


def _answer(route: RestRoute, schemas: _Schemas) -> Document:
    method = route.method
    schema = schemas.reference(method.output_type)
    description = _comment(method.output_type)
    if not method.server_streaming:
        return {"description": description, "content": {"application/json": {"schema": schema}}}
    return {
        "description": f"{description} Each event's data is a {method.output_type.name} in JSON.",
        "content": {"text/event-stream": {}},
    }


def _needs(route: RestRoute) -> Iterable[str]:
    """What a caller needs beside a credential, in words."""
    authorization = route.route.authorization
    if authorization.roles:
        roles = (options_pb2.Role.Name(role) for role in sorted(authorization.roles))
        yield f"For roles: {', '.join(role.removeprefix('ROLE_').lower() for role in roles)}."
    if authorization.scopes:
        scopes = (options_pb2.Scope.Name(scope) for scope in sorted(authorization.scopes))
        yield f"Scopes: {', '.join(scope.removeprefix('SCOPE_').lower() for scope in scopes)}."
    if authorization.step_up:
        yield "It needs a fresh proof: the token of StepUp in the header `x-xache-step-up`."
    if route.route.path == "/xache.v1.AuthService/StepUp":
        yield "Here `request` is the JSON that will be sent, in base64."
    if route.route.path == "/xache.v1.AuthService/Refresh":
        yield f"A browser has the token in a cookie and sends the header `{CSRF_HEADER}: 1`."


def _security(route: RestRoute) -> list[Document]:
    if route.route.authorization.access == options_pb2.ACCESS_PUBLIC:
        return []
    schemes: list[Document] = [{"session": []}]
    return [*schemes, {"signature": []}] if route.route.authorization.api_key else schemes


def _parameters(route: RestRoute, schemas: _Schemas) -> list[Document]:
    message = route.method.input_type
    found: list[Document] = [
        {
            "name": name,
            "in": "path",
            "required": True,
            **_described(message.fields_by_name[name], schemas),
        }
        for name in route.path_fields
    ]
    if not route.takes_body:
        found += [
            {"name": field.json_name, "in": "query", **_described(field, schemas)}
            for field in message.fields
            if field.name not in route.path_fields and field.message_type is None
        ]
    if route.verb != "GET" and any(name in message.fields_by_name for name in ID_FIELDS):
        found.append(_IDEMPOTENCY_KEY)
    if any(name in message.fields_by_name for name in RESUME_FIELDS):
        found.append(_LAST_EVENT_ID)
    return found


def _described(field: FieldDescriptor, schemas: _Schemas) -> Document:
    schema = schemas.of_field(field)
    description = schema.pop("description", "")
    return {"description": description, "schema": schema}


class _Schemas:
    """The messages and enums that the paths need, each once."""

    def __init__(self) -> None:
        self.made: dict[str, Document] = {}

    def reference(self, described: Descriptor | EnumDescriptor) -> Document:
        """Where the schema of a message or an enum is."""
        name = described.full_name.removeprefix(f"{described.file.package}.")
        if name not in self.made:
            self.made[name] = {}  # Messages may hold themselves.
            self.made[name] = (
                self._enum(described)
                if isinstance(described, EnumDescriptor)
                else self._message(described)
            )
        return {"$ref": f"#/components/schemas/{name}"}

    def of_field(self, field: FieldDescriptor) -> Document:
        """What a field holds."""
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            value = self.of_field(field.message_type.fields_by_name["value"])
            schema: Document = {"type": "object", "additionalProperties": value}
        elif field.is_repeated:
            schema = {"type": "array", "items": self._single(field)}
        else:
            schema = self._single(field)
        if text := _comment(field):
            schema["description"] = text
        if field.GetOptions().Extensions[_PRIVACY] == options_pb2.PRIVACY_SECRET:
            schema["format"] = "password"
        if field.name in VALUES and not field.is_repeated:
            schema["examples"] = [VALUES[field.name]]
        return schema

    def _single(self, field: FieldDescriptor) -> Document:
        if field.message_type is not None:
            if field.message_type.full_name == FieldMask.DESCRIPTOR.full_name:
                # Protobuf's JSON mapping of it.
                return {"type": "string", "pattern": "^[A-Za-z]*(,[A-Za-z]+)*$"}
            return self.reference(field.message_type)
        if field.enum_type is not None:
            return self.reference(field.enum_type)
        if field.type == FieldDescriptor.TYPE_STRING:
            return {"type": "string"}
        if field.type == FieldDescriptor.TYPE_BYTES:
            return {"type": "string", "contentEncoding": "base64"}
        if field.type == FieldDescriptor.TYPE_BOOL:
            return {"type": "boolean"}
        if field.type in _INT64_TYPES:
            sign = "" if field.type in _UNSIGNED_TYPES else "-?"
            return {"type": "string", "pattern": f"^{sign}[0-9]{{1,20}}$"}
        if field.type in (FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT):
            # JSON has no other way to say these.
            return {"anyOf": [{"type": "number"}, {"enum": ["NaN", "Infinity", "-Infinity"]}]}
        assert field.type in (FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_UINT32), field.name
        unsigned = field.type in _UNSIGNED_TYPES
        least, most = (0, 2**32 - 1) if unsigned else (-(2**31), 2**31 - 1)
        return {"type": "integer", "minimum": least, "maximum": most}

    def _message(self, message: Any) -> Document:
        fields = {field.json_name: self.of_field(field) for field in message.fields}
        choices = [
            f"At most one of {', '.join(field.json_name for field in oneof.fields)}."
            for oneof in message.oneofs
            if len(oneof.fields) > 1
        ]
        return {
            "type": "object",
            "description": " ".join((_comment(message), *choices)),
            "properties": fields,
            "additionalProperties": False,
        }

    def _enum(self, enum: Any) -> Document:
        comments = comments_of(enum.file.name)
        lines = (
            f"* `{value.name}`: {comments.get(f'{enum.full_name}.{value.name}', '')}"
            for value in enum.values
        )
        return {
            "type": "string",
            "description": "\n".join((_comment(enum), "", *lines)),
            "enum": [value.name for value in enum.values],
        }


def _comment(described: Any) -> str:
    """What the protos say of a declaration; empty for what is not ours."""
    service = getattr(described, "containing_service", None)
    file = service.file if service is not None else described.file
    if not file.name.startswith("xache/"):
        return ""
    return comments_of(file.name).get(described.full_name, "")


_PROBLEM: Final[Document] = {
    "type": "object",
    "description": "A refusal, as RFC 9457 writes it.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "description": "`urn:xache:reason:` and the reason."},
        "title": {"type": "string", "description": "The HTTP status in words."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "detail": {"type": "string", "description": "What is wrong, for people."},
        "code": {"type": "string", "description": "The code that gRPC has for it."},
        "reason": {"type": "string", "description": "What is wrong, for programs."},
        "facts": {
            "type": "object",
            "description": "What was given, what is allowed.",
            "additionalProperties": {"type": "string"},
        },
        "retryAfterMs": {
            "type": "integer",
            "description": "When another try may help. Without it none does.",
        },
    },
}

_SECURITY_SCHEMES: Final[Document] = {
    "session": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The access token of Login, CompleteLogin or Refresh.",
    },
    "signature": {
        "type": "apiKey",
        "in": "header",
        "name": "authorization",
        "description": (
            "`XACHE-ED25519 <key id>:<Unix time in ms>:<nonce>:<signature>`. Signed are six lines: "
            "the scheme, the key id, verb and target (`GET /api/wallet/balance?x=1`), the SHA-256 "
            "of the body in hexadecimal, the time and the nonce."
        ),
    },
}

_IDEMPOTENCY_KEY: Final[Document] = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": (
        "Makes a repeat safe: 1 to 36 of A-Z a-z 0-9 . _ -; the same as the field `requestId`, or "
        "`clientOrderId` where there is no such field."
    ),
    "schema": {"type": "string"},
}

_LAST_EVENT_ID: Final[Document] = {
    "name": "Last-Event-ID",
    "in": "header",
    "description": "Go on after this event; browsers send it by themselves.",
    "schema": {"type": "string", "pattern": "^[0-9]{1,19}$"},
}
