"""The demo: a living market on real recorded data, in a data directory of its own.

The venue's market is a recording, re-stamped to now and played for ever; XACHE's own market is
made by two house purses (a market maker and a flow of takers), is labelled simulated and counts
for no volume. A demo trader has funds and a strategy that trades some of them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs

from xached.actors.market.data import MarketData
from xached.actors.strategies.surroundings import StrategyConfig
from xached.adapters.feeds.history import SHIPPED, load_history, restamp_history
from xached.adapters.feeds.recorded import (
    PrePlayed,
    RecordedFeed,
    Recording,
    load_recording,
    preplay,
)
from xached.api.guest import Guest
from xached.daemon import Attachments
from xached.demo.model import read_demo_model
from xached.domain.auth import AccountOpened, Login, Logout, Register, SessionGranted
from xached.domain.instrument import AssetName, Symbol
from xached.domain.market import BINANCE, Provenance, Source
from xached.domain.messages import Deposit, OpenPurse
from xached.domain.money import parse_decimal
from xached.domain.order import MAIN, AccountId, Purse, make_purse
from xached.domain.rejection import Reason, Rejection
from xached.house.core import House

MAKER = AccountId("housemaker")
FLOW = AccountId("houseflow")
"""House accounts: no person, no log-in. Two, so that they may trade with each other."""

TRADER_EMAIL = "trader@demo.example"
TRADER_FILE = "demo-trader.json"
SMA = "sma"
LIGHTGBM = "lightgbm"
PAPER_PURSE = "paper-lightgbm"

PREPLAYED_LOOPS = 18
"""One hour and three quarters of one-second candles before the demo starts."""

MAKER_GRANTS = {"BTC": "100", "ETH": "2000", "USDT": "20000000"}
FLOW_GRANTS = {"BTC": "100", "ETH": "2000", "USDT": "20000000"}
TRADER_GRANTS = {"BTC": "0.5", "ETH": "5", "USDT": "25000"}
SMA_GRANTS = {"USDT": "5000"}

HISTORIES = ("btc-usdt-2024", "eth-usdt-2024")
"""What the shipped candles are called, to run backtests over."""

LIGHTGBM_SETTINGS = {
    "symbol": "BTC-USDT",
    "venue": BINANCE,
    "budget": "1000",
    # Paper charges no fee, and its orders take what the venue shows.
    "fee_ppm": 0,
    "half_spread_ppm": 1,
    "slippage_ppm": 1,
}

MAKER_SETTINGS = {
    "BTC-USDT": {"inventory_min": "5", "inventory_max": "195", "half_spread_bp": "1"},
    "ETH-USDT": {"inventory_min": "100", "inventory_max": "3900", "half_spread_bp": "1"},
}


class DemoDamaged(Exception):  # noqa: N818 - it says what is the matter
    """The data directory is not a demo's, or its trader's file is gone."""


@attrs.frozen(kw_only=True)
class Trader:
    """The demo trader, who keeps account and password over restarts."""

    email: str
    password: str
    account_id: AccountId


async def attach_demo(house: House, speed: float) -> tuple[Attachments, Trader]:
    """Open the demo's purses, grant its money once, and get feeds and strategies ready."""
    trader = await _trader(house)
    main = make_purse(trader.account_id, MAIN)
    sma = make_purse(trader.account_id, SMA)
    await _open(house, sma, simulated=False)
    makers = [_house_purse(MAKER, symbol) for symbol in SHIPPED]
    flows = [_house_purse(FLOW, symbol) for symbol in SHIPPED]
    for purse in (*makers, *flows):
        await _open(house, purse, simulated=True)
    for purses, grants in (
        (makers, MAKER_GRANTS),
        (flows, FLOW_GRANTS),
        ([main], TRADER_GRANTS),
        ([sma], SMA_GRANTS),
    ):
        for purse in purses:
            await _grant(house, purse, grants)
    await house.world.run_in_thread(fill_histories, house.paths.histories)
    played = [await house.world.run_in_thread(_load, house, symbol) for symbol in SHIPPED]
    feeds = [RecordedFeed(each.recording, house.world, speed=speed) for each in played]
    attachments = Attachments(
        feeds=feeds,
        strategies=[
            *_strategies(makers, flows, sma),
            await house.world.run_in_thread(_signal_trader, trader),
        ],
        mark_venue=BINANCE,
        preload=lambda market: _preload(market, played),
        offered=await house.world.run_in_thread(_offered),
        visitor=Guest(email=trader.email, password=trader.password),
    )
    return attachments, trader


def fill_histories(folder: Path) -> None:
    """Put the shipped candles where backtests look for histories, unless they are there."""
    if all((folder / name / "about.json").is_file() for name in HISTORIES):
        return
    # What reads them weighs more than all the rest of a demo that has them.
    from xached.research.history.history_store import HistoryStore
    from xached.research.sample import sample_histories

    store = HistoryStore(folder)
    for name, (candles, origin) in zip(HISTORIES, sample_histories(), strict=True):
        store.add(name, candles, origin, replace=True)


@attrs.frozen(kw_only=True)
class _Played:
    recording: Recording
    preplayed: PrePlayed


