"""REST as the protos declare it: which request means which method, and JSON for its messages.

The rules are those of ``google.api.http``: a verb, a path whose segments may be fields, and a body
that is either the whole request message or nothing; without a body, other fields are parameters of
the query. JSON is the mapping of proto3: names in lowerCamelCase (those of the proto are taken
too), 64-bit integers and amounts as strings, bytes in base64, enums by name. Fields that are not
set are written with their default.

https://protobuf.dev/programming-guides/json/
https://github.com/googleapis/googleapis/blob/master/google/api/http.proto
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, NoReturn
from urllib.parse import parse_qsl

import attrs
from google.api import annotations_pb2
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message

from xached.api.errors import StatusError, malformed
from xached.api.routes import Route, RouteError

VERBS: Final = ("get", "post", "put", "delete", "patch")
PARAMETERS_MAX: Final = 64
DEPTH_MAX: Final = 32
"""How deep JSON may be nested; the deepest request of the API needs a handful."""

# Extensions have no type in the generated stub.
_HTTP: Any = annotations_pb2.http
_FIELD = re.compile(r"\{([a-z][a-z0-9_]*)\}", re.ASCII)
_NAMED = re.compile(r'(?:parse|field named) "?([A-Za-z_][A-Za-z0-9_.]{0,63})', re.ASCII)


@attrs.frozen(eq=False)
class RestRoute:
    """One method as REST reaches it."""

    verb: str
    template: str
    route: Route
    takes_body: bool

    @property
    def method(self) -> MethodDescriptor:
        """What the protos say of it."""
        return self.route.descriptor

    @property
    def path_fields(self) -> tuple[str, ...]:
        """The request's fields that are in the path."""
        return tuple(_FIELD.findall(self.template))

    def read(self, captured: Mapping[str, str], query: str, body: bytes) -> Message:
        """The request message. Raises: StatusError INVALID_ARGUMENT."""
        message = self.route.parse(b"")
        fields: dict[str, Any] = {}
        if self.takes_body:
            if query:
                raise malformed("this takes no query: its fields are in the body")
            fields = _read_object(body, self.method.input_type)
        else:
            if body:
                raise malformed("this takes no body: its fields are in the query")
            fields = _read_query(query, self.method.input_type)
        for name in captured:
            if name in fields or _camel(name) in fields:
                _refuse(self.method.input_type, name, "in the path alone")
        fill(message, {**fields, **captured})
        return message


class RestTable:
    """Finds the method that a request means.

    Raises: RouteError where two methods have one path, or a path names what is no field.
    """

    def __init__(self, routes: Iterable[Route]) -> None:
        self._all: list[RestRoute] = []
        self._plain: dict[str, dict[str, RestRoute]] = {}
        self._patterns: dict[str, tuple[re.Pattern[str], dict[str, RestRoute]]] = {}
        for route in routes:
            found = _rest_route(route)
            if found is not None:
                self._add(found)

    @property
    def routes(self) -> tuple[RestRoute, ...]:
        """All of them, in the order of the services."""
        return tuple(self._all)

    def verbs(self, path: str) -> Mapping[str, RestRoute]:
        """What can be done with a path, by verb; empty where there is nothing under it."""
        plain = self._plain.get(path)
        if plain is not None:
            return plain
        found: dict[str, RestRoute] = {}
        for pattern, by_verb in self._patterns.values():
            if pattern.fullmatch(path):
                found.update(by_verb)
        return found

    def captured(self, route: RestRoute, path: str) -> Mapping[str, str]:
        """The fields that are in a path."""
        if route.template in self._plain:
            return {}
        pattern, _ = self._patterns[route.template]
        found = pattern.fullmatch(path)
        assert found is not None, (route.template, path)
        return found.groupdict()

    def _add(self, route: RestRoute) -> None:
        self._all.append(route)
        by_verb: dict[str, RestRoute]
        if route.path_fields:
            pattern = "/".join(map(_segment, route.template.split("/")))
            _, by_verb = self._patterns.setdefault(route.template, (re.compile(pattern), {}))
        else:
            by_verb = self._plain.setdefault(route.template, {})
        if route.verb in by_verb:
            raise RouteError(f"{route.verb} {route.template} is two methods")
        by_verb[route.verb] = route


def fill(message: Message, fields: Mapping[str, Any]) -> None:
    """Write JSON into a message. Raises: StatusError INVALID_ARGUMENT.

    What is wrong is named by its field; a value is not repeated, for it may be a secret.
    """
    try:
        json_format.ParseDict(dict(fields), message, max_recursion_depth=DEPTH_MAX)
    except json_format.ParseError as error:
        _refuse(message.DESCRIPTOR, _path_in(str(error), message.DESCRIPTOR))
    except (ValueError, TypeError, OverflowError):
        # Such as half of a surrogate pair, which no message can hold.
        _refuse(message.DESCRIPTOR, "")


