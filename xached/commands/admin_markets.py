"""``xached admin markets`` and ``assets``: what is traded, by which rules, and in which state."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from cyclopts import App, Parameter
from xache.v1 import admin_pb2, market_pb2, types_pb2

from xached.commands.admin_users import Cause, RequestId
from xached.commands.door import (
    AT_HOME,
    Door,
    call,
    number_of,
    print_json,
    print_table,
    read_message,
    show_done,
    word_of,
)

markets = App(name="markets", help="Instruments: rules, states, marks, fees.")
assets = App(name="assets", help="Assets.")

StateName: TypeAlias = Literal["trading", "post-only", "cancel-only", "halted", "auction"]

Symbol = Annotated[str, Parameter(help="The market, such as BTC-USDT.")]
AssetName = Annotated[str, Parameter(help="Such as USDT.")]
Rules = Annotated[
    Path, Parameter(help="JSON as `xached admin markets show` prints it; - reads standard input.")
]


@markets.command(name="list")
def list_(*, door: Door = AT_HOME) -> None:
    """List the instruments, their states and fees."""
    answer = call(door, market_pb2.ListInstrumentsRequest())
    if door.as_json:
        print_json(answer)
        return
    rows = [
        (
            each.symbol,
            word_of(types_pb2.MarketState, "MARKET_STATE_", each.state),
            each.tick_size,
            each.lot_size,
            f"{each.maker_fee_ppm}/{each.taker_fee_ppm}",
        )
        for each in answer.instruments
    ]
    print_table(("market", "state", "tick", "lot", "fees ppm"), rows)


@markets.command
def show(symbol: Symbol, *, door: Door = AT_HOME) -> None:
    """Print the rules of an instrument as JSON, as `add` and `change` take them."""
    answer = call(door, market_pb2.ListInstrumentsRequest())
    found = [each for each in answer.instruments if each.symbol == symbol]
    if not found:
        raise SystemExit(f"xached: there is no market {symbol}")
    print_json(found[0])


@markets.command
def add(rules: Rules, *, request_id: RequestId = "", door: Door = AT_HOME) -> None:
    """List an instrument; it is CANCEL_ONLY until it has a mark."""
    instrument = read_message(rules, types_pb2.Instrument())
    request = admin_pb2.ListInstrumentRequest(instrument=instrument, request_id=request_id)
    show_done(door, call(door, request), f"{instrument.symbol} is listed")


@markets.command
def change(rules: Rules, *, request_id: RequestId = "", door: Door = AT_HOME) -> None:
    """Give a listed instrument other rules; its assets, tick and lot never change."""
    instrument = read_message(rules, types_pb2.Instrument())
    request = admin_pb2.ChangeInstrumentRequest(instrument=instrument, request_id=request_id)
    show_done(door, call(door, request), f"{instrument.symbol} has other rules")


@markets.command
def delist(
    symbol: Symbol, *, cause: Cause, request_id: RequestId = "", door: Door = AT_HOME
) -> None:
    """Take an instrument off the list; its orders end."""
    request = admin_pb2.DelistInstrumentRequest(symbol=symbol, cause=cause, request_id=request_id)
    show_done(door, call(door, request), f"{symbol} is delisted")


@markets.command
def state(
    symbol: Symbol,
    state_name: Annotated[StateName, Parameter(name="STATE", help="What it lets people do.")],
    *,
    cause: Cause,
    request_id: RequestId = "",
    door: Door = AT_HOME,
) -> None:
    """Say what an instrument lets people do."""
    request = admin_pb2.SetMarketStateRequest(symbol=symbol, cause=cause, request_id=request_id)
    request.state = number_of(  # type: ignore[assignment]
        types_pb2.MarketState, "MARKET_STATE_", state_name
    )
    show_done(door, call(door, request), f"{symbol} is {state_name}")


@markets.command
def mark(
    symbol: Symbol,
    price: Annotated[str, Parameter(help="A whole number of ticks.")],
    *,
    request_id: RequestId = "",
    door: Door = AT_HOME,
) -> None:
    """Set the reference price that price bands are measured from."""
    request = admin_pb2.SetMarkRequest(symbol=symbol, price=price, request_id=request_id)
    show_done(door, call(door, request), f"the mark of {symbol} is {price}")


@markets.command
def fees(
    tiers: Annotated[
        Path, Parameter(help='JSON: {"tiers": [{"asset", "min_volume", ...}]}; - reads it.')
    ],
    *,
    request_id: RequestId = "",
    door: Door = AT_HOME,
) -> None:
    """Set the house's whole table of fee tiers; an empty one ends them."""
    request = read_message(tiers, admin_pb2.SetFeeTiersRequest())
    request.request_id = request_id
    show_done(door, call(door, request), f"{len(request.tiers)} fee tiers are set")


@markets.command
def tiers(*, door: Door = AT_HOME) -> None:
    """Print the house's fee tiers as JSON, as `fees` takes them."""
    print_json(call(door, admin_pb2.GetFeeTiersRequest()))


@assets.command(name="list")
def list_assets(*, door: Door = AT_HOME) -> None:
    """List the assets and how many decimals each has."""
    answer = call(door, market_pb2.ListInstrumentsRequest())
    if door.as_json:
        print_json(answer)
    else:
        print_table(("asset", "scale"), [(each.name, str(each.scale)) for each in answer.assets])


@assets.command(name="add")
def add_asset(
    asset: AssetName,
    *,
    scale: Annotated[int, Parameter(help="Its decimals, fixed for ever.")],
    request_id: RequestId = "",
    door: Door = AT_HOME,
) -> None:
    """List an asset."""
    request = admin_pb2.ListAssetRequest(
        asset=types_pb2.Asset(name=asset, scale=scale), request_id=request_id
    )
    show_done(door, call(door, request), f"{asset} is listed")


@assets.command(name="delist")
def delist_asset(
    asset: AssetName, *, cause: Cause, request_id: RequestId = "", door: Door = AT_HOME
) -> None:
    """Take an asset off the list that no listed instrument trades."""
    request = admin_pb2.DelistAssetRequest(asset=asset, cause=cause, request_id=request_id)
    show_done(door, call(door, request), f"{asset} is delisted")
