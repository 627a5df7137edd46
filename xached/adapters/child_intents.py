"""What a strategy's child says: bytes on one side, values of the domain on the other.

What comes from a child is not trusted: every enum, length and count is checked here, and one
mistake is a :class:`ChildViolation` that ends it. Decimal texts are only bounded; the instrument
reads them, so that a wrong step is refused like anybody's.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable
from typing import Final, TypeAlias, TypeVar

import attrs
from google.protobuf.message import DecodeError
from xache_sdk.market import WARM_UP_MAX
from xache_sdk.orders import ID_LENGTH_MAX, TEXT_LENGTH_MAX, TIMER_DELAY_NS_MAX
from xache_sdk.reasons import WEIGHTS_MAX, ModelReason, Reason, Weight
from xache_sdk.seal import Lack, Layer, Sealed
from xache_sdk.signal_values import READINGS_MAX, Reading, SignalValue, check_signal_name
from xache_sdk.state import STATE_BYTES_MAX
from xache_sdk.v1 import plugin_pb2
from xache_sdk.wire import INTENTS_PER_FRAME_MAX, read_signal

from xached.domain.candles import Interval
from xached.domain.instrument import Symbol
from xached.domain.market import Venue
from xached.domain.money import DIGITS_MAX
from xached.domain.order import OrderType, Side, TimeInForce, TriggerSource

SUBSCRIPTIONS_MAX: Final = 64
USES_MAX: Final = 16
"""So many signals a strategy may use."""

AS_OF_NS_MAX: Final = 2**62
BOOK_DEPTH_MAX: Final = 200
"""Levels a side: with the longest numbers there are, a book still fits into a frame."""

NAME_LENGTH_MAX: Final = 40
LOG_LENGTH_MAX: Final = 4_000

Number = TypeVar("Number", bound=enum.IntEnum)

_ID = re.compile(rf"[A-Za-z0-9._-]{{1,{ID_LENGTH_MAX}}}", re.ASCII)


class ChildViolation(Exception):  # noqa: N818 - says who is at fault
    """The child broke the protocol. It is killed; nothing of that message was done."""


class MarketData(enum.IntEnum):
    """What a subscription brings; the numbers are the protocol's."""

    TRADES = 1
    BOOK = 2
    CANDLES = 3


class TriggerKind(enum.IntEnum):
    """What an order waits for; the numbers are the protocol's."""

    STOP = 1
    TAKE_PROFIT = 2
    TRAIL = 3


class Failure(enum.IntEnum):
    """What went wrong in a child; the numbers are the protocol's."""

    IMPORT = 1
    SETTINGS = 2
    CALLBACK = 3
    SANDBOX = 4


@attrs.frozen(kw_only=True)
class Subscription:
    """Market data a strategy wants. ``interval`` for candles, ``depth`` (levels) for books.

    ``forming``: candles also while they change, not only when they are closed. ``warm_up`` counts
    closed candles from before the start.
    """

    symbol: Symbol
    venue: Venue
    data: MarketData
    interval: Interval | None
    depth: int
    forming: bool
    warm_up: int = 0


@attrs.frozen
class Ready:
    """The strategy is imported and its settings are read."""

    subscriptions: tuple[Subscription, ...]
    predicts: bool = True
    """False where it declares that it does not claim to know where prices go."""
    uses: tuple[str, ...] = ()
    """The signals of the house that it uses, by name."""


@attrs.frozen(kw_only=True)
class TriggerTerms:
    """What an order waits for. Amounts are the child's own text, None where there is none."""

    source: TriggerSource
    stop_price: str | None
    trail_bps: int | None
    trail_offset: str | None
    activation_price: str | None


@attrs.frozen(kw_only=True)
class PlaceIntent:
    """A new order. Amounts are the child's own text, None where there is none."""

    id: str
    symbol: Symbol
    side: Side
    type: OrderType
    price: str | None
    quantity: str | None
    quote_quantity: str | None
    time_in_force: TimeInForce
    post_only: bool
    trigger: TriggerTerms | None = None
    reduce_only: bool = False
    slide: bool = False
    display_quantity: str | None = None
    expires_at_ns: int | None = None
    reason: Reason | None = None