def read_json(body: bytes) -> Any:
    """What a body says. Raises: ValueError where it is no JSON, or one with two meanings."""
    try:
        return json.loads(body, object_pairs_hook=_unique, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def write_json(message: Message) -> bytes:
    """A message as JSON."""
    document = json_format.MessageToDict(message, always_print_fields_with_no_presence=True)
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _segment(segment: str) -> str:
    field = _FIELD.fullmatch(segment)
    return re.escape(segment) if field is None else f"(?P<{field[1]}>[^/]+)"


def _rest_route(route: Route) -> RestRoute | None:
    options = route.descriptor.GetOptions()
    if not options.HasExtension(_HTTP):
        return None
    rule = options.Extensions[_HTTP]
    verb = rule.WhichOneof("pattern")
    name = route.descriptor.full_name
    if verb not in VERBS or rule.additional_bindings or rule.response_body:
        raise RouteError(f"{name}: its rule for HTTP is of a kind that is not served")
    if rule.body not in ("", "*") or (rule.body == "*") != (verb in ("post", "put", "patch")):
        raise RouteError(f"{name}: a body is the whole message, and {verb} has one or none")
    if route.request_streaming:
        raise RouteError(f"{name} takes a stream of requests: it cannot be REST")
    template: str = getattr(rule, verb)
    for field in _FIELD.findall(template):
        found = route.descriptor.input_type.fields_by_name.get(field)
        if found is None or found.type != FieldDescriptor.TYPE_STRING or found.is_repeated:
            raise RouteError(f"{name}: {field} is no string field of its request")
    return RestRoute(verb.upper(), template, route, rule.body == "*")


def _read_object(body: bytes, descriptor: Descriptor) -> dict[str, Any]:
    if not body:
        return {}
    try:
        document = read_json(body)
    except ValueError:
        raise malformed("the body is no JSON") from None
    if not isinstance(document, dict):
        raise malformed(f"the body is no {descriptor.name} in JSON: an object is needed")
    return document


def _read_query(query: str, descriptor: Descriptor) -> dict[str, Any]:
    try:
        pairs = parse_qsl(
            query,
            keep_blank_values=True,
            strict_parsing=bool(query),
            errors="strict",
            max_num_fields=PARAMETERS_MAX,
        )
    except ValueError:
        raise malformed("the query cannot be read") from None
    fields: dict[str, Any] = {}
    for name, value in pairs:
        _place(fields, descriptor, name, value)
    return fields


def _place(fields: dict[str, Any], descriptor: Descriptor, name: str, value: str) -> None:
    """Write one parameter of a query into what becomes a message."""
    *outer, last = name.split(".")
    message = descriptor
    for part in outer:
        field = _field(message, part)
        if field is None or field.message_type is None or field.is_repeated:
            _refuse(descriptor, name)
        message = field.message_type
        fields = fields.setdefault(field.name, {})
    field = _field(message, last)
    if field is None or field.message_type is not None:
        _refuse(descriptor, name)
    given: Any = value
    if field.type == FieldDescriptor.TYPE_BOOL:
        if value not in ("true", "false"):
            _refuse(descriptor, name)
        given = value == "true"
    if field.is_repeated:
        fields.setdefault(field.name, []).append(given)
    elif field.name in fields:
        _refuse(descriptor, name, "once")
    else:
        fields[field.name] = given


def _field(message: Descriptor, name: str) -> FieldDescriptor | None:
    found: FieldDescriptor | None = message.fields_by_name.get(name)
    return found or message.fields_by_camelcase_name.get(name)


def _path_in(text: str, descriptor: Any) -> str:
    """The field that an error of the parser is about, such as ``terms.settings``.

    Behind the first name only those of the proto are taken: the text repeats values too.
    """
    names: list[str] = []
    within = descriptor
    for found in _NAMED.finditer(text):
        field = _field(within, found[1]) if within is not None else None
        if field is None and names:
            break
        names.append(found[1])
        within = field.message_type if field is not None else None
    return ".".join(names)


def _refuse(descriptor: Any, name: str, allowed: str = "") -> NoReturn:
    # One class in the stubs, another in the implementation.
    error = malformed(f"this is no {descriptor.name}")
    known = name and all(part.replace("_", "").isalnum() for part in name.split("."))
    facts = {"field": name, "allowed": allowed or _allowed(descriptor, name)} if known else {}
    raise StatusError(error.code, error.reason, error.message, facts)


def _allowed(descriptor: Any, name: str) -> str:
    """What may be said of a field; of one that there is none, which there are."""
    field: FieldDescriptor | None = None
    message = descriptor
    for part in name.split("."):
        field = _field(message, part) if message is not None else None
        if field is None and message is None:
            return "a field without parts"
        if field is None:
            return f"a field of {', '.join(each.camelcase_name for each in message.fields)}"
        message = field.message_type
    assert field is not None, "a name has a part"
    one = _allowed_value(field)
    return f"a list, each {one}" if field.is_repeated else one


def _allowed_value(field: FieldDescriptor) -> str:
    """What one value of a field may be."""
    if field.message_type is not None:
        return "an object" if field.message_type.fields else "an empty object"
    if field.enum_type is not None:
        return ", ".join(each.name for each in field.enum_type.values if each.number)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return "text in base64"
    return _NUMBERS.get(field.cpp_type, "text, in quotes where it is JSON")


_NUMBERS: Final[Mapping[int, str]] = {
    FieldDescriptor.CPPTYPE_BOOL: "true or false",
    FieldDescriptor.CPPTYPE_UINT32: f"a whole number up to {2**32 - 1}",
    FieldDescriptor.CPPTYPE_UINT64: f"a whole number up to {2**64 - 1}",
    FieldDescriptor.CPPTYPE_INT32: f"a whole number from {-(2**31)} to {2**31 - 1}",
    FieldDescriptor.CPPTYPE_INT64: f"a whole number from {-(2**63)} to {2**63 - 1}",
}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a name is given twice")
    return fields


def _no_constant(_name: str) -> NoReturn:
    raise ValueError("NaN and infinities are not JSON")
