"""BacktestService: backtests in the house, and what came of them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing
from typing import Final

from xache.v1 import backtest_pb2 as pb

from xached.actors.backtests.actor import Backtests
from xached.api import convert
from xached.api.auth import caller_of
from xached.api.paging import read_page, write_token
from xached.api.routes import Call, Responses
from xached.domain.backtests import (
    FEE_PPM,
    HALF_SPREAD_PPM,
    IMPACT_PPM,
    SLIPPAGE_PPM,
    Backtest,
    BacktestId,
    BacktestProgress,
    BacktestResult,
    BacktestTerms,
    FillRule,
    Phase,
)
from xached.domain.rejection import Reason, Rejection

CASH: Final = "10000"
TRAIN_DAYS: Final = 60
TEST_DAYS: Final = 20
"""What is left out is as the backtester on one's own machine has it."""

NAME_LENGTH_MAX: Final = 100

_FILLS: Final[Mapping[int, FillRule]] = {
    pb.BACKTEST_FILLS_UNSPECIFIED: FillRule.TOUCH,
    pb.BACKTEST_FILLS_TOUCH: FillRule.TOUCH,
    pb.BACKTEST_FILLS_NEXT_OPEN: FillRule.NEXT_OPEN,
}
_FILL_NUMBERS: Final = {
    FillRule.TOUCH: pb.BACKTEST_FILLS_TOUCH,
    FillRule.NEXT_OPEN: pb.BACKTEST_FILLS_NEXT_OPEN,
}


class BacktestHandlers:
    """Handlers of BacktestService."""

    def __init__(self, backtests: Backtests) -> None:
        self._backtests = backtests

    async def list_histories(
        self, _call: Call, _request: pb.ListHistoriesRequest
    ) -> pb.ListHistoriesResponse:
        """List the histories that there are to run over."""
        return pb.ListHistoriesResponse(
            histories=[
                pb.History(
                    name=about.name,
                    symbol=about.symbol,
                    venue=about.venue,
                    interval=about.interval.value,
                    candles=about.candles,
                    from_ns=about.first_at_ns,
                    until_ns=about.last_at_ns + about.interval.ns,
                    fingerprint=about.fingerprint,
                )
                for about in await self._backtests.histories()
            ]
        )

    async def start_backtest(
        self, call: Call, request: pb.StartBacktestRequest
    ) -> pb.StartBacktestResponse:
        """Queue a backtest."""
        if not 1 <= len(request.plugin) <= NAME_LENGTH_MAX:
            raise Rejection(
                Reason.FIELD_REQUIRED, "say which plugin", field="plugin",
                allowed=f"1 to {NAME_LENGTH_MAX} characters",
            )  # fmt: skip
        backtest = await self._backtests.start(
            caller_of(call).account_id,
            convert.required_id(request.request_id),
            request.plugin,
            _read_terms(request.terms),
        )
        return pb.StartBacktestResponse(backtest=_message(backtest, Phase.WAITING))

    async def get_backtest(
        self, call: Call, request: pb.GetBacktestRequest
    ) -> pb.GetBacktestResponse:
        """Tell how a backtest stands."""
        progress = await self._backtests.get(
            caller_of(call).account_id, BacktestId(request.backtest_id)
        )
        return pb.GetBacktestResponse(backtest=_progress_message(progress))

    async def list_backtests(
        self, call: Call, request: pb.ListBacktestsRequest
    ) -> pb.ListBacktestsResponse:
        """List the caller's backtests, newest first."""
        page = read_page(request.page_size, request.page_token)
        account_id = caller_of(call).account_id
        found = await self._backtests.page(account_id, page.before, page.size)
        more = found[-1].number if len(found) == page.size else None
        return pb.ListBacktestsResponse(
            backtests=[_progress_message(self._backtests.progress_of(each)) for each in found],
            next_page_token=write_token(more),
        )

    async def watch_backtest(
        self,
        call: Call,
        request: pb.WatchBacktestRequest,
        responses: Responses[pb.WatchBacktestResponse],
    ) -> None:
        """Tell how a backtest stands until it is over. A slow reader is told less often."""
        watching = self._backtests.watch(
            caller_of(call).account_id, BacktestId(request.backtest_id)
        )
        async with aclosing(watching):
            async for progress in watching:
                await responses.send(pb.WatchBacktestResponse(backtest=_progress_message(progress)))

    async def cancel_backtest(
        self, call: Call, request: pb.CancelBacktestRequest
    ) -> pb.CancelBacktestResponse:
        """End a backtest that waits or runs."""
        backtest = await self._backtests.cancel(
            caller_of(call).account_id, BacktestId(request.backtest_id)
        )
        return pb.CancelBacktestResponse(backtest=_message(backtest, Phase.OVER))

    async def get_backtest_report(
        self, call: Call, request: pb.GetBacktestReportRequest
    ) -> pb.GetBacktestReportResponse:
        """Give the report of a finished backtest."""
        report, page = await self._backtests.report(
            caller_of(call).account_id, BacktestId(request.backtest_id)
        )
        if request.format != pb.REPORT_FORMAT_HTML:
            return pb.GetBacktestReportResponse(content=report, media_type="application/json")
        if page is None:
            raise Rejection(Reason.BACKTEST_STATE, "the house draws no plots", given="HTML")
        return pb.GetBacktestReportResponse(content=page, media_type="text/html")


