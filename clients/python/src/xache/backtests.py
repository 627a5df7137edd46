"""Backtests in the house: an approved plugin over a history that the house keeps."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing

from xache.connection import Connection
from xache.orders import new_id
from xache.rpc import PAGE_SIZE_MAX, rpc
from xache.v1 import backtest_pb2 as pb

# Repeatable because this client never sends one without an id.
_START = rpc(pb.StartBacktestRequest, pb.StartBacktestResponse, repeatable=True)
_GET = rpc(pb.GetBacktestRequest, pb.GetBacktestResponse, repeatable=True)
_LIST = rpc(pb.ListBacktestsRequest, pb.ListBacktestsResponse, repeatable=True)
_WATCH = rpc(pb.WatchBacktestRequest, pb.WatchBacktestResponse, repeatable=True)
_CANCEL = rpc(pb.CancelBacktestRequest, pb.CancelBacktestResponse, repeatable=True)
_REPORT = rpc(pb.GetBacktestReportRequest, pb.GetBacktestReportResponse, repeatable=True)
_HISTORIES = rpc(pb.ListHistoriesRequest, pb.ListHistoriesResponse, repeatable=True)


class Backtests:
    """One's own backtests."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def histories(self) -> list[pb.History]:
        """What there is to run over, by name."""
        return list(self._connection.call(_HISTORIES, pb.ListHistoriesRequest()).histories)

    def start(self, plugin: str, terms: pb.BacktestTerms, *, request_id: str = "") -> pb.Backtest:
        """Queue a backtest."""
        request = pb.StartBacktestRequest(
            plugin=plugin, terms=terms, request_id=request_id or new_id()
        )
        return self._connection.call(_START, request).backtest

    def get(self, backtest_id: str) -> pb.Backtest:
        """How a backtest stands."""
        return self._connection.call(_GET, pb.GetBacktestRequest(backtest_id=backtest_id)).backtest

    def page(self, *, page_size: int = PAGE_SIZE_MAX) -> Iterator[pb.Backtest]:
        """One's backtests, newest first, read page by page."""
        request = pb.ListBacktestsRequest(page_size=page_size)
        while True:
            page = self._connection.call(_LIST, request)
            yield from page.backtests
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def watch(self, backtest_id: str) -> Generator[pb.Backtest, None, None]:
        """How a backtest stands, again and again until it is over."""
        request = pb.WatchBacktestRequest(backtest_id=backtest_id)
        with closing(self._connection.stream(_WATCH, lambda: request)) as responses:
            for response in responses:
                if response.HasField("backtest"):  # Else the house stops, and comes back.
                    yield response.backtest

    def cancel(self, backtest_id: str) -> pb.Backtest:
        """End a backtest that waits or runs."""
        request = pb.CancelBacktestRequest(backtest_id=backtest_id)
        return self._connection.call(_CANCEL, request).backtest

    def report(self, backtest_id: str, *, html: bool = False) -> bytes:
        """The report as JSON, or as a page."""
        form = pb.REPORT_FORMAT_HTML if html else pb.REPORT_FORMAT_JSON
        request = pb.GetBacktestReportRequest(backtest_id=backtest_id, format=form)
        return self._connection.call(_REPORT, request).content
