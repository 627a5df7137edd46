"""Fee tiers and fee statements between the wire and the house."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Final

from xache.v1 import account_pb2, types_pb2, wallet_pb2

from xached.actors.history import History
from xached.api.routes import Call
from xached.domain.fee_tiers import FeeStanding
from xached.domain.instrument import AssetName, Directory
from xached.domain.market_messages import FeeTier
from xached.domain.money import format_units, parse_decimal
from xached.domain.rejection import Reason, Rejection
from xached.domain.state import DAY_NS
from xached.domain.statement import FeeDay

DAYS_DEFAULT: Final = 30
DAYS_MAX: Final = 366
_EPOCH: Final = date(1970, 1, 1)


class FeeStatements:
    """Handlers of WalletService about fees."""

    def __init__(self, directory: Directory, history: History, now_ns: Callable[[], int]) -> None:
        self._directory = directory
        self._history = history
        self._now_ns = now_ns

    async def get_fee_statement(
        self, call: Call, request: wallet_pb2.GetFeeStatementRequest
    ) -> wallet_pb2.GetFeeStatementResponse:
        """Tell what a purse was charged in fees, by UTC day and asset."""
        last = _read_day(request.to_date, "to_date", self._now_ns() // DAY_NS)
        first = _read_day(request.from_date, "from_date", last - DAYS_DEFAULT + 1)
        if not 0 < last - first + 1 <= DAYS_MAX:
            raise Rejection(
                Reason.AMOUNT_RANGE,
                "a statement is of at least a day and at most a year",
                field="from_date",
                given=f"{last - first + 1} days",
                allowed=f"1 to {DAYS_MAX} days",
            )
        await self._history.wait_for(request.min_seq)
        days = await self._history.fee_days(call.purse, first, last)
        return wallet_pb2.GetFeeStatementResponse(
            days=[self._day(day, _write_day(day.day)) for day in days],
            totals=[self._day(total, "") for total in _totals(days)],
            as_of_seq=self._history.as_of_seq,
        )

    def _day(self, day: FeeDay, written: str) -> wallet_pb2.FeeDay:
        scale = self._directory.assets[day.asset].scale
        return wallet_pb2.FeeDay(
            date=written,
            asset=day.asset,
            maker_notional=format_units(day.maker_notional_units, scale),
            maker_fee=format_units(day.maker_fee_units, scale),
            taker_notional=format_units(day.taker_notional_units, scale),
            taker_fee=format_units(day.taker_fee_units, scale),
            fee=format_units(day.fee_units, scale),
        )


def read_tiers(tiers: Iterable[types_pb2.FeeTier], directory: Directory) -> tuple[FeeTier, ...]:
    """Read a table of tiers. Raises: Rejection."""
    return tuple(
        FeeTier(
            asset=asset.name,
            min_volume_units=parse_decimal(tier.min_volume, asset.scale, "min_volume"),
            maker_fee_ppm=tier.maker_fee_ppm,
            taker_fee_ppm=tier.taker_fee_ppm,
        )
        for asset, tier in ((directory.asset(tier.asset), tier) for tier in tiers)
    )


def standing_message(standing: FeeStanding, directory: Directory) -> account_pb2.FeeStanding:
    """Where an account stands with fees in one asset."""
    scale = directory.assets[standing.asset].scale
    return account_pb2.FeeStanding(
        asset=standing.asset,
        volume_30d=format_units(standing.volume_units, scale),
        tier=_optional_tier(standing.tier, directory),
        next_tier=_optional_tier(standing.next_tier, directory),
    )


def tier_message(tier: FeeTier, directory: Directory) -> types_pb2.FeeTier:
    """A line of the table."""
    return types_pb2.FeeTier(
        asset=tier.asset,
        min_volume=format_units(tier.min_volume_units, directory.assets[tier.asset].scale),
        maker_fee_ppm=tier.maker_fee_ppm,
        taker_fee_ppm=tier.taker_fee_ppm,
    )


def _optional_tier(tier: FeeTier | None, directory: Directory) -> types_pb2.FeeTier | None:
    return None if tier is None else tier_message(tier, directory)


def _totals(days: Iterable[FeeDay]) -> list[FeeDay]:
    sums: dict[AssetName, FeeDay] = {}
    for day in days:
        total = sums.get(day.asset) or FeeDay(purse=day.purse, day=0, asset=day.asset)
        sums[day.asset] = FeeDay(
            purse=day.purse,
            day=0,
            asset=day.asset,
            maker_notional_units=total.maker_notional_units + day.maker_notional_units,
            maker_fee_units=total.maker_fee_units + day.maker_fee_units,
            taker_notional_units=total.taker_notional_units + day.taker_notional_units,
            taker_fee_units=total.taker_fee_units + day.taker_fee_units,
        )
    return [sums[asset] for asset in sorted(sums)]


def _read_day(text: str, field: str, unset: int) -> int:
    """A date as days since 1970. Raises: Rejection ID_FORMAT."""
    if not text:
        return unset
    try:
        return (datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date() - _EPOCH).days
    except ValueError:
        raise Rejection(
            Reason.ID_FORMAT,
            "that is no date",
            field=field,
            given=text[:40],
            allowed="a date such as 2026-01-31",
        ) from None


def _write_day(day: int) -> str:
    return (_EPOCH + timedelta(days=day)).isoformat()