def _read_terms(terms: pb.BacktestTerms) -> BacktestTerms:
    fill_rule = _FILLS.get(terms.fills)
    if fill_rule is None:
        raise Rejection(Reason.BACKTEST_TERMS, "there is no such fill model", field="fills")

    def ppm(name: str, default: int) -> int:
        value: int = getattr(terms, name)
        return value if terms.HasField(name) else default

    return BacktestTerms(
        settings_json=terms.settings_json or "{}",
        histories=tuple(terms.histories),
        cash=terms.cash or CASH,
        fee_ppm=ppm("fee_ppm", FEE_PPM),
        half_spread_ppm=ppm("half_spread_ppm", HALF_SPREAD_PPM),
        slippage_ppm=ppm("slippage_ppm", SLIPPAGE_PPM),
        impact_ppm=ppm("impact_ppm", IMPACT_PPM),
        fill_rule=fill_rule,
        start_ns=terms.from_ns or None,
        until_ns=terms.until_ns or None,
        train_days=terms.train_days or TRAIN_DAYS,
        test_days=terms.test_days or TEST_DAYS,
        check=terms.check,
        capacity=terms.capacity,
    )


def _progress_message(progress: BacktestProgress) -> pb.Backtest:
    return _message(progress.backtest, progress.phase, progress.done_ppm, progress.ahead)


def _message(backtest: Backtest, phase: Phase, done_ppm: int = 0, ahead: int = 0) -> pb.Backtest:
    message = pb.Backtest(
        backtest_id=backtest.backtest_id,
        plugin=backtest.plugin,
        plugin_digest=backtest.plugin_digest,
        terms=_terms_message(backtest.terms),
        symbols=backtest.instruments,
        state=pb.BacktestState.Name(backtest.state.value),
        phase=pb.BacktestPhase.Name(phase.value),
        done_ppm=done_ppm,
        ahead=ahead,
        cause=backtest.cause,
        created_at_ns=backtest.created_at_ns,
        started_at_ns=backtest.started_at_ns,
        ended_at_ns=backtest.ended_at_ns,
        has_page=backtest.has_page,
    )
    if backtest.result is not None:
        message.result.CopyFrom(_result_message(backtest.result))
    return message


def _terms_message(terms: BacktestTerms) -> pb.BacktestTerms:
    return pb.BacktestTerms(
        settings_json=terms.settings_json,
        histories=terms.histories,
        cash=terms.cash,
        fee_ppm=terms.fee_ppm,
        half_spread_ppm=terms.half_spread_ppm,
        slippage_ppm=terms.slippage_ppm,
        impact_ppm=terms.impact_ppm,
        fills=_FILL_NUMBERS[terms.fill_rule],
        from_ns=terms.start_ns or 0,
        until_ns=terms.until_ns or 0,
        train_days=terms.train_days,
        test_days=terms.test_days,
        check=terms.check,
        capacity=terms.capacity,
    )


def _result_message(result: BacktestResult) -> pb.BacktestResult:
    return pb.BacktestResult(
        verdict=pb.BacktestVerdict.Name(result.verdict.value),
        deflated_ppm=result.deflated_ppm,
        lacks=result.lacks,
        trials=result.trials,
        return_ppm=result.return_ppm,
        holding_ppm=result.holding_ppm,
        drawdown_ppm=result.drawdown_ppm,
        days=result.days,
        fills=result.fills,
        closed_trades=result.closed_trades,
        refusals=result.refusals,
        fees=result.fees,
        end_equity=result.end_equity,
        quote=result.quote,
        capacity_ppm=result.capacity_ppm,
        settings_json=result.chosen_json,
    )
