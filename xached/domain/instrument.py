"""A listed market: its steps, its filters and its fees.

Prices are whole ticks, quantities whole lots; one tick of one lot is a whole number of
quote units, so a notional is an exact product and never rounds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NewType, NotRequired, TypedDict, Unpack

import attrs

from xached.domain.money import format_fixed, format_units, parse_decimal
from xached.domain.rejection import Reason, Rejection

Symbol = NewType("Symbol", str)
"""Name of a market, base and quote joined by a dash: BTC-USDT."""

AssetName = NewType("AssetName", str)

SCALE_MAX = 24
PPM = 1_000_000
BPS = 10_000
OPEN_ORDERS_MAX = 1_000
"""Most open orders a limit can allow, so that cancelling all of them is one bounded row."""

BUCKETS_MAX = 1_000
DURATION_MAX_NS = 7 * 24 * 3_600 * 10**9

PAPER_SUFFIX = ".PAPER"

_BAND_DOWN = "bands down are positive and at most the whole price"

_ASSET = re.compile(r"[A-Z0-9]{2,12}(?:\.[A-Z]{2,8})?", re.ASCII)


@attrs.frozen
class Asset:
    """What can be owned. ``scale`` (decimal places of the smallest unit) is fixed for ever."""

    name: AssetName
    scale: int


def is_paper(name: AssetName) -> bool:
    """Whether an asset is play money, which nothing real is exchanged for."""
    return name.endswith(PAPER_SUFFIX)


def check_asset(asset: Asset) -> None:
    """Refuse an asset that could never be listed. Raises: Rejection INSTRUMENT_SPEC."""
    if _ASSET.fullmatch(asset.name) is None or not 0 <= asset.scale <= SCALE_MAX:
        raise Rejection(
            Reason.INSTRUMENT_SPEC,
            "the asset's name or scale is not allowed",
            field="asset",
            given=f"{asset.name[:40]} scale {asset.scale}",
            allowed=f"2 to 12 capital letters or digits, scale 0 to {SCALE_MAX}",
        )


@attrs.frozen(kw_only=True)
class Instrument:
    """A market and its rules.

    The tick is ``tick_step`` at ``price_scale`` decimal places of the quote per whole base;
    a lot is ``lot_units`` smallest units of the base. Limits are inclusive. A band says how far
    above and below the reference price an order of that side may be, in parts per million.

    None is no limit of its own; ``min_market_quantity_lots`` None: that of every order. Of open
    orders, ``max_algo_orders`` may wait for a trigger and ``max_iceberg_orders`` show a part only.
    A MARK older than ``mark_stale_ns`` counts as none. REFERENCE is the average of MARK over
    ``reference_buckets`` buckets of time of ``reference_bucket_ns``; with 0 it is the last price
    that was set. A price band that would be left halts the market for ``volatility_halt_ns`` (0:
    never), then an auction of ``auction_ns`` (0: until the house ends it) opens it again.
    """

    symbol: Symbol
    base: AssetName
    quote: AssetName
    base_scale: int
    quote_scale: int
    price_scale: int
    tick_step: int
    lot_units: int
    min_price_ticks: int
    max_price_ticks: int
    min_quantity_lots: int
    max_quantity_lots: int
    max_market_quantity_lots: int
    min_notional_units: int
    max_notional_units: int
    buy_band_up_ppm: int
    buy_band_down_ppm: int
    sell_band_up_ppm: int
    sell_band_down_ppm: int
    maker_fee_ppm: int
    taker_fee_ppm: int
    max_open_orders: int
    min_market_quantity_lots: int | None = None
    max_algo_orders: int = OPEN_ORDERS_MAX
    max_iceberg_orders: int = OPEN_ORDERS_MAX
    max_position_lots: int | None = None
    min_trail_bps: int = 1
    max_trail_bps: int = BPS
    mark_stale_ns: int | None = None
    reference_bucket_ns: int = 0
    reference_buckets: int = 0
    auction_ns: int = 0
    volatility_halt_ns: int = 0
    opening_auction: bool = False
    """Whether the market begins with an auction once it has a reference price."""
    tick_lot_units: int = attrs.field(init=False)
    """Quote units of one tick of one lot."""

    lowest_market_lots: int = attrs.field(init=False)
    """The smallest quantity of a market order."""

    def __attrs_post_init__(self) -> None:
        own = self.min_market_quantity_lots
        object.__setattr__(
            self, "lowest_market_lots", self.min_quantity_lots if own is None else own
        )
        product = self.tick_step * self.lot_units * 10**self.quote_scale
        object.__setattr__(
            self, "tick_lot_units", product // 10 ** (self.price_scale + self.base_scale)
        )

    def check(self) -> None:
        """Refuse rules that contradict each other. Raises: Rejection INSTRUMENT_SPEC."""
        for ok, field, rule in (*self._step_rules(), *self._limit_rules(), *self._phase_rules()):
            if not ok:
                raise Rejection(
                    Reason.INSTRUMENT_SPEC,
                    "the instrument's rules contradict each other",
                    field=field,
                    given=self.symbol[:40],
                    allowed=rule,
                )

    def _step_rules(self) -> tuple[tuple[bool, str, str], ...]:
        product = self.tick_step * self.lot_units * 10**self.quote_scale
        whole = product > 0 and product % 10 ** (self.price_scale + self.base_scale) == 0
        scale_fits = 0 <= self.price_scale <= SCALE_MAX
        paper_only = is_paper(self.base) == is_paper(self.quote)
        return (
            (self.symbol == f"{self.base}-{self.quote}", "symbol", "symbol is BASE-QUOTE"),
            (self.base != self.quote, "quote", "base and quote differ"),
            (paper_only, "quote", "paper is traded for paper only"),
            (scale_fits, "tick_size", f"price scale 0 to {SCALE_MAX}"),
            (self.tick_step > 0 and self.lot_units > 0, "tick_size", "tick and lot are positive"),
            (whole, "lot_size", "one tick of one lot is a whole number of quote units"),
        )

    def _limit_rules(self) -> tuple[tuple[bool, str, str], ...]:
        prices = 0 < self.min_price_ticks <= self.max_price_ticks
        quantities = 0 < self.min_quantity_lots <= self.max_quantity_lots
        market_quantities = (
            self.min_market_quantity_lots is None
            or 0 < self.lowest_market_lots <= self.max_market_quantity_lots
        )
        notionals = 0 <= self.min_notional_units <= self.max_notional_units
        orders = f"0 to {OPEN_ORDERS_MAX} of them"
        position = self.max_position_lots is None or self.max_position_lots > 0
        return (
            (prices, "max_price", "0 < min price <= max price"),
            (quantities, "max_quantity", "0 < min quantity <= max quantity"),
            (
                self.max_market_quantity_lots > 0,
                "max_market_quantity",
                "max market quantity is positive",
            ),
            (
                market_quantities,
                "min_market_quantity",
                "0 < min market quantity <= max market quantity",
            ),
            (notionals, "max_notional", "0 <= min notional <= max notional"),
            (self.buy_band_up_ppm > 0, "buy_band_up_ppm", "bands up are positive"),
            (self.sell_band_up_ppm > 0, "sell_band_up_ppm", "bands up are positive"),
            (0 < self.buy_band_down_ppm <= PPM, "buy_band_down_ppm", _BAND_DOWN),
            (0 < self.sell_band_down_ppm <= PPM, "sell_band_down_ppm", _BAND_DOWN),
            (0 <= self.maker_fee_ppm < PPM, "maker_fee_ppm", "fees are 0 to 999999 ppm"),
            (0 <= self.taker_fee_ppm < PPM, "taker_fee_ppm", "fees are 0 to 999999 ppm"),
            (
                0 < self.max_open_orders <= OPEN_ORDERS_MAX,
                "max_open_orders",
                f"1 to {OPEN_ORDERS_MAX} open orders",
            ),
            (0 <= self.max_algo_orders <= OPEN_ORDERS_MAX, "max_algo_orders", orders),
            (0 <= self.max_iceberg_orders <= OPEN_ORDERS_MAX, "max_iceberg_orders", orders),
            (position, "max_position", "max position is positive"),
            (
                0 < self.min_trail_bps <= self.max_trail_bps,
                "max_trail_bps",
                "0 < min trail <= max trail",
            ),
        )

    def _phase_rules(self) -> tuple[tuple[bool, str, str], ...]:
        stale = self.mark_stale_ns is None or 0 < self.mark_stale_ns <= DURATION_MAX_NS
        buckets = (
            (self.reference_buckets == 0) == (self.reference_bucket_ns == 0)
            and 0 <= self.reference_buckets <= BUCKETS_MAX
            and 0 <= self.reference_bucket_ns <= DURATION_MAX_NS
        )
        lasting = "auction and halt last at most 7 days"
        return (
            (stale, "mark_stale_ns", "a mark is stale after more than 0 and at most 7 days"),
            (
                buckets,
                "reference_buckets",
                f"1 to {BUCKETS_MAX} reference buckets of a width, or none",
            ),
            (0 <= self.auction_ns <= DURATION_MAX_NS, "auction_ns", lasting),
            (0 <= self.volatility_halt_ns <= DURATION_MAX_NS, "volatility_halt_ns", lasting),
        )

    @property
    def steps(self) -> tuple[int | str, ...]:
        """What amounts are counted in, which never changes: scales, tick and lot."""
        return (
            self.base,
            self.quote,
            self.base_scale,
            self.quote_scale,
            self.price_scale,
            self.tick_step,
            self.lot_units,
        )

    def notional_units(self, price_ticks: int, quantity_lots: int) -> int:
        """Price times quantity, in quote units, exact."""
        return price_ticks * quantity_lots * self.tick_lot_units

    def parse_price(self, text: str) -> int:
        """Read a limit price as ticks.

        Raises: Rejection AMOUNT_FORMAT, PRICE_TICK or PRICE_RANGE, in this order.
        """
        ticks = parse_steps(text, self.tick_step, self.price_scale, "price", Reason.PRICE_TICK)
        self.check_price(ticks)
        return ticks

    def check_price(self, ticks: int, field: str = "price") -> None:
        """Refuse a price outside the filter. Raises: Rejection PRICE_RANGE."""
        if not self.min_price_ticks <= ticks <= self.max_price_ticks:
            nearest = min(max(ticks, self.min_price_ticks), self.max_price_ticks)
            raise Rejection(
                Reason.PRICE_RANGE,
                "the price is outside the allowed range",
                field=field,
                given=self.format_price(ticks),
                allowed=f"{self.format_price(self.min_price_ticks)} to "
                f"{self.format_price(self.max_price_ticks)}",
                nearest=self.format_price(nearest),
            )

    def parse_quantity(self, text: str) -> int:
        """Read a base quantity as lots; its range depends on the order and is checked later.

        Raises: Rejection AMOUNT_FORMAT or QUANTITY_LOT, in this order.
        """
        return parse_steps(text, self.lot_units, self.base_scale, "quantity", Reason.QUANTITY_LOT)

    def check_quantity(self, lots: int, *, market: bool) -> None:
        """Refuse a quantity outside the filter. Raises: Rejection QUANTITY_RANGE."""
        if market:
            lowest, highest = self.lowest_market_lots, self.max_market_quantity_lots
        else:
            lowest, highest = self.min_quantity_lots, self.max_quantity_lots
        if not lowest <= lots <= highest:
            raise Rejection(
                Reason.QUANTITY_RANGE,
                "the quantity is outside the allowed range",
                field="quantity",
                given=self.format_quantity(lots),
                allowed=f"{self.format_quantity(lowest)} to {self.format_quantity(highest)}",
                nearest=self.format_quantity(min(max(lots, lowest), highest)),
            )

    def check_notional(self, notional_units: int) -> None:
        """Refuse a notional outside the filter. Raises: Rejection NOTIONAL_RANGE."""
        if not self.min_notional_units <= notional_units <= self.max_notional_units:
            nearest = min(max(notional_units, self.min_notional_units), self.max_notional_units)
            raise Rejection(
                Reason.NOTIONAL_RANGE,
                "price times quantity is outside the allowed range",
                field="notional",
                given=self.format_quote(notional_units),
                allowed=f"{self.format_quote(self.min_notional_units)} to "
                f"{self.format_quote(self.max_notional_units)}",
                nearest=self.format_quote(nearest),
            )

    @property
    def tick_size(self) -> str:
        """The smallest step of a price, as text."""
        return format_units(self.tick_step, self.price_scale)

    @property
    def lot_size(self) -> str:
        """The smallest step of a quantity, as text."""
        return format_units(self.lot_units, self.base_scale)

    def format_price(self, ticks: int) -> str:
        """Write ticks with the instrument's price decimals."""
        return format_fixed(ticks * self.tick_step, self.price_scale)

    def format_quantity(self, lots: int) -> str:
        """Write lots as base quantity."""
        return format_units(lots * self.lot_units, self.base_scale)

    def format_base(self, units: int) -> str:
        """Write base units."""
        return format_units(units, self.base_scale)

    def format_quote(self, units: int) -> str:
        """Write quote units."""
        return format_units(units, self.quote_scale)


