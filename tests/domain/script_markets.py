"""The words of scripts about markets, assets and purses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs

from xached.domain.exchange import Exchange
from xached.domain.filters import filters_of
from xached.domain.instrument import Asset, AssetName, Instrument, Symbol
from xached.domain.market_messages import (
    DelistAsset,
    DelistInstrument,
    FeeTier,
    OpenSubaccount,
    TransferFunds,
)
from xached.domain.messages import Command
from xached.domain.money import format_units, parse_decimal
from xached.domain.order import AccountId, Purse, make_purse
from xached.domain.queries import IndicativeQuery
from xached.domain.state import DAY_NS

UNBOUNDED = 10**40
"""Stands for no limit in filters a scenario does not name."""

CHANGES = {
    "taker": "taker_fee_ppm",
    "maker": "maker_fee_ppm",
    "orders": "max_open_orders",
    "buy-up": "buy_band_up_ppm",
    "buy-down": "buy_band_down_ppm",
    "sell-up": "sell_band_up_ppm",
    "sell-down": "sell_band_down_ppm",
}


def house_command(verb: str, name: str) -> Command:
    """What is said about one market, asset or purse."""
    if verb == "delist":
        return DelistInstrument(symbol=Symbol(name), cause="script", request_id="")
    if verb == "delist-asset":
        return DelistAsset(asset=AssetName(name), cause="script", request_id="")
    assert verb == "subaccount"
    account, _, sub = name.partition("/")
    return OpenSubaccount(purse=make_purse(account, sub), request_id="")


def transfer_command(source: Purse, target: Purse, amount: str, asset: Asset) -> Command:
    """Move money between purses."""
    return TransferFunds(
        source=source,
        target=target,
        asset=asset.name,
        amount_units=parse_decimal(amount, asset.scale),
        request_id="",
    )


def fee_tiers(asset: Asset, lines: Sequence[str]) -> tuple[FeeTier, ...]:
    """Tiers written as VOLUME=MAKER/TAKERppm."""
    tiers: list[FeeTier] = []
    for line in lines:
        volume, _, rates = line.partition("=")
        maker, _, taker = rates.removesuffix("ppm").partition("/")
        tiers.append(
            FeeTier(
                asset=asset.name,
                min_volume_units=parse_decimal(volume, asset.scale),
                maker_fee_ppm=int(maker),
                taker_fee_ppm=int(taker),
            )
        )
    return tuple(tiers)


def changed_instrument(known: Instrument, words: Sequence[str]) -> Instrument:
    """An instrument with some of its rules changed."""
    given = dict(zip(words[::2], words[1::2], strict=True))
    changes: dict[str, Any] = {
        key: int(given.pop(word).removesuffix("ppm"))
        for word, key in CHANGES.items()
        if word in given
    }
    if "tick" in given:
        changes["tick_step"] = parse_decimal(given.pop("tick"), known.price_scale)
    if "lot" in given:
        changes["lot_units"] = parse_decimal(given.pop("lot"), known.base_scale)
    if "quantity" in given:
        low, _, high = given.pop("quantity").partition("..")
        changes["min_quantity_lots"] = known.parse_quantity(low)
        changes["max_quantity_lots"] = known.parse_quantity(high)
    assert not given, f"unknown words: {given}"
    return attrs.evolve(known, **changes)


def market_options(given: dict[str, str], base_scale: int, lot_units: int) -> dict[str, Any]:
    """What an instrument need not say, taken out of its words. A trail may be of any length."""

    def lots(name: str) -> int | None:
        text = given.pop(name, None)
        return parse_decimal(text, base_scale) // lot_units if text else None

    low, _, high = given.pop("trail", f"1..{UNBOUNDED}").replace("bps", "").partition("..")
    count, _, width = given.pop("reference", "0x0s").partition("x")
    stale = given.pop("mark-stale", None)
    return {
        "min_market_quantity_lots": lots("market-min"),
        "max_algo_orders": int(given.pop("algo-orders", "1000")),
        "max_iceberg_orders": int(given.pop("iceberg-orders", "1000")),
        "max_position_lots": lots("max-position"),
        "min_trail_bps": int(low),
        "max_trail_bps": int(high),
        "mark_stale_ns": time_ns(stale) if stale else None,
        "reference_buckets": int(count),
        "reference_bucket_ns": time_ns(width),
        "auction_ns": time_ns(given.pop("auction", "0s")),
        "volatility_halt_ns": time_ns(given.pop("volatility-halt", "0s")),
        "opening_auction": given.pop("opening-auction", "no") == "yes",
    }


def time_ns(text: str) -> int:
    return parse_decimal(text.removesuffix("s"), 9)


# --- statements ------------------------------------------------------------------------------


def _filter(exchange: Exchange, _now_ns: int, words: list[str]) -> None:
    symbol, rule, expected, *step = words
    instrument = exchange.state.market(Symbol(symbol)).instrument
    (found,) = (each for each in filters_of(instrument) if each.rule.name == rule)
    assert f"{found.minimum}..{found.maximum}" == expected, found
    assert found.step == "".join(step[1:]), found


def _prices(exchange: Exchange, now_ns: int, words: list[str]) -> None:
    symbol, *pairs = words
    market = exchange.state.market(Symbol(symbol))
    show = market.instrument.format_price
    fresh = market.fresh_mark_ticks(now_ns + 1)
    mark = "stale" if fresh is None else show(fresh)
    reference = market.reference_ticks
    got = {
        "mark": "none" if market.mark_ticks is None else mark,
        "reference": "none" if reference is None else show(reference),
    }
    expected = dict(zip(pairs[::2], pairs[1::2], strict=True))
    assert {name: got[name] for name in expected} == expected, got


def _volume(exchange: Exchange, now_ns: int, words: list[str]) -> None:
    account, asset, amount = words
    listed = exchange.state.assets[AssetName(asset)]
    traded = exchange.state.accounts[AccountId(account)]
    units = traded.volume_units(listed.name, now_ns // DAY_NS)
    assert units == parse_decimal(amount, listed.scale), format_units(units, listed.scale)


def _market(exchange: Exchange, _now_ns: int, words: list[str]) -> None:
    symbol, *expected = words
    market = exchange.state.market(Symbol(symbol))
    got = [market.effective_state().name]
    if market.until_ns is not None:
        got += ["until", f"{format_units(market.until_ns // 10**6, 3)}s"]
    assert got == expected, got


def _indicative(exchange: Exchange, _now_ns: int, words: list[str]) -> None:
    symbol, *expected = words
    auction = IndicativeQuery(Symbol(symbol)).read(exchange.state, 0)
    assert auction is not None, "no auction"
    got = ["none"]
    if auction.indication is not None:
        instrument, found = exchange.state.market(Symbol(symbol)).instrument, auction.indication
        volume = instrument.format_quantity(found.volume_lots)
        left = instrument.format_quantity(abs(found.imbalance_lots))
        got = [
            f"{volume}@{instrument.format_price(found.price_ticks)}",
            f"-{left}" if found.imbalance_lots < 0 else left,
        ]
    assert got == expected, got


MARKET_STATEMENTS: dict[str, Callable[[Exchange, int, list[str]], None]] = {
    "filter": _filter,
    "prices": _prices,
    "volume": _volume,
    "market": _market,
    "indicative": _indicative,
}
