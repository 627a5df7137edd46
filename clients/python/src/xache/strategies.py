"""Strategies of one's own, and why they did what they did."""

from __future__ import annotations

from xache.connection import Connection
from xache.rpc import rpc
from xache.v1 import strategy_pb2

_EXPLAIN = rpc(strategy_pb2.ExplainOrderRequest, strategy_pb2.ExplainOrderResponse, repeatable=True)
_CREATE = rpc(
    strategy_pb2.CreateStrategyRequest, strategy_pb2.CreateStrategyResponse, repeatable=True
)
_UPDATE = rpc(
    strategy_pb2.UpdateStrategyRequest, strategy_pb2.UpdateStrategyResponse, repeatable=True
)
# What changes how far a strategy has come is refused when it was done already: not repeated.
_START = rpc(
    strategy_pb2.StartStrategyRequest, strategy_pb2.StartStrategyResponse, repeatable=False
)
_LIVE = rpc(strategy_pb2.GoLiveRequest, strategy_pb2.GoLiveResponse, repeatable=False)
_PAUSE = rpc(
    strategy_pb2.PauseStrategyRequest, strategy_pb2.PauseStrategyResponse, repeatable=False
)
_RESUME = rpc(
    strategy_pb2.ResumeStrategyRequest, strategy_pb2.ResumeStrategyResponse, repeatable=False
)
_STOP = rpc(strategy_pb2.StopStrategyRequest, strategy_pb2.StopStrategyResponse, repeatable=False)
_REVOKE = rpc(
    strategy_pb2.RevokeStrategyRequest, strategy_pb2.RevokeStrategyResponse, repeatable=False
)
_GET = rpc(strategy_pb2.GetStrategyRequest, strategy_pb2.GetStrategyResponse, repeatable=True)
_LIST = rpc(
    strategy_pb2.ListStrategiesRequest, strategy_pb2.ListStrategiesResponse, repeatable=True
)
_PERFORMANCE = rpc(
    strategy_pb2.GetStrategyPerformanceRequest,
    strategy_pb2.GetStrategyPerformanceResponse,
    repeatable=True,
)
_PARITY = rpc(
    strategy_pb2.GetStrategyParityRequest, strategy_pb2.GetStrategyParityResponse, repeatable=True
)
_PLUGINS = rpc(
    strategy_pb2.ListStrategyPluginsRequest,
    strategy_pb2.ListStrategyPluginsResponse,
    repeatable=True,
)


class Strategies:
    """Strategies of all purses of the account."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def plugins(self) -> list[strategy_pb2.StrategyPlugin]:
        """What strategies can be made of: the plugins that the house has approved."""
        request = strategy_pb2.ListStrategyPluginsRequest()
        return list(self._connection.call(_PLUGINS, request).plugins)

    def create(self, request: strategy_pb2.CreateStrategyRequest) -> strategy_pb2.Strategy:
        """Keep a strategy as a draft; the same once more changes nothing."""
        return self._connection.call(_CREATE, request).strategy

    def update(self, request: strategy_pb2.UpdateStrategyRequest) -> strategy_pb2.Strategy:
        """Change a strategy that does not run; the same once more changes nothing."""
        return self._connection.call(_UPDATE, request).strategy

    def start(self, name: str) -> strategy_pb2.Strategy:
        """Run a strategy on paper."""
        request = strategy_pb2.StartStrategyRequest(name=name)
        return self._connection.call(_START, request).strategy

    def go_live(self, name: str, acknowledgement: str = "") -> strategy_pb2.Strategy:
        """Let a strategy trade its budget; the refusal says which sentence it asks for."""
        request = strategy_pb2.GoLiveRequest(name=name, acknowledgement=acknowledgement)
        return self._connection.call(_LIVE, request).strategy

    def pause(self, name: str) -> strategy_pb2.Strategy:
        """End the process of a strategy and cancel its orders."""
        request = strategy_pb2.PauseStrategyRequest(name=name)
        return self._connection.call(_PAUSE, request).strategy

    def resume(self, name: str) -> strategy_pb2.Strategy:
        """Go on with a strategy that is paused."""
        request = strategy_pb2.ResumeStrategyRequest(name=name)
        return self._connection.call(_RESUME, request).strategy

    def stop(self, name: str) -> strategy_pb2.Strategy:
        """End a strategy; one that is live gives back what it has."""
        request = strategy_pb2.StopStrategyRequest(name=name)
        return self._connection.call(_STOP, request).strategy

    def revoke(self, name: str) -> strategy_pb2.Strategy:
        """End a strategy for ever."""
        request = strategy_pb2.RevokeStrategyRequest(name=name)
        return self._connection.call(_REVOKE, request).strategy

    def get(self, name: str) -> strategy_pb2.Strategy:
        """How a strategy stands."""
        request = strategy_pb2.GetStrategyRequest(name=name)
        return self._connection.call(_GET, request).strategy

    def all(self) -> list[strategy_pb2.Strategy]:
        """All of them, oldest first."""
        return list(self.listed().strategies)

    def operated(self) -> list[strategy_pb2.OperatedStrategy]:
        """Those that the house's operator runs in one's sub-accounts, by name."""
        return list(self.listed().operated)

    def listed(self) -> strategy_pb2.ListStrategiesResponse:
        """Both of one moment: one's own strategies, and the operator's in one's sub-accounts."""
        return self._connection.call(_LIST, strategy_pb2.ListStrategiesRequest())

    def performance(self, name: str) -> list[strategy_pb2.StrategyPerformance]:
        """How a strategy has done, in each stage that it has been in.

        ``daily`` of each tells it by UTC days, oldest first. What is not known of a day is empty:
        it is not nothing.
        """
        request = strategy_pb2.GetStrategyPerformanceRequest(name=name)
        return list(self._connection.call(_PERFORMANCE, request).stages)

    def parity(self, name: str) -> list[strategy_pb2.ParityCertificate]:
        """Whether a strategy did what it does when it is told the same again, newest first."""
        request = strategy_pb2.GetStrategyParityRequest(name=name)
        return list(self._connection.call(_PARITY, request).certificates)

    def explain(
        self, *, order_id: str = "", client_order_id: str = "", subaccount: str = ""
    ) -> strategy_pb2.ExplainOrderResponse:
        """Why an order was placed, by whom, and what became of it."""
        request = strategy_pb2.ExplainOrderRequest(
            subaccount=subaccount, order_id=order_id, client_order_id=client_order_id
        )
        return self._connection.call(_EXPLAIN, request)
