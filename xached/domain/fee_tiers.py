"""Fee tiers: who trades more pays less.

One table for the house. A line names a quote asset, how much an account must have traded in it,
and the rates from there on. Volume is the notional of an account's own fills of today and the 29
UTC days before, maker and taker alike. What was prevented or moved without a trade, what met
simulated liquidity, and what an account traded with itself is no volume. The rates are looked up
when an order is accepted and stay with it; an instrument that is cheaper than a tier keeps its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby, pairwise

import attrs

from xached.domain.frozen import frozen
from xached.domain.instrument import PPM, AssetName, Instrument, unknown_asset
from xached.domain.market_messages import FeeTier, FeeTiersSet, SetFeeTiers
from xached.domain.messages import Event
from xached.domain.money import format_units
from xached.domain.order import AccountId
from xached.domain.rejection import Reason, Rejection
from xached.domain.state import DAY_NS, Market, PurseState, State

TIERS_MAX = 20
"""Lines of the table for one asset."""


@frozen(kw_only=True)
class FeeStanding:
    """Where an account stands in a quote asset: its 30-day volume, and the tiers around it.

    ``tier`` is None below the first line, ``next_tier`` None on the last.
    """

    asset: AssetName
    volume_units: int
    tier: FeeTier | None
    next_tier: FeeTier | None


def rated_instrument(state: State, market: Market, purse: PurseState, at_ns: int) -> Instrument:
    """The instrument with the rates that an order of this purse has now."""
    quote = market.instrument.quote
    tiers = state.fee_tiers.get(quote)
    if tiers is None:
        return market.instrument
    reached = _reached(tiers, purse.account.volume_units(quote, at_ns // DAY_NS))
    return market.by_tier[reached]


def standing_of(state: State, account_id: AccountId, at_ns: int) -> list[FeeStanding]:
    """Where an account stands, in every asset that has tiers or that it has traded in."""
    account = state.accounts.get(account_id)
    traded = account.volumes if account is not None else {}
    standings: list[FeeStanding] = []
    for asset in sorted({**dict.fromkeys(traded), **dict.fromkeys(state.fee_tiers)}):
        units = account.volume_units(asset, at_ns // DAY_NS) if account is not None else 0
        tiers = state.fee_tiers.get(asset, ())
        reached = _reached(tiers, units)
        standings.append(
            FeeStanding(
                asset=asset,
                volume_units=units,
                tier=tiers[reached - 1] if reached else None,
                next_tier=tiers[reached] if reached < len(tiers) else None,
            )
        )
    return standings


def decide_fee_tiers(state: State, command: SetFeeTiers) -> tuple[Event, ...]:
    """Set the whole table. Raises: Rejection UNKNOWN_ASSET, FEE_TIERS."""
    tiers = tuple(sorted(command.tiers, key=lambda tier: (tier.asset, tier.min_volume_units)))
    for asset, lines in groupby(tiers, key=lambda tier: tier.asset):
        if asset not in state.assets:
            raise unknown_asset(asset)
        _check_lines(state, asset, list(lines))
    if tiers == tuple(tier for lines in state.fee_tiers.values() for tier in lines):
        return ()
    return (FeeTiersSet(tiers=tiers),)


def apply_fee_tiers(state: State, event: FeeTiersSet) -> None:
    """Write the table, and what every market charges by it."""
    load_fee_tiers(state, event.tiers)


def load_fee_tiers(state: State, tiers: Iterable[FeeTier]) -> None:
    """Go by a table whose lines are in order."""
    state.fee_tiers = {
        asset: tuple(lines) for asset, lines in groupby(tiers, key=lambda tier: tier.asset)
    }
    for market in state.markets.values():
        rate_market(state, market)


def rate_market(state: State, market: Market) -> None:
    """Work out what a market charges in every tier, the first without one."""
    plain = market.instrument
    market.by_tier = (
        plain,
        *(
            attrs.evolve(
                plain,
                maker_fee_ppm=min(plain.maker_fee_ppm, tier.maker_fee_ppm),
                taker_fee_ppm=min(plain.taker_fee_ppm, tier.taker_fee_ppm),
            )
            for tier in state.fee_tiers.get(plain.quote, ())
        ),
    )


def _reached(tiers: tuple[FeeTier, ...], volume_units: int) -> int:
    """How many lines of a table a volume reaches; there are few."""
    reached = 0
    for tier in tiers:
        if volume_units < tier.min_volume_units:
            break
        reached += 1
    return reached


def _check_lines(state: State, asset: AssetName, lines: list[FeeTier]) -> None:
    scale = state.assets[asset].scale
    if len(lines) > TIERS_MAX:
        raise _refused(f"{len(lines)} tiers of {asset}", f"at most {TIERS_MAX} for each asset")
    for line in lines:
        volume = format_units(line.min_volume_units, scale)
        if line.min_volume_units < 0:
            raise _refused(f"a volume of {volume} {asset}", "0 or more")
        for rate_ppm in (line.maker_fee_ppm, line.taker_fee_ppm):
            if not 0 <= rate_ppm < PPM:
                raise _refused(f"a rate of {rate_ppm} ppm", f"0 to {PPM - 1} ppm")
    for line, following in pairwise(lines):
        volume = format_units(following.min_volume_units, scale)
        if line.min_volume_units == following.min_volume_units:
            raise _refused(f"two tiers from {volume} {asset}", "one for each volume")
        if (
            following.maker_fee_ppm > line.maker_fee_ppm
            or following.taker_fee_ppm > line.taker_fee_ppm
        ):
            raise _refused(f"a dearer tier from {volume} {asset}", "rates that do not rise")


def _refused(given: str, allowed: str) -> Rejection:
    return Rejection(
        Reason.FEE_TIERS,
        "these are no fee tiers",
        field="tiers",
        given=given,
        allowed=allowed,
    )
