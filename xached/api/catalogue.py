"""StrategyService: the plugins that strategies can be made of."""

from __future__ import annotations

from xache.v1 import strategy_pb2

from xached.actors.plugins import Offer, PluginDesk
from xached.api.routes import Call
from xached.domain.plugins import LookAhead


class CatalogueHandlers:
    """Handlers of StrategyService about plugins."""

    def __init__(self, desk: PluginDesk) -> None:
        self._desk = desk

    async def list_strategy_plugins(
        self, _call: Call, _request: strategy_pb2.ListStrategyPluginsRequest
    ) -> strategy_pb2.ListStrategyPluginsResponse:
        """List what is approved."""
        offers = await self._desk.catalogue()
        return strategy_pb2.ListStrategyPluginsResponse(plugins=map(_plugin, offers))


def _plugin(offer: Offer) -> strategy_pb2.StrategyPlugin:
    approval, description = offer.approval, offer.description
    return strategy_pb2.StrategyPlugin(
        name=approval.plugin.name,
        version=approval.plugin.version,
        about=description.about,
        settings_schema_json=description.settings_schema,
        digest=description.digest,
        look_ahead_passed=approval.look_ahead is LookAhead.PASSED,
    )