def parse_steps(text: str, step: int, scale: int, field: str, reason: Reason) -> int:
    """Read a decimal as whole steps, each ``step`` units of ``scale``.

    Raises: Rejection AMOUNT_FORMAT; ``reason`` with the steps below and above, never rounded.
    """
    places = max(scale, len(text.partition(".")[2]))
    units = parse_decimal(text, places, field)
    finer: int = 10 ** (places - scale)
    steps, rest = divmod(units, step * finer)
    if rest:
        # Prices are shown with all their decimals, as everywhere; quantities without zeros.
        show = format_fixed if reason is Reason.PRICE_TICK else format_units
        raise Rejection(
            reason,
            f"the {field} is not a whole number of steps",
            field=field,
            given=text,
            allowed=f"a multiple of {format_units(step, scale)}",
            nearest=f"{show(steps * step, scale)} or {show((steps + 1) * step, scale)}",
        )
    return steps


class PlainRules(TypedDict):
    """Rules that are written as the numbers they are."""

    buy_band_up_ppm: int
    buy_band_down_ppm: int
    sell_band_up_ppm: int
    sell_band_down_ppm: int
    maker_fee_ppm: int
    taker_fee_ppm: int
    max_open_orders: int
    max_algo_orders: NotRequired[int]
    max_iceberg_orders: NotRequired[int]
    min_trail_bps: NotRequired[int]
    max_trail_bps: NotRequired[int]
    mark_stale_ns: NotRequired[int | None]
    reference_bucket_ns: NotRequired[int]
    reference_buckets: NotRequired[int]
    auction_ns: NotRequired[int]
    volatility_halt_ns: NotRequired[int]
    opening_auction: NotRequired[bool]


