"""Bytes of the journal: every message as ``[type code, version, fields...]`` in msgpack.

Theory of operation. A :class:`Codec` is built once from an explicit table of classes. For each it
works out from the annotations what types each field may have, as written and as read. Encoding
and decoding compare the *shape* of a value (the types of its fields) with those seen before, so
that full checking costs one set look-up; only a new shape is looked at field by field.

Strict on both sides, because what was written wrongly stays wrong for ever: a float, a bool for
an int, a missing field, an unknown code or a trailing byte is a :class:`CodecError`. Whole numbers
of more than 64 bits are an extension type. A field marked personal takes :class:`Sealed` only.

How messages grow: a class that needs another field gets it at the end, the next version in
:data:`TYPES`, and an upcaster in :data:`UPCASTERS` that turns the fields of the old version into
those of the next. Codes are never used again.
"""

from __future__ import annotations

import enum
import itertools
import operator
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NewType, TypeAlias

import attrs
import msgpack

from xached.domain import compliance_messages as cm
from xached.domain import disconnect_messages as dm
from xached.domain import list_messages as li
from xached.domain import market_messages as mm
from xached.domain import messages as m
from xached.domain import protection_messages as pm
from xached.domain import waiting_messages as w
from xached.domain.instrument import Asset, Instrument
from xached.domain.messages import Command, Event
from xached.domain.order import CancelScope, Leg, Trigger
from xached.domain.risk_bounds import RiskBounds, RiskMark
from xached.domain.sealed import PERSONAL, Sealed

Fields: TypeAlias = tuple[Any, ...]
Upcaster: TypeAlias = Callable[[Fields], Fields]
"""Turns the fields of one version into those of the next, both as read: numbers and texts."""

EXT_INTEGER: Final = 1
INTEGER_BYTES_MAX: Final = 64
_INT64_MIN, _UINT64_MAX = -(2**63), 2**64 - 1
_BUFFER_BYTES = 4096


class CodecError(Exception):
    """These bytes are no message, or this message cannot be written."""


class Kind(enum.Enum):
    """What a class is in the journal."""

    COMMAND = "command"
    EVENT = "event"
    VALUE = "value"
    """Only inside of others."""


@attrs.frozen
class Typed:
    """A line of the table: a class and how it is written."""

    code: int
    version: int
    kind: Kind
    cls: type


