"""Bytes that must last: golden files, round trips, and everything that is refused."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any, get_args, get_type_hints

import attrs
import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.storage.examples import EARLIER, EXAMPLES, TRAIL
from tests.storage.house import INSTRUMENT, House
from xached.domain import messages as m
from xached.domain.instrument import Asset
from xached.domain.order import OrderId, Purse, Side
from xached.domain.sealed import Sealed, personal_field
from xached.storage.codec import (
    CODEC,
    TYPES,
    Codec,
    CodecError,
    Fields,
    Kind,
    Typed,
    unpack_integer,
)

GOLDEN = Path(__file__).parent.parent / "golden" / "journal"

BY_CLASS = {typed.cls: typed for typed in TYPES}


def golden_path(message: object) -> Path:
    typed = BY_CLASS[type(message)]
    return GOLDEN / f"{typed.code:03d}-{typed.cls.__name__}.{typed.version}.hex"


# --- golden files ----------------------------------------------------------------------------


def test_everything_journaled_has_a_code_and_an_example() -> None:
    assert {typed.cls for typed in TYPES if typed.kind is Kind.COMMAND} == set(get_args(m.Command))
    assert {typed.cls for typed in TYPES if typed.kind is Kind.EVENT} == set(get_args(m.Event))
    assert {type(example) for example in EXAMPLES} == set(BY_CLASS)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: type(example).__name__)
def test_bytes_are_those_of_the_golden_file(example: object) -> None:
    """A golden file is never changed. A new version of a class gets one more.

    The file of a new class is written by the first run, to be looked at and committed.
    """
    path = golden_path(example)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(CODEC.encode(example).hex() + "\n", encoding="ascii")
        pytest.fail(f"{path.name} was missing and has been written")
    assert CODEC.encode(example) == bytes.fromhex(path.read_text(encoding="ascii"))


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.hex")), ids=lambda path: path.stem)
def test_every_golden_file_can_be_read_for_ever(path: Path) -> None:
    decoded = CODEC.decode(bytes.fromhex(path.read_text(encoding="ascii")))
    assert decoded in EXAMPLES + EARLIER


# --- round trips -----------------------------------------------------------------------------

SCALES = st.integers(0, 24)


def values_of(cls: Any) -> st.SearchStrategy[Any]:
    """Anything the annotations of a class allow; an instrument's scales are in range."""
    hints = get_type_hints(cls)
    return st.builds(
        cls,
        **{
            field.name: SCALES
            if field.name.endswith("_scale")
            else values_of(hints[field.name])
            if attrs.has(hints[field.name])
            else st.from_type(hints[field.name])
            for field in attrs.fields(cls)
            if field.init
        },
    )


@pytest.mark.parametrize("typed", TYPES, ids=lambda typed: typed.cls.__name__)
@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_what_is_written_is_read(typed: Typed, data: st.DataObject) -> None:
    value = data.draw(values_of(typed.cls))
    decoded = CODEC.decode(CODEC.encode(value))
    assert decoded == value
    assert type(decoded) is type(value)


@given(st.integers(-(2**511), 2**511 - 1))
def test_amounts_of_any_size(units: int) -> None:
    event = m.OrderRested(
        order_id=OrderId(1),
        purse=Purse("a/main"),
        symbol=INSTRUMENT.symbol,
        leaves_lots=units,
    )
    assert CODEC.decode(CODEC.encode(event)) == event


def test_rows_of_a_real_house() -> None:
    for row in House(5).rows(500):
        body = CODEC.encode_row(row.command, row.events)
        assert CODEC.decode_row(body) == (row.command, row.events, "")
        assert CODEC.decode_events(body) == row.events


def test_a_request_is_the_same_whatever_version_wrote_it() -> None:
    (command,) = [each for each in EXAMPLES if isinstance(each, m.Deposit)]
    newer = Codec([attrs.evolve(each, version=2) for each in TYPES])
    assert newer.encode(command) != CODEC.encode(command)
    assert newer.encode_request(command) == CODEC.encode_request(command)


def test_a_field_added_later_is_no_part_of_a_request_while_it_says_nothing() -> None:
    """Else a retry after an upgrade would be refused as another request with the same id."""
    plain = EARLIER[0]
    assert isinstance(plain, m.PlaceOrder)
    first = msgpack.unpackb(CODEC.encode_request(plain), ext_hook=unpack_integer)
    assert len(first) == 1 + len(attrs.fields(m.PlaceOrder)) - 4
    others = (
        attrs.evolve(plain, slide=True),
        attrs.evolve(plain, reduce_only=True),
        attrs.evolve(plain, display_lots=0),
        attrs.evolve(plain, trigger=TRAIL),
    )
    assert len({CODEC.encode_request(each) for each in (plain, *others)}) == 5


