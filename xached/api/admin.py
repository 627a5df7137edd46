"""AdminService: running the house. Routed on the admin listener only."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Final

import attrs
import trio
from xache.v1 import admin_pb2, risk_pb2

from xached.actors.matching import Matching
from xached.api import convert, listing
from xached.api.auth import (
    Sessions,
    ask_sessions,
    bootstrap_admin,
    caller_of,
    set_impediment,
    set_role,
)
from xached.api.fees import read_tiers, tier_message
from xached.api.risk import restraints_message
from xached.api.routes import Call
from xached.domain.auth import Done, RevokeSessions
from xached.domain.instrument import Asset, AssetName, Directory
from xached.domain.key_epochs import KeysRotating, RotateKeys, RotateUserKeys
from xached.domain.market_messages import (
    ChangeInstrument,
    DelistAsset,
    DelistInstrument,
    SetFeeTiers,
)
from xached.domain.messages import (
    Command,
    Deposit,
    FreezePurse,
    ListAsset,
    ListInstrument,
    OpenPurse,
    SetHalt,
    SetMark,
    SetMarketState,
    SetRiskLimits,
)
from xached.domain.money import parse_decimal
from xached.domain.order import AccountId, Purse, check_id, make_purse
from xached.domain.paper import check_not_paper
from xached.domain.protection_messages import SetTradeGroup
from xached.domain.queries import FeeTiersQuery, RiskQuery
from xached.domain.rejection import Reason, Rejection
from xached.runtime.mailbox import Overloaded

RESTRAINTS_S_MAX: Final = 1.0
"""Who asks how the house is does not wait longer for an exchange that hangs."""


@attrs.frozen(kw_only=True)
class ActorReport:
    """How one actor is doing, with its own figures."""

    name: str
    state: str
    restarts: int
    failure: str
    statistics: dict[str, int]


@attrs.frozen(kw_only=True)
class HouseReport:
    """How the daemon is doing."""

    version: str
    ready_at_ns: int
    journal_seq: int
    views_seq: int
    actors: tuple[ActorReport, ...]


class AdminHandlers:
    """Handlers of AdminService; every change is journaled with its administrator."""

    def __init__(
        self,
        matching: Matching,
        directory: Directory,
        sessions: Sessions,
        report: Callable[[], HouseReport],
    ) -> None:
        self._matching = matching
        self._directory = directory
        self._report = report
        self._sessions = sessions

    async def bootstrap_admin(
        self, call: Call, request: admin_pb2.BootstrapAdminRequest
    ) -> admin_pb2.BootstrapAdminResponse:
        """Make the first administrator with the one-time token."""
        return await bootstrap_admin(self._sessions, call, request)

    async def set_role(
        self, call: Call, request: admin_pb2.SetRoleRequest
    ) -> admin_pb2.SetRoleResponse:
        """Give or take a role."""
        return await set_role(self._sessions, call, request)

    async def set_impediment(
        self, call: Call, request: admin_pb2.SetImpedimentRequest
    ) -> admin_pb2.SetImpedimentResponse:
        """Suspend or freeze an account, or let it act again."""
        return await set_impediment(self._sessions, call, request)

    async def end_sessions(
        self, call: Call, request: admin_pb2.EndSessionsRequest
    ) -> admin_pb2.EndSessionsResponse:
        """End all sessions of an account."""
        message = RevokeSessions(account_id=AccountId(request.account_id))
        await ask_sessions(self._sessions, call, message, Done, urgent=True)
        return admin_pb2.EndSessionsResponse()

    async def rotate_keys(
        self, call: Call, _request: admin_pb2.RotateKeysRequest
    ) -> admin_pb2.RotateKeysResponse:
        """Exchange the key that wraps the keys of users."""
        message = RotateKeys(by=caller_of(call).account_id)
        rotating = await ask_sessions(self._sessions, call, message, KeysRotating)
        return admin_pb2.RotateKeysResponse(epoch=rotating.newest, rewrapped=rotating.rewrapped)

    async def rotate_user_keys(
        self, call: Call, request: admin_pb2.RotateUserKeysRequest
    ) -> admin_pb2.RotateUserKeysResponse:
        """Give a person new keys, and seal what the house keeps of them anew."""
        message = RotateUserKeys(
            account_id=AccountId(request.account_id), by=caller_of(call).account_id
        )
        await ask_sessions(self._sessions, call, message, Done)
        return admin_pb2.RotateUserKeysResponse()

    async def list_asset(
        self, call: Call, request: admin_pb2.ListAssetRequest
    ) -> admin_pb2.ListAssetResponse:
        """List an asset."""
        asset = Asset(AssetName(request.asset.name), request.asset.scale)
        command = ListAsset(asset=asset, request_id=convert.optional_id(request.request_id))
        return admin_pb2.ListAssetResponse(seq=await self._seq_of(call, command))

    async def list_instrument(
        self, call: Call, request: admin_pb2.ListInstrumentRequest
    ) -> admin_pb2.ListInstrumentResponse:
        """List an instrument."""
        command = ListInstrument(
            instrument=listing.listed_instrument(request.instrument, self._directory),
            request_id=convert.optional_id(request.request_id),
        )
        return admin_pb2.ListInstrumentResponse(seq=await self._seq_of(call, command))

    async def change_instrument(
        self, call: Call, request: admin_pb2.ChangeInstrumentRequest
    ) -> admin_pb2.ChangeInstrumentResponse:
        """Give a listed instrument other rules."""
        command = ChangeInstrument(
            instrument=listing.listed_instrument(request.instrument, self._directory),
            request_id=convert.optional_id(request.request_id),
        )
        return admin_pb2.ChangeInstrumentResponse(seq=await self._seq_of(call, command))

    async def delist_instrument(
        self, call: Call, request: admin_pb2.DelistInstrumentRequest
    ) -> admin_pb2.DelistInstrumentResponse:
        """Take an instrument off the list."""
        command = DelistInstrument(
            symbol=self._directory.instrument(request.symbol).symbol,
            cause=convert.cause(request.cause),
            request_id=convert.optional_id(request.request_id),
        )
        return admin_pb2.DelistInstrumentResponse(seq=await self._seq_of(call, command))

    async def delist_asset(
        self, call: Call, request: admin_pb2.DelistAssetRequest
    ) -> admin_pb2.DelistAssetResponse:
        """Take an asset off the list."""
        command = DelistAsset(
            asset=self._directory.asset(request.asset).name,
            cause=convert.cause(request.cause),
            request_id=convert.optional_id(request.request_id),
        )
        return admin_pb2.DelistAssetResponse(seq=await self._seq_of(call, command))

    async def get_fee_tiers(
        self, _call: Call, _request: admin_pb2.GetFeeTiersRequest
    ) -> admin_pb2.GetFeeTiersResponse:
        """Tell the house's table of fee tiers."""
        tiers = await self._matching.query(FeeTiersQuery())
        return admin_pb2.GetFeeTiersResponse(
            tiers=[tier_message(tier, self._directory) for tier in tiers]
        )

    async def set_fee_tiers(
        self, call: Call, request: admin_pb2.SetFeeTiersRequest
    ) -> admin_pb2.SetFeeTiersResponse:
        """Set the house's whole table of fee tiers."""
        command = SetFeeTiers(
            tiers=read_tiers(request.tiers, self._directory),
            request_id=convert.optional_id(request.request_id),
        )
        return admin_pb2.SetFeeTiersResponse(seq=await self._seq_of(call, command))

    async def set_market_state(
        self, call: Call, request: admin_pb2.SetMarketStateRequest
    ) -> admin_pb2.SetMarketStateResponse:
        """Say what an instrument lets people do."""
        command = SetMarketState(
            symbol=self._directory.instrument(request.symbol).symbol,
            state=convert.market_state(request.state),
            cause=convert.shown_cause(request.cause),
            request_id=convert.optional_id(request.request_id),
        )
        return admin_pb2.SetMarketStateResponse(seq=await self._seq_of(call, command))

    async def set_mark(
        self, call: Call, request: admin_pb2.SetMarkRequest
    ) -> admin_pb2.SetMarkResponse:
        """Set the reference price that price bands are measured from."""
        instrument = self._directory.instrument(request.symbol)
        command = SetMark(
            symbol=instrument.symbol,
            price_ticks=instrument.parse_price(request.price),
            source="ADMIN",
            request_id=convert.optional_id(request.request_id),
        )
        return admin_pb2.SetMarkResponse(seq=await self._seq_of(call, command))

    async def set_risk_limits(
        self, call: Call, request: admin_pb2.SetRiskLimitsRequest
    ) -> admin_pb2.SetRiskLimitsResponse:
        """Set the limits of one purse."""
        limits = tuple(
            (asset.name, parse_decimal(text, asset.scale, "max_order_notional"))
            for asset, text in (
                (self._directory.asset(name), text)
                for name, text in sorted(request.max_order_notional.items())
            )
        )
        command = SetRiskLimits(
            purse=_purse(request.account_id, request.subaccount),
            max_open_orders=request.max_open_orders,
            max_order_notional_units=limits,
            request_id=convert.optional_id(request.request_id),
        )
        return admin_pb2.SetRiskLimitsResponse(seq=await self._seq_of(call, command))

    async def set_halt(
        self, call: Call, request: admin_pb2.SetHaltRequest
    ) -> admin_pb2.SetHaltResponse:
        """Halt the whole house, or lift the halt."""
        command = SetHalt(
            halted=request.halted,
            cause=convert.shown_cause(request.cause),
            request_id=convert.optional_id(request.request_id),
        )
        return admin_pb2.SetHaltResponse(seq=await self._seq_of(call, command))

    async def open_purse(
        self, call: Call, request: admin_pb2.OpenPurseRequest
    ) -> admin_pb2.OpenPurseResponse:
        """Open a purse of an account."""
        command = OpenPurse(
            purse=_purse(request.account_id, request.subaccount),
            simulated=request.simulated,
            request_id=convert.optional_id(request.request_id),
        )
        return admin_pb2.OpenPurseResponse(seq=await self._seq_of(call, command))

    async def freeze_purse(
        self, call: Call, request: admin_pb2.FreezePurseRequest
    ) -> admin_pb2.FreezePurseResponse:
        """Freeze a purse, or lift its freeze."""
        command = FreezePurse(
            purse=_purse(request.account_id, request.subaccount),
            frozen=request.frozen,
            cause=convert.cause(request.cause),
            request_id=convert.optional_id(request.request_id),
        )
        return admin_pb2.FreezePurseResponse(seq=await self._seq_of(call, command))

    async def set_trade_group(
        self, call: Call, request: admin_pb2.SetTradeGroupRequest
    ) -> admin_pb2.SetTradeGroupResponse:
        """Put an account into a trade group, or take it out."""
        command = SetTradeGroup(
            account_id=AccountId(check_id(request.account_id, "account_id")),
            group=check_id(request.group, "group") if request.group else None,
            cause=convert.cause(request.cause),
            request_id=convert.optional_id(request.request_id),
        )
        return admin_pb2.SetTradeGroupResponse(seq=await self._seq_of(call, command))

    async def deposit(
        self, call: Call, request: admin_pb2.DepositRequest
    ) -> admin_pb2.DepositResponse:
        """Credit money that came in from outside."""
        asset = self._directory.asset(request.asset)
        command = Deposit(
            purse=_purse(request.account_id, request.subaccount),
            asset=asset.name,
            amount_units=parse_decimal(request.amount, asset.scale),
            request_id=convert.required_id(request.request_id),
        )
        return admin_pb2.DepositResponse(seq=await self._seq_of(call, command))

    async def get_health(
        self, _call: Call, _request: admin_pb2.GetHealthRequest
    ) -> admin_pb2.GetHealthResponse:
        """Tell how every part of the daemon is doing."""
        report = self._report()
        return admin_pb2.GetHealthResponse(
            restraints=await self._restraints(),
            version=report.version,
            ready_at_ns=report.ready_at_ns,
            journal_seq=report.journal_seq,
            views_seq=report.views_seq,
            actors=[
                admin_pb2.ActorHealth(
                    name=actor.name,
                    state=actor.state,
                    restarts=actor.restarts,
                    failure=actor.failure,
                    statistics=actor.statistics,
                )
                for actor in report.actors
            ],
        )

    async def _restraints(self) -> risk_pb2.HouseRestraints | None:
        """None while the exchange is too busy: health has to be told all the same."""
        with trio.move_on_after(RESTRAINTS_S_MAX), contextlib.suppress(Overloaded):
            return restraints_message(await self._matching.query(RiskQuery()))
        return None

    async def _seq_of(self, call: Call, command: Command) -> int:
        by = caller_of(call).account_id
        row = await self._matching.direct(command, by, deadline=call.deadline_s)
        return row.seq


def _purse(account_id: str, subaccount: str) -> Purse:
    if not account_id:
        raise Rejection(
            Reason.FIELD_REQUIRED,
            "whose purse?",
            field="account_id",
            given="nothing",
            allowed="an account id",
        )
    return check_not_paper(make_purse(check_id(account_id, "account_id"), subaccount))