TYPES: Final = (
    Typed(1, 2, Kind.COMMAND, m.PlaceOrder),
    Typed(2, 1, Kind.COMMAND, m.CancelOrder),
    Typed(3, 2, Kind.COMMAND, m.CancelAll),
    Typed(4, 1, Kind.COMMAND, m.ListAsset),
    Typed(5, 2, Kind.COMMAND, m.ListInstrument),
    Typed(6, 1, Kind.COMMAND, m.SetMarketState),
    Typed(7, 1, Kind.COMMAND, m.SetMark),
    Typed(8, 1, Kind.COMMAND, m.OpenPurse),
    Typed(9, 1, Kind.COMMAND, m.FreezePurse),
    Typed(10, 1, Kind.COMMAND, m.SetRiskLimits),
    Typed(11, 1, Kind.COMMAND, m.SetHalt),
    Typed(12, 1, Kind.COMMAND, m.Deposit),
    Typed(13, 1, Kind.COMMAND, m.AdvanceClock),
    Typed(14, 1, Kind.COMMAND, m.ExpireOrder),
    Typed(20, 1, Kind.COMMAND, w.LookAtPrices),
    Typed(21, 1, Kind.COMMAND, w.StartTriggered),
    Typed(22, 1, Kind.COMMAND, li.PlaceList),
    Typed(23, 1, Kind.COMMAND, li.FollowList),
    Typed(50, 1, Kind.COMMAND, m.SetRiskState),
    Typed(51, 1, Kind.COMMAND, m.SetRiskBounds),
    Typed(30, 1, Kind.COMMAND, m.AmendOrder),
    Typed(31, 1, Kind.COMMAND, m.ReplaceOrder),
    Typed(32, 1, Kind.COMMAND, pm.CancelAllAfter),
    Typed(33, 1, Kind.COMMAND, pm.FireDeadMan),
    Typed(34, 1, Kind.COMMAND, pm.TrimReduceOnly),
    Typed(35, 1, Kind.COMMAND, dm.ArmDisconnect),
    Typed(36, 1, Kind.COMMAND, dm.Disconnect),
    Typed(37, 1, Kind.COMMAND, pm.Flatten),
    Typed(38, 1, Kind.COMMAND, pm.SellPosition),
    Typed(39, 1, Kind.COMMAND, pm.SetTradeGroup),
    Typed(52, 2, Kind.COMMAND, m.MarkRisk),
    Typed(40, 1, Kind.COMMAND, mm.ChangeInstrument),
    Typed(41, 1, Kind.COMMAND, mm.DelistInstrument),
    Typed(42, 1, Kind.COMMAND, mm.DelistAsset),
    Typed(43, 1, Kind.COMMAND, mm.EndDelisted),
    Typed(44, 1, Kind.COMMAND, mm.OpenSubaccount),
    Typed(45, 1, Kind.COMMAND, mm.TransferFunds),
    Typed(46, 1, Kind.COMMAND, mm.SetFeeTiers),
    Typed(47, 1, Kind.COMMAND, mm.MoveMarketOn),
    Typed(60, 1, Kind.COMMAND, cm.SetLevelLimits),
    Typed(61, 1, Kind.COMMAND, cm.SetAccountLevel),
    Typed(62, 1, Kind.COMMAND, cm.PublishDisclosure),
    Typed(63, 1, Kind.COMMAND, cm.RetireDisclosure),
    Typed(64, 1, Kind.COMMAND, cm.AcceptDisclosure),
    Typed(65, 1, Kind.COMMAND, cm.CloseAccount),
    Typed(100, 1, Kind.EVENT, m.AssetListed),
    Typed(101, 2, Kind.EVENT, m.InstrumentListed),
    Typed(102, 2, Kind.EVENT, m.MarketStateSet),
    Typed(103, 2, Kind.EVENT, m.MarkSet),
    Typed(104, 1, Kind.EVENT, m.PurseOpened),
    Typed(105, 1, Kind.EVENT, m.PurseFrozen),
    Typed(106, 1, Kind.EVENT, m.RiskLimitsSet),
    Typed(107, 1, Kind.EVENT, m.HaltSet),
    Typed(108, 1, Kind.EVENT, m.Deposited),
    Typed(109, 2, Kind.EVENT, m.OrderAccepted),
    Typed(110, 2, Kind.EVENT, m.Traded),
    Typed(111, 2, Kind.EVENT, m.MatchPrevented),
    Typed(112, 2, Kind.EVENT, m.OrderRested),
    Typed(113, 1, Kind.EVENT, m.OrderEnded),
    Typed(114, 1, Kind.EVENT, m.ClockAdvanced),
    Typed(120, 1, Kind.EVENT, w.OrderParked),
    Typed(121, 1, Kind.EVENT, w.StopMoved),
    Typed(122, 1, Kind.EVENT, w.OrderTriggered),
    Typed(123, 1, Kind.EVENT, w.PricesSeen),
    Typed(124, 1, Kind.EVENT, w.OrderStarted),
    Typed(125, 1, Kind.EVENT, li.ListAccepted),
    Typed(126, 1, Kind.EVENT, li.HoldMoved),
    Typed(127, 1, Kind.EVENT, li.OrderResized),
    Typed(128, 1, Kind.EVENT, li.ChildActivated),
    Typed(129, 1, Kind.EVENT, li.ListFollowed),
    Typed(150, 1, Kind.EVENT, m.RiskStateSet),
    Typed(151, 1, Kind.EVENT, m.RiskBoundsSet),
    Typed(130, 1, Kind.EVENT, m.OrderReduced),
    Typed(131, 1, Kind.EVENT, m.SliceShown),
    Typed(132, 1, Kind.EVENT, pm.DeadManSet),
    Typed(133, 1, Kind.EVENT, pm.DeadManFired),
    Typed(134, 1, Kind.EVENT, pm.FlattenStarted),
    Typed(135, 1, Kind.EVENT, dm.DisconnectArmed),
    Typed(136, 1, Kind.EVENT, dm.Disconnected),
    Typed(137, 1, Kind.EVENT, pm.PositionSold),
    Typed(138, 1, Kind.EVENT, pm.TradeGroupSet),
    Typed(139, 1, Kind.EVENT, pm.SelfTransferred),
    Typed(152, 1, Kind.EVENT, m.RiskMarked),
    Typed(140, 1, Kind.EVENT, mm.InstrumentChanged),
    Typed(141, 1, Kind.EVENT, mm.InstrumentDelisted),
    Typed(142, 1, Kind.EVENT, mm.AssetDelisted),
    Typed(143, 1, Kind.EVENT, mm.Transferred),
    Typed(144, 1, Kind.EVENT, mm.FeeTiersSet),
    Typed(160, 1, Kind.EVENT, cm.LevelLimitsSet),
    Typed(161, 1, Kind.EVENT, cm.AccountLevelSet),
    Typed(162, 1, Kind.EVENT, cm.DisclosurePublished),
    Typed(163, 1, Kind.EVENT, cm.DisclosureRetired),
    Typed(164, 1, Kind.EVENT, cm.DisclosureAccepted),
    Typed(165, 1, Kind.EVENT, cm.FundsForfeited),
    Typed(166, 1, Kind.EVENT, cm.AccountClosed),
    Typed(200, 1, Kind.VALUE, Asset),
    Typed(201, 2, Kind.VALUE, Instrument),
    Typed(202, 1, Kind.VALUE, Sealed),
    Typed(203, 1, Kind.VALUE, Trigger),
    Typed(230, 1, Kind.VALUE, mm.PositionMoved),
    Typed(231, 1, Kind.VALUE, mm.FeeTier),
    Typed(204, 1, Kind.VALUE, Leg),
    Typed(210, 1, Kind.VALUE, li.ListLeg),
    Typed(240, 1, Kind.VALUE, RiskBounds),
    Typed(241, 1, Kind.VALUE, RiskMark),
    Typed(250, 1, Kind.VALUE, cm.LevelLimits),
    Typed(251, 1, Kind.VALUE, cm.Disclosure),
)


