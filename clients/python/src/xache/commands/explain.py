"""Why an order was placed."""

from __future__ import annotations

from xache.client import Client
from xache.commands.options import NO_PURSE_OPTIONS, PurseOptions
from xache.commands.order import OwnId, one_name
from xache.errors import Refused
from xache.reason_view import show_explanation
from xache.v1 import strategy_pb2


def explain(
    order_id: str = "",
    /,
    *,
    own_id: OwnId = "",
    options: PurseOptions = NO_PURSE_OPTIONS,
) -> None:
    """Tell why an order was placed: by whom, and what a strategy said and had seen.

    Without --subaccount it is looked for in every purse of yours, main first.

    Args:
        order_id: the order, by the house's id or yours. One of digits only is the house's. The
            newest of the purse when left out.
        own_id: the order, by your id.
    """
    newest = not order_id and not own_id
    house_id, own_id = ("", "") if newest else one_name(order_id, own_id)
    with options.connected() as (client, output):
        if newest:
            found = next(client.trading.orders(subaccount=options.subaccount, page_size=1), None)
            if found is None:
                output.note("No order yet.")
                return
            house_id = found.order_id
        told = _explained(client, house_id, own_id, options.subaccount)
        if output.as_json:
            output.document(told)
            return
        show_explanation(output, told, client.market.instruments())


def _explained(
    client: Client, house_id: str, own_id: str, subaccount: str
) -> strategy_pb2.ExplainOrderResponse:
    """The order of this purse, or of the first that has it. Raises: Refused."""
    try:
        return client.strategies.explain(
            order_id=house_id, client_order_id=own_id, subaccount=subaccount
        )
    except Refused as error:
        if error.code != "NOT_FOUND" or subaccount:
            raise
        missing = error
    for each in client.account.subaccounts()[1:]:
        try:
            return client.strategies.explain(
                order_id=house_id, client_order_id=own_id, subaccount=each.name
            )
        except Refused as error:
            if error.code != "NOT_FOUND":
                raise
    raise missing