@attrs.frozen
class CancelIntent:
    """The end of one order of this run."""

    id: str


@attrs.frozen
class CancelAllIntent:
    """The end of all orders of the purse, or of one market of it."""

    symbol: Symbol | None


@attrs.frozen(kw_only=True)
class AmendIntent:
    """Less of one order of this run. ``quantity`` is the child's own text."""

    id: str
    symbol: Symbol
    quantity: str


@attrs.frozen(kw_only=True)
class ReplaceIntent:
    """One order of this run for another. Amounts are the child's own text, None: as it was."""

    id: str
    new_id: str
    symbol: Symbol
    price: str | None
    quantity: str | None
    trigger_price: str | None
    display_quantity: str | None
    expires_at_ns: int | None
    reason: Reason | None = None


@attrs.frozen
class TimerIntent:
    """A timer; one of the same name is replaced."""

    name: str
    delay_ns: int


@attrs.frozen
class NoteIntent:
    """Something the owner should know."""

    text: str


Intent: TypeAlias = (
    PlaceIntent
    | CancelIntent
    | CancelAllIntent
    | AmendIntent
    | ReplaceIntent
    | TimerIntent
    | NoteIntent
)


@attrs.frozen
class Intents:
    """What the strategy wants, in this order."""

    intents: tuple[Intent, ...]
    input: int = 0
    """How many frames the strategy had been handed when it wanted this."""


@attrs.frozen
class Pong:
    """The answer to a ping."""

    number: int
    input: int = 0
    """How many frames the child had read by then."""


@attrs.frozen
class Log:
    """What a strategy printed."""

    text: str


@attrs.frozen
class Failed:
    """Why the strategy cannot go on."""

    failure: Failure
    message: str


@attrs.frozen
class Save:
    """Something for the next run, in place of what was saved before; a JSON object as text."""

    version: int
    state_json: str
    input: int = 0
    """How many frames the strategy had been handed when it saved this."""


@attrs.frozen
class Readings:
    """What a signal says of one piece of market data."""

    values: tuple[SignalValue, ...]


ChildMessage: TypeAlias = Sealed | Ready | Intents | Readings | Save | Pong | Log | Failed


def read_child_frame(body: bytes) -> ChildMessage:
    """Read what a child wrote. Raises: ChildViolation."""
    try:
        message = plugin_pb2.ChildFrame.FromString(body)
    except DecodeError as error:
        raise ChildViolation(f"a frame that cannot be read: {error}") from None
    match message.WhichOneof("message"):
        case "intents":
            if len(message.intents.intents) > INTENTS_PER_FRAME_MAX:
                raise ChildViolation(f"more than {INTENTS_PER_FRAME_MAX} intents in a frame")
            wanted = tuple(_read_intent(each) for each in message.intents.intents)
            return Intents(wanted, message.input)
        case "save":
            if len(message.save.state_json.encode()) > STATE_BYTES_MAX:
                raise ChildViolation(f"more than {STATE_BYTES_MAX} bytes to save")
            return Save(message.save.version, message.save.state_json, message.input)
        case "pong":
            return Pong(message.pong.number, message.input)
        case "log":
            return Log(_shown(message.log.text, LOG_LENGTH_MAX))
        case "sealed":
            return _read_sealed(message.sealed)
        case "ready":
            subscriptions = message.ready.subscriptions
            if len(subscriptions) > SUBSCRIPTIONS_MAX:
                raise ChildViolation(f"more than {SUBSCRIPTIONS_MAX} subscriptions")
            wanted_data = tuple(_read_subscription(each) for each in subscriptions)
            return Ready(
                wanted_data,
                predicts=not message.ready.predicts_nothing,
                uses=_read_uses(message.ready.uses),
            )
        case "readings":
            if len(message.readings.values) > READINGS_MAX:
                raise ChildViolation(f"more than {READINGS_MAX} readings in a frame")
            return Readings(tuple(map(_read_reading, message.readings.values)))
        case "failed":
            return Failed(
                _number(Failure, message.failed.failure),
                _shown(message.failed.message, LOG_LENGTH_MAX),
            )
        case _:
            raise ChildViolation("a frame without a message")