def _grown_by(*neutral: object) -> Upcaster:
    """Give the fields that a version has added the values that change nothing."""
    return lambda fields: (*fields, *neutral)


UPCASTERS: Final[Mapping[tuple[int, int], Upcaster]] = {
    (1, 1): _grown_by(None, None, False, False),
    (3, 1): _grown_by(CancelScope.ALL.value),
    (52, 1): _grown_by(None),
    (109, 1): _grown_by(None, None, False, False, None, None),
    (5, 1): _grown_by(),  # The instrument inside has grown.
    (101, 1): _grown_by(),
    (102, 1): _grown_by(None),
    (103, 1): _grown_by(None, None),
    (110, 1): _grown_by(False),
    (201, 1): _grown_by(None, 1_000, 1_000, None, 1, 10_000, None, 0, 0, 0, 0, False),
    (111, 1): _grown_by(0, 0),
    (112, 1): _grown_by(0),
}
"""By (code, old version)."""


def pack_integer(number: object) -> msgpack.ExtType:
    """What msgpack's ``default`` does with an int of more than 64 bits; refuses all else."""
    if type(number) is not int:
        raise CodecError(f"{type(number).__name__} cannot be written")
    length = _bytes_of(number)
    if length > INTEGER_BYTES_MAX:
        raise CodecError(f"a number of {length} bytes is too large")
    return msgpack.ExtType(EXT_INTEGER, number.to_bytes(length, "big", signed=True))