# --- refusals --------------------------------------------------------------------------------

RESTED = m.OrderRested(
    order_id=OrderId(1), purse=Purse("a/main"), symbol=INSTRUMENT.symbol, leaves_lots=7
)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("leaves_lots", 7.0),
        ("leaves_lots", True),
        ("leaves_lots", "7"),
        ("leaves_lots", None),
        ("leaves_lots", Side.BUY),
        ("leaves_lots", 2**600),
        ("purse", b"a/main"),
        ("purse", "a/\ud800"),
    ],
)
def test_a_field_of_another_type_is_not_written(field: str, value: object) -> None:
    with pytest.raises(CodecError):
        CODEC.encode(attrs.evolve(RESTED, **{field: value}))  # type: ignore[arg-type] # meant


@pytest.mark.parametrize("limits", [(("USDT", 1.5),), (("USDT",),), ((b"USDT", 1),), (7,)])
def test_what_is_inside_of_a_tuple_is_looked_at(limits: Any) -> None:
    event = m.RiskLimitsSet(purse=None, max_open_orders=1, max_order_notional_units=limits)
    with pytest.raises(CodecError):
        CODEC.encode(event)
    plain = msgpack.packb([106, 1, None, 1, limits])
    with pytest.raises(CodecError):
        CODEC.decode(plain)


def test_a_class_without_a_code_is_not_written() -> None:
    with pytest.raises(CodecError, match="int"):
        CODEC.encode(7)
    with pytest.raises(CodecError, match="no event"):
        CODEC.encode_row(m.AdvanceClock(), (m.AdvanceClock(),))  # type: ignore[arg-type] # meant
    with pytest.raises(CodecError, match="no command"):
        CODEC.encode_row(RESTED, ())  # type: ignore[arg-type] # meant


@pytest.mark.parametrize(
    "plain",
    [
        [999, 1, 1, "a/main", "BTC-USDT", 7],
        ["112", 1, 1, "a/main", "BTC-USDT", 7],
        [True, 1, 1, "a/main", "BTC-USDT", 7],
        [112, 2, 1, "a/main", "BTC-USDT", 7],
        [112, 0, 1, "a/main", "BTC-USDT", 7],
        [112, None, 1, "a/main", "BTC-USDT", 7],
        [112, True, 1, "a/main", "BTC-USDT", 7],
        [112, 1.0, 1, "a/main", "BTC-USDT", 7],
        [112, 1, 1, "a/main", "BTC-USDT"],
        [112, 1, 1, "a/main", "BTC-USDT", 7, 8],
        [112, 1, 1, "a/main", "BTC-USDT", 7.0],
        [112, 1, 1, "a/main", "BTC-USDT", True],
        [112, 1, 1, "a/main", None, 7],
        [112, 1, 1, "a/main", "BTC-USDT", {"lots": 7}],
        [112, 1, 1, "a/main", "BTC-USDT", msgpack.ExtType(1, b"\x07")],
        [112, 1, 1, "a/main", "BTC-USDT", msgpack.ExtType(1, b"")],
        [112, 1, 1, "a/main", "BTC-USDT", msgpack.ExtType(2, bytes(32))],
        [112, 1, 1, "a/main", "BTC-USDT", msgpack.ExtType(1, b"\x7f" * 65)],
        [102, 1, "BTC-USDT", 99, ""],
        [100, 1, [201, 1, "USDT", 6]],
        [100, 1, [200, 1, "USDT"]],
        [100, 1, []],
        [112],
        [],
        {},
        7,
        None,
    ],
    ids=repr,
)
def test_what_is_no_message_is_not_read(plain: object) -> None:
    with pytest.raises(CodecError):
        CODEC.decode(msgpack.packb(plain))