def _read_sealed(message: plugin_pb2.PluginSealed) -> Sealed:
    most = max(len(message.layers), len(message.lacks))
    if most > len(Layer):
        raise ChildViolation(f"{most} layers of a sandbox")
    return Sealed(
        tuple(_number(Layer, each) for each in message.layers),
        tuple(
            Lack(_number(Layer, each.layer), _shown(each.why, NAME_LENGTH_MAX * 2))
            for each in message.lacks
        ),
    )


def _read_subscription(message: plugin_pb2.PluginSubscription) -> Subscription:
    data = _number(MarketData, message.data)
    interval = None
    if data is MarketData.CANDLES:
        interval = _number(Interval, message.interval_s)
    if message.warm_up > WARM_UP_MAX:
        raise ChildViolation(f"a warm-up of {message.warm_up} candles")
    if data is MarketData.BOOK and not 0 < message.depth <= BOOK_DEPTH_MAX:
        raise ChildViolation(f"a book of {message.depth} levels; 1 to {BOOK_DEPTH_MAX} allowed")
    return Subscription(
        symbol=Symbol(_name(message.symbol)),
        venue=Venue(_name(message.venue)),
        data=data,
        interval=interval,
        depth=message.depth,
        forming=message.forming,
        warm_up=message.warm_up,
    )


def _read_uses(names: Iterable[str]) -> tuple[str, ...]:
    told = tuple(sorted(set(names)))
    if len(told) > USES_MAX:
        raise ChildViolation(f"it uses more than {USES_MAX} signals")
    try:
        return tuple(map(check_signal_name, told))
    except ValueError as error:
        raise ChildViolation(str(error)) from None


def _read_reading(message: plugin_pb2.PluginSignalValue) -> SignalValue:
    value = read_signal(message)
    try:
        Reading(value.value, value.name, value.confidence, value.expires_at_ns - value.as_of_ns)
    except ValueError as error:
        raise ChildViolation(f"a reading that is none: {error}") from None
    if not 0 <= value.as_of_ns <= AS_OF_NS_MAX:
        raise ChildViolation(f"a reading as of {value.as_of_ns} ns")
    return value


def _read_intent(message: plugin_pb2.PluginIntent) -> Intent:
    match message.WhichOneof("intent"):
        case "place":
            return _read_place(message.place)
        case "cancel":
            return CancelIntent(_order_id(message.cancel.id))
        case "cancel_all":
            symbol = message.cancel_all.symbol
            return CancelAllIntent(Symbol(_name(symbol)) if symbol else None)
        case "amend":
            return AmendIntent(
                id=_order_id(message.amend.id),
                symbol=Symbol(_name(message.amend.symbol)),
                quantity=_given(message.amend.quantity),
            )
        case "replace":
            return _read_replace(message.replace)
        case "set_timer":
            timer = message.set_timer
            if not 0 < timer.delay_ns <= TIMER_DELAY_NS_MAX:
                raise ChildViolation(f"a timer of {timer.delay_ns} ns")
            return TimerIntent(_name(timer.name), timer.delay_ns)
        case "note":
            return NoteIntent(_shown(message.note.text, TEXT_LENGTH_MAX))
        case _:
            raise ChildViolation("an intent that wants nothing")


def _read_place(message: plugin_pb2.PluginPlace) -> PlaceIntent:
    waits = message.HasField("trigger")
    order_type = _order_type(message)
    if message.time_in_force == plugin_pb2.PLUGIN_TIME_IN_FORCE_UNSPECIFIED:
        market = order_type is OrderType.MARKET
        time_in_force = TimeInForce.IOC if market else TimeInForce.GTC
    else:
        time_in_force = _number(TimeInForce, message.time_in_force)
    return PlaceIntent(
        id=_order_id(message.id),
        symbol=Symbol(_name(message.symbol)),
        side=_number(Side, message.side),
        type=order_type,
        price=_amount(message.price),
        quantity=_amount(message.quantity),
        quote_quantity=_amount(message.quote_quantity),
        time_in_force=time_in_force,
        post_only=message.post_only,
        trigger=_read_trigger(message.trigger) if waits else None,
        reduce_only=message.reduce_only,
        slide=message.slide,
        display_quantity=_amount(message.display_quantity),
        expires_at_ns=message.expires_at_ns or None,
        reason=_read_reason(message.reason) if message.HasField("reason") else None,
    )