def unpack_integer(code: int, data: bytes) -> int:
    """What msgpack's ``ext_hook`` does: the reverse of :func:`pack_integer`."""
    if code != EXT_INTEGER or not 0 < len(data) <= INTEGER_BYTES_MAX:
        raise CodecError(f"unknown extension type {code}")
    number = int.from_bytes(data, "big", signed=True)
    if _INT64_MIN <= number <= _UINT64_MAX or len(data) != _bytes_of(number):
        raise CodecError("a number was not written in the shortest way")
    return number


@attrs.frozen
class _Field:
    """What one field may be. ``written`` and ``read`` are the exact types of its values."""

    name: str
    written: frozenset[type]
    read: frozenset[type]
    check: Callable[[Any], None] | None
    """Looks deeper than the type before writing; raises CodecError."""
    restore: Callable[[Any], Any] | None
    """Turns what was read into the value; raises CodecError, or KeyError for an enum."""


@attrs.define(eq=False)
class _Class:
    """Everything precomputed for one class."""

    typed: Typed
    fields: tuple[_Field, ...]
    values_of: Callable[[Any], Fields]
    build: Callable[[Sequence[Any]], Any]
    prefix: tuple[int, int]
    checks: tuple[tuple[int, Callable[[Any], None]], ...]
    restores: tuple[tuple[int, Callable[[Any], Any]], ...]
    neutral: tuple[Any, ...]
    """Defaults of the fields that later versions added, the last first."""
    written_shapes: set[tuple[type, ...]] = attrs.field(factory=set)
    read_shapes: set[tuple[type, ...]] = attrs.field(factory=set)

    def admit(self, shape: tuple[type, ...], *, written: bool) -> None:
        """Remember a shape that is right. Raises: CodecError naming the field that is not."""
        if len(shape) != len(self.fields):
            raise CodecError(
                f"{self.typed.cls.__name__} has {len(self.fields)} fields, not {len(shape)}"
            )
        for field, found in zip(self.fields, shape, strict=True):
            allowed = field.written if written else field.read
            if found not in allowed:
                raise CodecError(
                    f"{self.typed.cls.__name__}.{field.name} cannot be {found.__name__}"
                )
        (self.written_shapes if written else self.read_shapes).add(shape)