def read_instrument(
    *,
    symbol: str,
    base: Asset,
    quote: Asset,
    tick_size: str,
    lot_size: str,
    min_price: str,
    max_price: str,
    min_quantity: str,
    max_quantity: str,
    max_market_quantity: str,
    min_notional: str,
    max_notional: str,
    min_market_quantity: str = "",
    max_position: str = "",
    **rules: Unpack[PlainRules],
) -> Instrument:
    """Make an instrument of terms as people write them: exact, never rounded.

    An empty text is no limit.

    Raises: Rejection AMOUNT_FORMAT, AMOUNT_PRECISION, PRICE_TICK, QUANTITY_LOT, INSTRUMENT_SPEC.
    """
    price_scale = len(tick_size.partition(".")[2].rstrip("0"))
    tick_step = parse_decimal(tick_size, price_scale, "tick_size")
    lot_units = parse_decimal(lot_size, base.scale, "lot_size")
    if not tick_step or not lot_units:
        raise Rejection(
            Reason.INSTRUMENT_SPEC,
            "tick and lot are positive",
            field="lot_size" if tick_step else "tick_size",
            given=lot_size if tick_step else tick_size,
            allowed="more than 0",
        )

    def ticks(text: str, field: str) -> int:
        return parse_steps(text, tick_step, price_scale, field, Reason.PRICE_TICK)

    def lots(text: str, field: str) -> int:
        return parse_steps(text, lot_units, base.scale, field, Reason.QUANTITY_LOT)

    instrument = Instrument(
        symbol=Symbol(symbol),
        base=base.name,
        quote=quote.name,
        base_scale=base.scale,
        quote_scale=quote.scale,
        price_scale=price_scale,
        tick_step=tick_step,
        lot_units=lot_units,
        min_price_ticks=ticks(min_price, "min_price"),
        max_price_ticks=ticks(max_price, "max_price"),
        min_quantity_lots=lots(min_quantity, "min_quantity"),
        max_quantity_lots=lots(max_quantity, "max_quantity"),
        max_market_quantity_lots=lots(max_market_quantity, "max_market_quantity"),
        min_notional_units=parse_decimal(min_notional, quote.scale, "min_notional"),
        max_notional_units=parse_decimal(max_notional, quote.scale, "max_notional"),
        min_market_quantity_lots=(
            lots(min_market_quantity, "min_market_quantity") if min_market_quantity else None
        ),
        max_position_lots=lots(max_position, "max_position") if max_position else None,
        **rules,
    )
    instrument.check()
    return instrument


