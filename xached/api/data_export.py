"""Everything the house knows of a person, as files: for them and for nobody else.

``account.json`` is every row of the vault that is theirs, sealed columns opened; ``standing.json``
is what the exchange knows of the account; then trades, movements of money and orders of every
purse as CSV and JSON lines, and once more in ``paper/`` those of the paper exchange. In
``strategies/`` is what tables know of their strategies, rules and backtests, and what these saved,
were told and wanted, and how they were judged; in ``documents/`` each document as it was uploaded.

:data:`EXPORTED` and :data:`NOT_STORED` name every field of the API that is marked personal, and
where its content is in the export, or why the house does not have it. A test keeps them complete.
"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Final

import attrs
from google.protobuf import json_format

from xached.actors.history import History
from xached.actors.matching import Matching
from xached.api import convert
from xached.api.auth import Sessions, ask_sessions, caller_of
from xached.api.routes import Call
from xached.api.trade_report import report_trades
from xached.domain.erasure import AccountExport, ExportAccount
from xached.domain.instrument import Directory, Instrument
from xached.domain.kyc import ChunkView, GetKyc, KycDocument, KycStanding, MediaType, ViewChunk
from xached.domain.money import format_units
from xached.domain.order import AccountId, subaccount_of
from xached.domain.position import Position
from xached.domain.queries import DisclosuresQuery, PurseQuery, PursesQuery
from xached.storage.strategy_tables import StrategyRecords, tables_of_accounts

PAGE: Final = 200

_EXTENSIONS = {MediaType.PDF: "pdf", MediaType.JPEG: "jpg", MediaType.PNG: "png"}

EXPORTED: Final[Mapping[str, str]] = {
    "RegisterRequest.email": "account.json accounts.email_sealed",
    "GetAccountResponse.email": "account.json accounts.email_sealed",
    "BootstrapAdminRequest.email": "account.json accounts.email_sealed",
    "FindAccountResponse.email": "account.json accounts.email_sealed",
    "LoginRequest.device": "account.json sessions.device_sealed",
    "Session.device": "account.json sessions.device_sealed",
    "Session.address": "account.json sessions.address_sealed",
    "Session.place": "account.json sessions.address_sealed",
    "PersonDetails.name": "account.json kyc_applications.details_sealed",
    "PersonDetails.birth_date": "account.json kyc_applications.details_sealed",
    "PersonDetails.country": "account.json kyc_applications.details_sealed",
    "PersonDetails.address": "account.json kyc_applications.details_sealed",
    "UploadDocumentRequest.content": "documents/",
    "ViewDocumentResponse.content": "documents/",
    "ExportDataResponse.content": "the export itself",
    "Review.reason": "account.json kyc_reviews.reason_sealed",
    "ApiKey.label": "account.json api_keys.label_sealed",
    "CreateApiKeyRequest.label": "account.json api_keys.label_sealed",
    "KeyTerms.networks": "account.json api_keys.networks_sealed",
    "SetAllowListRequest.networks": "account.json allow_lists.networks_sealed",
    "GetGuardsResponse.networks": "account.json allow_lists.networks_sealed",
    "StartEmailChangeRequest.email": "account.json delayed_changes.email_sealed",
    "DelayedChange.email": "account.json delayed_changes.email_sealed",
    "Profile.display_name": "account.json profiles.profile_sealed",
    "Profile.time_zone": "account.json profiles.profile_sealed",
    "Profile.base_currency": "account.json profiles.profile_sealed",
    "Activity.address": "account.json activity.origin_sealed",
    "Activity.place": "account.json activity.origin_sealed",
    "Activity.device": "account.json activity.origin_sealed",
    "DelayedChange.networks": "account.json delayed_changes.networks_sealed",
    "ReviewApplicationRequest.reason": "account.json kyc_reviews.reason_sealed",
    "Application.reason": "account.json kyc_reviews.reason_sealed",
}
"""Personal fields of messages, and where what is stored of them is exported."""

WITHHELD: Final[Mapping[str, str]] = {
    "ViewCaseResponse.facts": "cases are not disclosed: Directive (EU) 2015/849, article 39",
    "ViewCaseResponse.reason": "cases are not disclosed: Directive (EU) 2015/849, article 39",
    "DecideCaseRequest.reason": "cases are not disclosed: Directive (EU) 2015/849, article 39",
}
"""Personal fields that are stored and that the law forbids to hand over."""

NOT_STORED: Final[Mapping[str, str]] = {
    "LoginRequest.email": "compared by its keyed hash and forgotten",
    "FindAccountRequest.email": "compared by its keyed hash and forgotten",
    "StartRecoveryRequest.email": "compared by its keyed hash and forgotten",
    "WhatCanThisKeyDoResponse.address": "where the call comes from; told, not kept",
}
"""Personal fields whose content the house does not keep, and why."""


NOT_OPEN: Final = b"This exchange is not open now. Ask for the export again to have it.\n"

ROWS_AT_ONCE: Final = 16
"""Of a table of strategies.db: a reason may have 30 kB, a report more."""


@attrs.frozen(kw_only=True)
class ExportedExchange:
    """An exchange, and where in the export it is."""

    folder: str
    matching: Matching
    directory: Directory
    history: Callable[[], History | None]
    """None while it is not open."""


FilesOf = Callable[[AccountId], AsyncIterator[tuple[str, bytes]]]
"""What is kept of an account in files: (file name, its next bytes), in bounded pieces."""


async def export_data(
    call: Call,
    sessions: Sessions,
    exchanges: Sequence[ExportedExchange],
    records: StrategyRecords,
    files_of: FilesOf,
) -> AsyncIterator[tuple[str, bytes]]:
    """Yield (file name, its next bytes) of everything of the caller, in bounded pieces."""
    account_id = caller_of(call).account_id
    export = await ask_sessions(sessions, call, ExportAccount(account_id=account_id), AccountExport)
    tables: dict[str, list[dict[str, str]]] = {}
    for row in export.rows:
        tables.setdefault(row.table, []).append(dict(row.fields))
    yield "account.json", _json(tables)
    for exchange in exchanges:
        history = exchange.history()
        if history is None:
            yield f"{exchange.folder}NOT-OPEN.txt", NOT_OPEN
            continue
        async for name, piece in _traded(exchange, history, account_id):
            yield f"{exchange.folder}{name}", piece
    for table in tables_of_accounts():
        skip = 0
        while rows := await records.rows_of(account_id, table, skip, ROWS_AT_ONCE):
            yield f"strategies/{table}.jsonl", b"".join(_line(_readable(row)) for row in rows)
            skip += len(rows)
    async for name, piece in files_of(account_id):
        yield name, piece
    standing = await ask_sessions(sessions, call, GetKyc(account_id=account_id), KycStanding)
    for document in standing.documents:
        async for piece in _document(call, sessions, account_id, document):
            yield (
                f"documents/{document.document_id}.{_EXTENSIONS[document.media_type]}",
                piece,
            )


async def _traded(
    exchange: ExportedExchange, history: History, account_id: AccountId
) -> AsyncIterator[tuple[str, bytes]]:
    matching, directory = exchange.matching, exchange.directory
    yield "standing.json", _json(await _standing(matching, directory, account_id))
    async for piece in report_trades(matching, history, directory, account_id, 0, 0):
        yield "trades.csv", piece
    for purse in await matching.query(PursesQuery(account_id), account=account_id):
        name = subaccount_of(purse.purse)
        before: int | None = None
        while True:
            orders = await history.orders(purse.purse, None, before, PAGE)
            for order in orders.items:
                instrument = directory.instrument(order.symbol)
                message = convert.order_message(order, instrument)
                yield f"orders/{name}.jsonl", _line(json_format.MessageToDict(message))
            before = orders.next_before
            if before is None:
                break
        while True:
            moved = await history.transactions(purse.purse, None, before, PAGE)
            for each in moved.items:
                scale = directory.asset(each.asset).scale
                yield (
                    f"transactions/{name}.jsonl",
                    _line(
                        {
                            "seq": each.seq,
                            "at_ns": each.at_ns,
                            "kind": each.kind.name,
                            "asset": each.asset,
                            "amount": format_units(each.amount_units, scale),
                            "reference": each.reference,
                        }
                    ),
                )
            before = moved.next_before
            if before is None:
                break


async def _document(
    call: Call, sessions: Sessions, account_id: AccountId, document: KycDocument
) -> AsyncIterator[bytes]:
    for index in range(document.chunks):
        message = ViewChunk(document_id=document.document_id, index=index, by=account_id)
        view = await ask_sessions(sessions, call, message, ChunkView)
        yield view.content


async def _standing(
    matching: Matching, directory: Directory, account_id: AccountId
) -> dict[str, Any]:
    disclosures = await matching.query(DisclosuresQuery(account_id), account=account_id)
    purses: dict[str, Any] = {}
    for purse in await matching.query(PursesQuery(account_id), account=account_id):
        snapshot = await matching.query(PurseQuery(purse.purse), account=account_id)
        purses[subaccount_of(purse.purse)] = {
            "balances": {
                asset: {
                    "available": format_units(funds.available, directory.asset(asset).scale),
                    "held": format_units(funds.held, directory.asset(asset).scale),
                }
                for asset, funds in snapshot.balances.items()
            },
            "positions": {
                symbol: _position(position, directory.instrument(symbol))
                for symbol, position in snapshot.positions.items()
            },
            "frozen": purse.frozen,
        }
    return {
        "account_id": account_id,
        "disclosures_accepted": {
            each.disclosure.name: each.accepted_version for each in disclosures
        },
        "purses": purses,
    }


def _position(position: Position, instrument: Instrument) -> dict[str, str]:
    return {
        "quantity": instrument.format_quantity(position.quantity_lots),
        "cost": instrument.format_quote(position.cost_units),
        "realised": instrument.format_quote(position.realised_units),
    }


def _readable(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: base64.b64encode(value).decode() if isinstance(value, bytes) else value
        for name, value in row.items()
    }


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=2).encode() + b"\n"


def _line(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"