class Codec:
    """Turns messages into bytes and back, by a table of types. Safe to use from any thread."""

    def __init__(
        self,
        table: Iterable[Typed] = TYPES,
        upcasters: Mapping[tuple[int, int], Upcaster] = UPCASTERS,
    ) -> None:
        self._upcasters = upcasters
        self._by_class: dict[type, _Class] = {}
        self._by_code: dict[int, _Class] = {}
        table = tuple(table)
        self._known: Mapping[type, Typed] = {typed.cls: typed for typed in table}
        for typed in table:
            assert typed.code not in self._by_code, f"code {typed.code} is used twice"
            entry = self._prepare(typed)
            self._by_class[typed.cls] = self._by_code[typed.code] = entry
        for code, version in upcasters:
            assert version < self._by_code[code].typed.version, "upcasters start at old versions"

    def encode_row(self, command: Command, events: tuple[Event, ...], by: str = "") -> bytes:
        """Write what a row says; ``by`` only where somebody else than its purse asked for it.

        Raises: CodecError.
        """
        return self._pack_row(self._plain(command, Kind.COMMAND), events, by)

    def encode_row_and_request(
        self, command: Command, events: tuple[Event, ...], by: str = ""
    ) -> tuple[bytes, bytes]:
        """:meth:`encode_row` and :meth:`encode_request`, looking at the command once."""
        plain = self._plain(command, Kind.COMMAND)
        return self._pack_row(plain, events, by), self._pack_request(plain)

    def decode_row(self, body: bytes) -> tuple[Command, tuple[Event, ...], str]:
        """Read what a row says, and who asked for it. Raises: CodecError."""
        by = ""
        match self._unpack(body):
            case (tuple(command), tuple(events)):
                pass
            case (tuple(command), tuple(events), str(by)) if by:
                pass
            case _:
                raise CodecError("a row is a command and its events")
        return (
            self._message(command, Kind.COMMAND),
            tuple([self._message(event, Kind.EVENT) for event in events]),
            by,
        )

    def decode_events(self, body: bytes) -> tuple[Event, ...]:
        """Read only the events of a row: what a recovery needs. Raises: CodecError."""
        match self._unpack(body):
            case (_, tuple(events)) | (_, tuple(events), _):
                return tuple([self._message(event, Kind.EVENT) for event in events])
            case _:
                raise CodecError("a row is a command and its events")

    def encode(self, message: object) -> bytes:
        """Write one message alone. Raises: CodecError."""
        return self._pack(self._plain(message, self._entry(message).typed.kind))

    def decode(self, data: bytes) -> Any:
        """Read one message alone. Raises: CodecError."""
        plain = self._unpack(data)
        return self._message(plain, None)

    def encode_request(self, command: Command) -> bytes:
        """Write what a request asked for: two are the same request when these bytes are equal.

        The version is left out, so that a retry after an upgrade is still the same request; a
        field that a later version adds is left out too while it has its neutral value: its default.
        """
        return self._pack_request(self._plain(command, Kind.COMMAND))

    # --- writing -----------------------------------------------------------------------------

    def _entry(self, message: object) -> _Class:
        entry = self._by_class.get(type(message))
        if entry is None:
            raise CodecError(f"{type(message).__name__} has no type code")
        return entry

    def _plain(self, message: object, kind: Kind) -> Fields:
        entry = self._by_class.get(type(message))
        if entry is None or entry.typed.kind is not kind:
            raise CodecError(f"{type(message).__name__} is no {kind.value} of the journal")
        values = entry.values_of(message)
        shape = tuple(map(type, values))
        if shape not in entry.written_shapes:
            entry.admit(shape, written=True)
        for index, check in entry.checks:
            check(values[index])
        return entry.prefix + values

    def _pack_row(self, command: Fields, events: tuple[Event, ...], by: str) -> bytes:
        told = (command, tuple([self._plain(event, Kind.EVENT) for event in events]))
        return self._pack((*told, by) if by else told)

    def _pack_request(self, command: Fields) -> bytes:
        code, _, *values = command
        for neutral in self._by_code[code].neutral:
            # Compared with its type, as False is not 0 and None is not missing.
            if values[-1] != neutral or type(values[-1]) is not type(neutral):
                break
            values.pop()
        return self._pack((code, *values))

    def _pack(self, plain: Fields) -> bytes:
        # A packer of its own for each call: threads share the codec.
        packer = msgpack.Packer(default=self._pack_other, buf_size=_BUFFER_BYTES)
        try:
            packed: bytes = packer.pack(plain)
        except UnicodeEncodeError:
            raise CodecError("half of a surrogate pair is no text") from None
        return packed

    def _pack_other(self, value: object) -> Any:
        if type(value) is int:
            return pack_integer(value)
        if type(value) is frozenset:
            return sorted(value)
        return self._plain(value, Kind.VALUE)

    # --- reading -----------------------------------------------------------------------------

    def _unpack(self, data: bytes) -> Any:
        try:
            return msgpack.unpackb(
                data, use_list=False, raw=False, strict_map_key=True, ext_hook=unpack_integer
            )
        except (ValueError, msgpack.UnpackException, msgpack.ExtraData) as error:
            raise CodecError(f"not a message: {type(error).__name__}") from error

    def _message(self, plain: Any, kind: Kind | None) -> Any:
        if type(plain) is not tuple or len(plain) < 2:
            raise CodecError("a message is an array of a code, a version and its fields")
        code, version, *rest = plain
        entry = self._by_code.get(code) if type(code) is int else None
        if entry is None:
            raise CodecError(f"unknown type code {code!r}")
        if kind is not None and entry.typed.kind is not kind:
            raise CodecError(f"{entry.typed.cls.__name__} is no {kind.value}")
        if type(version) is not int or version != entry.typed.version:
            rest = list(self._upcast(entry, version, tuple(rest)))
        shape = tuple(map(type, rest))
        if shape not in entry.read_shapes:
            entry.admit(shape, written=False)
        try:
            for index, restore in entry.restores:
                rest[index] = restore(rest[index])
        except KeyError as error:
            raise CodecError(f"{entry.typed.cls.__name__}: no such {error}") from None
        return entry.build(rest)

    def _upcast(self, entry: _Class, version: Any, values: Fields) -> Fields:
        newest = entry.typed.version
        name = entry.typed.cls.__name__
        if type(version) is not int or not 0 < version < newest:
            raise CodecError(f"{name} has version {newest}, not {version!r}")
        for old in range(version, newest):
            upcaster = self._upcasters.get((entry.typed.code, old))
            if upcaster is None:
                raise CodecError(f"nothing reads version {old} of {name}")
            values = upcaster(values)
        return values

    # --- the table ---------------------------------------------------------------------------

    def _prepare(self, typed: Typed) -> _Class:
        hints = typing.get_type_hints(typed.cls)
        fields = tuple(
            self._field(typed, attribute, hints[attribute.name])
            for attribute in attrs.fields(typed.cls)
            if attribute.init
        )
        names = tuple(field.name for field in fields)
        return _Class(
            typed=typed,
            fields=fields,
            values_of=_getter(names),
            build=_builder(typed.cls, names),
            prefix=(typed.code, typed.version),
            checks=tuple((i, f.check) for i, f in enumerate(fields) if f.check is not None),
            restores=tuple((i, f.restore) for i, f in enumerate(fields) if f.restore is not None),
            neutral=_neutral(typed.cls),
        )

    def _field(self, typed: Typed, attribute: attrs.Attribute[Any], hint: Any) -> _Field:
        field = self._rule(f"{typed.cls.__name__}.{attribute.name}", attribute.name, hint)
        personal = attribute.metadata.get(PERSONAL, False)
        if personal and not field.written <= {Sealed, types.NoneType}:
            raise CodecError(f"{typed.cls.__name__}.{attribute.name} is personal: only Sealed")
        return field

    def _rule(self, where: str, name: str, hint: Any) -> _Field:
        """Work out what a field of this annotation may be."""
        if isinstance(hint, NewType):
            return self._rule(where, name, hint.__supertype__)
        if typing.get_origin(hint) in (typing.Union, types.UnionType):
            return self._optional(where, name, typing.get_args(hint))
        if typing.get_origin(hint) is tuple:
            return self._tuple(where, name, typing.get_args(hint))
        if typing.get_origin(hint) is frozenset:
            return self._set(where, name, typing.get_args(hint)[0])
        if hint in (int, str, bool, bytes, types.NoneType):
            return _Field(name, frozenset({hint}), frozenset({hint}), None, None)
        if isinstance(hint, type) and issubclass(hint, enum.IntEnum):
            return _Field(name, frozenset({hint}), frozenset({int}), None, _enum_reader(hint))
        if hint in self._known and self._known[hint].kind is Kind.VALUE:
            return _Field(
                name,
                frozenset({hint}),
                frozenset({tuple}),
                None,
                self._value_reader(hint),
            )
        raise CodecError(f"{where}: nothing is known about writing {hint}")

    def _optional(self, where: str, name: str, options: tuple[Any, ...]) -> _Field:
        others = [option for option in options if option is not types.NoneType]
        if len(others) != 1 or len(options) != 2:
            raise CodecError(f"{where}: of unions only `X | None` can be written")
        inner = self._rule(where, name, others[0])
        return _Field(
            name,
            inner.written | {types.NoneType},
            inner.read | {types.NoneType},
            _unless_none(inner.check),
            _unless_none(inner.restore),
        )

    def _tuple(self, where: str, name: str, items: tuple[Any, ...]) -> _Field:
        repeated = len(items) == 2 and items[1] is Ellipsis
        rules = [self._rule(where, name, item) for item in (items[:1] if repeated else items)]

        def pairs(values: tuple[Any, ...]) -> Iterable[tuple[_Field, Any]]:
            if repeated:
                return ((rules[0], value) for value in values)
            if len(values) != len(rules):
                raise CodecError(f"{where} has {len(rules)} parts, not {len(values)}")
            return zip(rules, values, strict=True)

        def check(values: tuple[Any, ...]) -> None:
            for rule, value in pairs(values):
                if type(value) not in rule.written:
                    raise CodecError(f"{where} cannot hold {type(value).__name__}")
                if rule.check is not None:
                    rule.check(value)

        def restore(values: tuple[Any, ...]) -> tuple[Any, ...]:
            restored = []
            for rule, value in pairs(values):
                if type(value) not in rule.read:
                    raise CodecError(f"{where} cannot hold {type(value).__name__}")
                restored.append(value if rule.restore is None else rule.restore(value))
            return tuple(restored)

        return _Field(name, frozenset({tuple}), frozenset({tuple}), check, restore)

    def _set(self, where: str, name: str, item: Any) -> _Field:
        """A set of enum members: written as their numbers in order, so that equals look equal."""
        if not (isinstance(item, type) and issubclass(item, enum.IntEnum)):
            raise CodecError(f"{where}: of sets only those of enums can be written")
        reader = _enum_reader(item)

        def check(values: frozenset[Any]) -> None:
            if any(type(value) is not item for value in values):
                raise CodecError(f"{where} cannot hold what is no {item.__name__}")

        def restore(values: tuple[Any, ...]) -> frozenset[Any]:
            numbers = [value for value in values if type(value) is int]
            if numbers != sorted(set(numbers)) or len(numbers) != len(values):
                raise CodecError(f"{where} is no set in order")
            return frozenset(reader(value) for value in values)

        return _Field(name, frozenset({frozenset}), frozenset({tuple}), check, restore)

    def _value_reader(self, cls: type) -> Callable[[Any], Any]:
        code = self._known[cls].code

        def read(plain: Fields) -> Any:
            if not plain or plain[0] != code:
                raise CodecError(f"{cls.__name__} was expected")
            return self._message(plain, Kind.VALUE)

        return read