class Directory(Mapping[Symbol, Instrument]):
    """What is listed, for readers outside the exchange.

    Written by the matching actor after the listing is on disk, read by everybody.
    """

    def __init__(self) -> None:
        self._instruments: dict[Symbol, Instrument] = {}
        self._assets: dict[AssetName, Asset] = {}

    def __getitem__(self, symbol: Symbol) -> Instrument:
        return self._instruments[symbol]

    def __iter__(self) -> Iterator[Symbol]:
        return iter(self._instruments)

    def __len__(self) -> int:
        return len(self._instruments)

    @property
    def assets(self) -> Mapping[AssetName, Asset]:
        """The listed assets by name."""
        return self._assets

    def list_asset(self, asset: Asset) -> None:
        """Add an asset."""
        self._assets[asset.name] = asset

    def list_instrument(self, instrument: Instrument) -> None:
        """Add an instrument."""
        self._instruments[instrument.symbol] = instrument

    def known(self, symbol: Symbol) -> Instrument:
        """An instrument in whose terms something was said before. Raises: KeyError."""
        return self._instruments[symbol]

    def instrument(self, symbol: str) -> Instrument:
        """Find an instrument. Raises: Rejection UNKNOWN_INSTRUMENT."""
        found = self._instruments.get(Symbol(symbol))
        if found is None:
            raise unknown_instrument(symbol)
        return found

    def asset(self, name: str) -> Asset:
        """Find an asset. Raises: Rejection UNKNOWN_ASSET."""
        found = self._assets.get(AssetName(name))
        if found is None:
            raise unknown_asset(name)
        return found


def unknown_instrument(symbol: str) -> Rejection:
    """Say that a market is not listed here."""
    return Rejection(
        Reason.UNKNOWN_INSTRUMENT,
        "no such instrument",
        field="symbol",
        given=symbol[:40],
        allowed="a listed instrument",
    )


def unknown_asset(name: str) -> Rejection:
    """Say that an asset is not listed here."""
    return Rejection(
        Reason.UNKNOWN_ASSET,
        "no such asset",
        field="asset",
        given=name[:40],
        allowed="a listed asset",
    )
