"""A strategy's orders as commands of the house: its text becomes ticks, lots and units."""

from __future__ import annotations

from collections.abc import Mapping

from xached.adapters.child_frames import client_order_id
from xached.adapters.child_intents import AmendIntent, PlaceIntent, ReplaceIntent, TriggerTerms
from xached.domain.instrument import Instrument, Symbol, parse_steps, unknown_instrument
from xached.domain.messages import AmendOrder, PlaceOrder, ReplaceOrder
from xached.domain.money import parse_decimal
from xached.domain.order import Purse, SelfTradePrevention, Trigger
from xached.domain.rejection import Reason


class RunCommands:
    """Reads the intents of one run, which trades one purse and knows some markets.

    Every method raises Rejection for what is no step of its market, or a market it does not know.
    """

    def __init__(self, purse: Purse, run_id: str, instruments: Mapping[Symbol, Instrument]) -> None:
        self._purse = purse
        self._run_id = run_id
        self._instruments = instruments

    def place(self, intent: PlaceIntent) -> PlaceOrder:
        """A new order."""
        instrument = self._instrument(intent.symbol)
        return PlaceOrder(
            purse=self._purse,
            client_order_id=client_order_id(self._run_id, intent.id),
            symbol=intent.symbol,
            side=intent.side,
            type=intent.type,
            time_in_force=intent.time_in_force,
            price_ticks=None if intent.price is None else instrument.parse_price(intent.price),
            quantity_lots=_lots(intent.quantity, instrument),
            quote_units=(
                None
                if intent.quote_quantity is None
                else parse_decimal(intent.quote_quantity, instrument.quote_scale, "quote_quantity")
            ),
            post_only=intent.post_only,
            # Two strategies of one account must not be able to block each other.
            self_trade_prevention=SelfTradePrevention.EXPIRE_MAKER,
            expires_at_ns=intent.expires_at_ns,
            trigger=None if intent.trigger is None else _trigger(intent.trigger, instrument),
            display_lots=_lots(intent.display_quantity, instrument, "display_quantity"),
            reduce_only=intent.reduce_only,
            slide=intent.slide,
        )

    def amend(self, intent: AmendIntent) -> AmendOrder:
        """Less of an order of this run."""
        instrument = self._instrument(intent.symbol)
        return AmendOrder(
            purse=self._purse,
            symbol=intent.symbol,
            order_id=None,
            client_order_id=client_order_id(self._run_id, intent.id),
            quantity_lots=instrument.parse_quantity(intent.quantity),
            expected_executed_lots=None,
            request_id="",
        )

    def replace(self, intent: ReplaceIntent) -> ReplaceOrder:
        """One order of this run for another."""
        instrument = self._instrument(intent.symbol)
        return ReplaceOrder(
            purse=self._purse,
            symbol=intent.symbol,
            replaced_order_id=None,
            replaced_client_order_id=client_order_id(self._run_id, intent.id),
            client_order_id=client_order_id(self._run_id, intent.new_id),
            price_ticks=None if intent.price is None else instrument.parse_price(intent.price),
            quantity_lots=_lots(intent.quantity, instrument),
            stop_ticks=_ticks(intent.trigger_price, instrument, "stop_price"),
            display_lots=_lots(intent.display_quantity, instrument, "display_quantity"),
            expires_at_ns=intent.expires_at_ns,
            expected_executed_lots=None,
        )

    def _instrument(self, symbol: Symbol) -> Instrument:
        instrument = self._instruments.get(symbol)
        if instrument is None:
            raise unknown_instrument(symbol)
        return instrument


def _trigger(terms: TriggerTerms, instrument: Instrument) -> Trigger:
    return Trigger(
        source=terms.source,
        stop_ticks=_ticks(terms.stop_price, instrument, "stop_price"),
        trail_bps=terms.trail_bps,
        trail_ticks=_ticks(terms.trail_offset, instrument, "trail_offset"),
        activation_ticks=_ticks(terms.activation_price, instrument, "activation_price"),
    )


def _ticks(text: str | None, instrument: Instrument, field: str) -> int | None:
    if text is None:
        return None
    return parse_steps(text, instrument.tick_step, instrument.price_scale, field, Reason.PRICE_TICK)


def _lots(text: str | None, instrument: Instrument, field: str = "quantity") -> int | None:
    if text is None:
        return None
    return parse_steps(
        text, instrument.lot_units, instrument.base_scale, field, Reason.QUANTITY_LOT
    )
