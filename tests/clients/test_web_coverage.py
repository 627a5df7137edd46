"""Every RPC of users is called by a screen of the web client, or has a reason why none does.

Checked: with the call of CancelErasure taken out of the screens, it is missed.
"""

from __future__ import annotations

import re

from tests.clients.browsing import CLIENT
from tests.clients.test_cli_coverage import methods_of_users

IN_THE_STREAM = "the one stream of a page, LiveService.WatchDesk, brings it"
FOR_PROGRAMS = "for programs: a page that is left could not keep to it"

ELSEWHERE = {
    "BacktestService/GetBacktest": "WatchBacktest tells the same, as it goes on",
    "MarketService/GetBook": IN_THE_STREAM,
    "MarketService/ListTickers": IN_THE_STREAM,
    "MarketService/WatchAuction": IN_THE_STREAM,
    "MarketService/WatchBook": IN_THE_STREAM,
    "MarketService/WatchCandles": IN_THE_STREAM,
    "MarketService/WatchTickers": IN_THE_STREAM,
    "MarketService/WatchTrades": IN_THE_STREAM,
    "SignalService/ListModels": "of operators; a strategy's reasons name the model of each order",
    "SignalService/ListSignals": "for programs; a strategy's reasons tell the signal of each order",
    "TradingService/CancelAllAfter": FOR_PROGRAMS,
    "TradingService/EnterOrders": FOR_PROGRAMS,
    "TradingService/ListOpenOrders": IN_THE_STREAM,
    "TradingService/PlaceOrders": FOR_PROGRAMS,
    "TradingService/WatchPurse": IN_THE_STREAM,
}


def test_every_method_of_users_has_a_screen_or_a_reason() -> None:
    sources = [
        path.read_text()
        for path in (CLIENT / "src").rglob("*.ts*")
        if "gen" not in path.relative_to(CLIENT / "src").parts
    ]
    called = set(re.findall(r"\b\w+\.([a-z]\w+)\b", "\n".join(sources)))

    def is_called(method: str) -> bool:
        name = method.partition("/")[2]
        return name[0].lower() + name[1:] in called

    unreached = {method for method in methods_of_users() if not is_called(method)}
    assert unreached == set(ELSEWHERE)