def _order_type(message: plugin_pb2.PluginPlace) -> OrderType:
    """What kind of order it is, by what is given."""
    if not message.HasField("trigger"):
        return OrderType.LIMIT if message.price else OrderType.MARKET
    match _number(TriggerKind, message.trigger.kind):
        case TriggerKind.STOP:
            return OrderType.STOP_LIMIT if message.price else OrderType.STOP
        case TriggerKind.TAKE_PROFIT:
            return OrderType.TAKE_PROFIT_LIMIT if message.price else OrderType.TAKE_PROFIT
        case TriggerKind.TRAIL:
            return OrderType.TRAILING_STOP


def _read_trigger(message: plugin_pb2.PluginTrigger) -> TriggerTerms:
    unsaid = message.source == plugin_pb2.PLUGIN_TRIGGER_SOURCE_UNSPECIFIED
    return TriggerTerms(
        source=TriggerSource.LAST if unsaid else _number(TriggerSource, message.source),
        stop_price=_amount(message.price),
        trail_bps=message.trail_bps or None,
        trail_offset=_amount(message.trail_offset),
        activation_price=_amount(message.activation_price),
    )


def _read_replace(message: plugin_pb2.PluginReplace) -> ReplaceIntent:
    return ReplaceIntent(
        id=_order_id(message.id),
        new_id=_order_id(message.new_id),
        symbol=Symbol(_name(message.symbol)),
        price=_amount(message.price),
        quantity=_amount(message.quantity),
        trigger_price=_amount(message.trigger_price),
        display_quantity=_amount(message.display_quantity),
        expires_at_ns=message.expires_at_ns or None,
        reason=_read_reason(message.reason) if message.HasField("reason") else None,
    )


def _read_reason(message: plugin_pb2.PluginReason) -> Reason:
    """What it says of an order; what it says is shown to its owner, never acted upon."""
    try:
        return Reason(
            rule=message.rule,
            figures={each.name: each.value for each in message.figures},
            model=_read_model(message.model) if message.HasField("model") else None,
        )
    except ValueError as error:
        raise ChildViolation(f"a reason that is none: {error}") from None


def _read_model(message: plugin_pb2.PluginModelReason) -> ModelReason:
    weights = (
        Weight(each.feature, each.value if each.HasField("value") else None, each.added)
        for each in message.weights[: WEIGHTS_MAX + 1]
    )
    return ModelReason(
        digest=message.digest, score=message.score, base=message.base, weights=tuple(weights)
    )


def _number(kind: type[Number], number: int) -> Number:
    try:
        return kind(number)
    except ValueError:
        raise ChildViolation(f"{number} is no {kind.__name__}") from None


def _order_id(text: str) -> str:
    if _ID.fullmatch(text) is None:
        raise ChildViolation(f"an order id of a form that is not allowed: {text[:40]!r}")
    return text


def _name(text: str) -> str:
    if not 0 < len(text) <= NAME_LENGTH_MAX:
        raise ChildViolation(f"a name of {len(text)} characters; 1 to {NAME_LENGTH_MAX} allowed")
    if not text.isprintable():
        raise ChildViolation(f"a name that cannot be printed: {text!r}")
    return text


def _shown(text: str, length: int) -> str:
    """Text for people and logs: nothing in it begins a line or moves a terminal's cursor."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode("ascii")
        for each in text[:length]
    )


def _given(text: str) -> str:
    amount = _amount(text)
    if amount is None:
        raise ChildViolation("a number that is not given")
    return amount


def _amount(text: str) -> str | None:
    if len(text) > DIGITS_MAX + 1:
        raise ChildViolation(f"a number of {len(text)} characters")
    return text or None