def _load(house: House, symbol: Symbol) -> _Played:
    recording = load_recording(SHIPPED[symbol].recording, house.directory[symbol])
    preplayed = preplay(recording, PREPLAYED_LOOPS, house.world.now_ns())
    return _Played(recording=recording, preplayed=preplayed)


def _preload(market: MarketData, played: Sequence[_Played]) -> None:
    """Fill the venue's charts: five-minute history up to where the loops before now begin."""
    for each in played:
        instrument = each.recording.instrument
        history = restamp_history(
            load_history(SHIPPED[instrument.symbol].history, instrument),
            each.preplayed.starts_at_ns,
            each.preplayed.candles[0].open_ticks,
        )
        market.preload(
            instrument.symbol,
            Source(venue=BINANCE, provenance=Provenance.RECORDED),
            [*history, *each.preplayed.candles],
            each.preplayed.trades,
        )


def _strategies(
    makers: Sequence[Purse], flows: Sequence[Purse], sma: Purse
) -> list[StrategyConfig]:
    configs: list[StrategyConfig] = []
    for symbol, maker, flow in zip(SHIPPED, makers, flows, strict=True):
        quotes = {"symbol": symbol, **MAKER_SETTINGS[symbol]}
        for config in (
            _strategy(f"maker {symbol}", "market_maker", maker, symbol, quotes),
            _strategy(f"flow {symbol}", "flow", flow, symbol, {"symbol": symbol}),
        ):
            configs.append(attrs.evolve(config, explained=False))
    symbol = next(iter(SHIPPED))
    cross = {"symbol": symbol, "notional": "250"}
    configs.append(_strategy("sma", "sma", sma, symbol, cross))
    return configs


def _signal_trader(trader: Trader) -> StrategyConfig:
    """A strategy that asks a model and trades what it says on paper."""
    settings = LIGHTGBM_SETTINGS | {"models": read_demo_model()}
    return StrategyConfig(
        name=LIGHTGBM,
        vouched=True,
        strategy=LIGHTGBM,
        purse=make_purse(trader.account_id, PAPER_PURSE),
        symbols=tuple(SHIPPED),
        settings_json=json.dumps(settings),
    )


def _offered() -> dict[str, dict[str, Any]]:
    """What the trader can make strategies of, with settings to try whether it looks ahead."""
    symbol = next(iter(SHIPPED))
    return {
        "sma": {"symbol": symbol, "notional": "250"},
        LIGHTGBM: LIGHTGBM_SETTINGS | {"models": read_demo_model()},
    }


def _strategy(
    name: str, plugin: str, purse: Purse, symbol: Symbol, settings: dict[str, str]
) -> StrategyConfig:
    return StrategyConfig(
        name=name,
        vouched=True,
        strategy=plugin,
        purse=purse,
        symbols=(symbol,),
        settings_json=json.dumps(settings),
    )


def _house_purse(account: AccountId, symbol: Symbol) -> Purse:
    return make_purse(account, symbol.lower())


async def _open(house: House, purse: Purse, *, simulated: bool) -> None:
    await house.matching.execute(OpenPurse(purse=purse, simulated=simulated, request_id=""))


async def _grant(house: House, purse: Purse, grants: dict[str, str]) -> None:
    """Credit demo money once: the request id is the purse's and the asset's."""
    for name, text in grants.items():
        asset = house.directory.asset(name)
        request_id = f"grant-{purse.replace('/', '.')}-{name}"[:36]
        await house.matching.execute(
            Deposit(
                purse=purse,
                asset=AssetName(name),
                amount_units=parse_decimal(text, asset.scale),
                request_id=request_id,
            )
        )


# --- the trader --------------------------------------------------------------------------------


async def _trader(house: House) -> Trader:
    """The trader of this directory; registered on the first start.

    The password is on disk before the account is, so a crash in between locks nobody out.
    """
    path = house.paths.root / TRADER_FILE
    password = await house.world.run_in_thread(_read_password, path)
    if password is None:
        password = house.world.entropy(9).hex()
        await house.world.run_in_thread(_write_password, path, password)
    try:
        opened = await house.sessions.ask(Register(email=TRADER_EMAIL, password=password))
        assert isinstance(opened, AccountOpened)
        account_id = opened.account_id
    except Rejection as rejection:
        if rejection.reason is not Reason.EMAIL_TAKEN:
            raise
        account_id = await _known_account(house, password)
    return Trader(email=TRADER_EMAIL, password=password, account_id=account_id)


async def _known_account(house: House, password: str) -> AccountId:
    """Log in to learn the account's id, and out again. Raises: Rejection CREDENTIALS."""
    login = Login(email=TRADER_EMAIL, password=password, device="demo start")
    granted = await house.sessions.ask(login)
    assert isinstance(granted, SessionGranted)
    await house.sessions.ask(Logout(session_id=granted.session_id))
    return granted.account_id


def _read_password(path: Path) -> str | None:
    try:
        return str(json.loads(path.read_bytes())["password"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise DemoDamaged(f"{path} is damaged: {error}") from None


def _write_password(path: Path, password: str) -> None:
    aside = path.with_suffix(".tmp")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump({"email": TRADER_EMAIL, "password": password}, file)
        file.flush()
        os.fsync(file.fileno())
    aside.rename(path)