def _bytes_of(number: int) -> int:
    """How many bytes a number needs in two's complement."""
    return ((number if number >= 0 else ~number).bit_length() + 8) // 8


def _neutral(cls: type) -> tuple[Any, ...]:
    defaults = [attribute.default for attribute in attrs.fields(cls) if attribute.init]
    return tuple(itertools.takewhile(lambda each: each is not attrs.NOTHING, reversed(defaults)))


def _getter(names: tuple[str, ...]) -> Callable[[Any], Fields]:
    match names:
        case ():
            return lambda _: ()
        case (name,):
            one = operator.attrgetter(name)
            return lambda message: (one(message),)
        case _:
            return operator.attrgetter(*names)


def _builder(cls: type, names: tuple[str, ...]) -> Callable[[Sequence[Any]], Any]:
    """Make objects from their fields, in order: most of the time of a recovery."""
    if any(attribute.kw_only for attribute in attrs.fields(cls)):
        return lambda values: cls(**dict(zip(names, values, strict=True)))
    return lambda values: cls(*values)


def _enum_reader(cls: type[enum.IntEnum]) -> Callable[[Any], Any]:
    return {member.value: member for member in cls}.__getitem__


def _unless_none(function: Callable[[Any], Any] | None) -> Callable[[Any], Any] | None:
    if function is None:
        return None
    known = function

    def applied(value: Any) -> Any:
        return None if value is None else known(value)

    return applied


CODEC: Final = Codec()
"""The house's own."""
