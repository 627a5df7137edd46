"""WalletService: what a purse owns, and how it came to."""

from __future__ import annotations

from xache.v1 import wallet_pb2

from xached.actors.history import History
from xached.actors.matching import Matching
from xached.api import convert
from xached.api.paging import read_page, write_token
from xached.api.routes import Call
from xached.domain.instrument import Directory
from xached.domain.market_messages import TransferFunds, Transferred
from xached.domain.money import format_units, parse_decimal
from xached.domain.order import account_of, make_purse
from xached.domain.position import Position
from xached.domain.queries import PurseQuery


class WalletHandlers:
    """Handlers of WalletService, for every transport."""

    def __init__(self, matching: Matching, directory: Directory, history: History) -> None:
        self._matching = matching
        self._directory = directory
        self._history = history

    async def get_balances(
        self, call: Call, _request: wallet_pb2.GetBalancesRequest
    ) -> wallet_pb2.GetBalancesResponse:
        """Tell the balances of a purse, each hold with its order."""
        purse = await self._matching.query(PurseQuery(call.purse), account=account_of(call.purse))
        return wallet_pb2.GetBalancesResponse(
            balances=convert.balance_messages(purse.balances, purse.orders, self._directory),
            seq=purse.seq,
        )

    async def transfer_funds(
        self, call: Call, request: wallet_pb2.TransferFundsRequest
    ) -> wallet_pb2.TransferFundsResponse:
        """Move money between two purses of the caller's own."""
        asset = self._directory.asset(request.asset)
        command = TransferFunds(
            source=call.purse,
            target=make_purse(account_of(call.purse), request.target_subaccount),
            asset=asset.name,
            amount_units=parse_decimal(request.amount, asset.scale),
            request_id=convert.required_id(request.request_id),
        )
        row = await self._matching.execute(
            command, account=account_of(call.purse), deadline=call.deadline_s
        )
        (moved,) = (event for event in row.events if isinstance(event, Transferred))
        return wallet_pb2.TransferFundsResponse(
            positions=[
                convert.position_message(
                    each.symbol,
                    Position(each.quantity_lots, each.cost_units),
                    self._directory[each.symbol],
                )
                for each in moved.positions
            ],
            at_ns=row.at_ns,
            seq=row.seq,
        )

    async def list_transactions(
        self, call: Call, request: wallet_pb2.ListTransactionsRequest
    ) -> wallet_pb2.ListTransactionsResponse:
        """List what moved in and out of a purse, newest first."""
        page = read_page(request.page_size, request.page_token)
        asset = self._directory.asset(request.asset).name if request.asset else None
        await self._history.wait_for(request.min_seq)
        found = await self._history.transactions(call.purse, asset, page.before, page.size)
        return wallet_pb2.ListTransactionsResponse(
            transactions=[
                wallet_pb2.Transaction(
                    seq=entry.seq,
                    at_ns=entry.at_ns,
                    kind=convert.wire(entry.kind),
                    asset=entry.asset,
                    amount=format_units(
                        entry.amount_units, self._directory.assets[entry.asset].scale
                    ),
                    reference=entry.reference,
                )
                for entry in found.items
            ],
            next_page_token=write_token(found.next_before),
            as_of_seq=found.as_of_seq,
        )