def test_who_asked_for_a_row_is_written_only_where_it_was_somebody() -> None:
    plain = CODEC.encode_row(m.AdvanceClock(), (RESTED,))
    directed = CODEC.encode_row(m.AdvanceClock(), (RESTED,), "root")
    assert CODEC.decode_row(plain) == (m.AdvanceClock(), (RESTED,), "")
    assert CODEC.decode_row(directed) == (m.AdvanceClock(), (RESTED,), "root")
    assert CODEC.decode_events(directed) == (RESTED,)
    assert msgpack.unpackb(plain, use_list=False) == msgpack.unpackb(directed, use_list=False)[:2]
    told = msgpack.unpackb(plain, use_list=False)
    for nobody in ("", 5, None, b"root"):
        with pytest.raises(CodecError):
            CODEC.decode_row(msgpack.packb((*told, nobody)))


def test_trailing_bytes_are_not_read_over() -> None:
    data = CODEC.encode(RESTED)
    for wrong in (data + b"\x00", data[:-1], b""):
        with pytest.raises(CodecError):
            CODEC.decode(wrong)
    body = CODEC.encode_row(m.AdvanceClock(), (RESTED,))
    with pytest.raises(CodecError):
        CODEC.decode_row(body + b"\x00")
    with pytest.raises(CodecError):
        CODEC.decode_row(data)


def test_mutated_bytes_are_read_or_refused_and_nothing_else() -> None:
    draw = random.Random(1)
    originals = [CODEC.encode(example) for example in EXAMPLES]
    for _ in range(20_000):
        data = bytearray(draw.choice(originals))
        for _ in range(draw.randrange(1, 4)):
            data[draw.randrange(len(data))] = draw.randrange(256)
        try:
            decoded = CODEC.decode(bytes(data))
        except CodecError:
            continue
        assert CODEC.decode(CODEC.encode(decoded)) == decoded


# --- versions --------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class NoteTaken:
    """A made-up event in its third version: lots became units, then a flag was added."""

    purse: Purse
    amount_units: int
    urgent: bool


def test_old_versions_are_brought_up_step_by_step() -> None:
    def lots_to_units(fields: Fields) -> Fields:
        purse, lots = fields
        return purse, lots * 1_000

    def not_urgent(fields: Fields) -> Fields:
        return (*fields, False)

    table = [Typed(1, 3, Kind.EVENT, NoteTaken)]
    codec = Codec(table, {(1, 1): lots_to_units, (1, 2): not_urgent})
    expected = NoteTaken(purse=Purse("a/main"), amount_units=7_000, urgent=False)
    assert codec.decode(msgpack.packb([1, 1, "a/main", 7])) == expected
    assert codec.decode(msgpack.packb([1, 2, "a/main", 7_000])) == expected
    assert codec.decode(msgpack.packb([1, 3, "a/main", 7_000, False])) == expected
    with pytest.raises(CodecError, match="version"):
        codec.decode(msgpack.packb([1, 4, "a/main", 7_000, False]))
    without = Codec(table, {(1, 1): lots_to_units})
    with pytest.raises(CodecError, match="nothing reads version 2"):
        without.decode(msgpack.packb([1, 1, "a/main", 7]))


# --- personal data ---------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class WithdrawalAsked:
    """A made-up event with a personal field."""

    purse: Purse
    address: Sealed | None = personal_field()  # noqa: RUF009 - attrs' own way to declare one


@attrs.frozen(kw_only=True)
class AddressInClear:
    """A made-up event that would journal personal data as it is."""

    address: str = personal_field()


def test_a_personal_field_is_written_sealed_only() -> None:
    codec = Codec([*TYPES, Typed(99, 1, Kind.EVENT, WithdrawalAsked)])
    sealed = WithdrawalAsked(purse=Purse("a/main"), address=Sealed("compliance-1", b"\x01\x02"))
    assert codec.decode(codec.encode(sealed)) == sealed
    with pytest.raises(CodecError, match="address cannot be str"):
        codec.encode(attrs.evolve(sealed, address="bc1qclear"))  # type: ignore[arg-type] # meant


def test_a_personal_field_cannot_even_be_declared_in_clear() -> None:
    with pytest.raises(CodecError, match=r"AddressInClear\.address is personal"):
        Codec([*TYPES, Typed(99, 1, Kind.EVENT, AddressInClear)])


def test_what_cannot_be_written_is_found_when_the_table_is_made() -> None:
    @attrs.frozen
    class Price:
        price: float

    with pytest.raises(CodecError, match=r"Price\.price: nothing is known"):
        Codec([Typed(1, 1, Kind.VALUE, Price)])
    with pytest.raises(AssertionError, match="used twice"):
        Codec([Typed(1, 1, Kind.VALUE, Asset), Typed(1, 1, Kind.VALUE, Sealed)])
