"""The paper actor: sets the paper exchange up and lets it hear of the venue.

The exchange itself looks at the venue before everything it does (domain/paper_liquidity.py). When
nobody asks it for anything, this actor wakes it as soon as the venue has traded. It is expendable:
it owns nothing, and what was decided is in the paper journal.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Final, Protocol

import trio
from loguru import logger

from xached.domain.house_rules import AMOUNT_UNITS_MAX
from xached.domain.instrument import OPEN_ORDERS_MAX, Directory, Instrument
from xached.domain.market_messages import ChangeInstrument
from xached.domain.messages import (
    AdvanceClock,
    Command,
    Deposit,
    ListAsset,
    ListInstrument,
    OpenPurse,
    Row,
    SetRiskLimits,
)
from xached.domain.paper import can_mirror, paper_asset, paper_instrument
from xached.domain.paper_liquidity import VENUE, PaperLiquidity
from xached.domain.rejection import Rejection
from xached.domain.state import State
from xached.runtime.mailbox import Overloaded

LOOK_S: Final = 0.1
"""How often the venue is looked at; a resting order fills at most so late."""


class Exchange(Protocol):
    """What is asked of the paper exchange."""

    async def execute(self, command: Command) -> Row:
        """Carry out one command. Raises: Rejection, Overloaded."""
        ...


async def run_paper(
    exchange: Exchange,
    liquidity: PaperLiquidity,
    state: State,
    real: Directory,
    mirrored: Callable[[Instrument], None],
) -> None:
    """Mirror what the real house lists, and follow the venue until cancelled.

    ``state`` is the paper exchange's, read only; ``real`` what is listed in the house;
    ``mirrored`` hears of each instrument, or its new rules, once its twin can be traded.
    """
    known: dict[Instrument, None] = {}
    while True:
        for instrument in list(real.values()):
            if instrument not in known:
                known[instrument] = None
                if await _mirror(exchange, instrument, real, state):
                    mirrored(instrument)
        liquidity.refresh()
        if liquidity.has_news(state):
            with contextlib.suppress(Overloaded):
                await exchange.execute(AdvanceClock())
        await trio.sleep(LOOK_S)


async def _mirror(
    exchange: Exchange, instrument: Instrument, real: Directory, state: State
) -> bool:
    """List the paper twin of an instrument, or its new rules; False where that cannot be."""
    if not can_mirror(instrument):
        return False
    paper = paper_instrument(instrument)
    assets = [paper_asset(real.assets[name]) for name in (instrument.base, instrument.quote)]
    known = dict.fromkeys([*state.assets, *(asset.name for asset in assets)])
    most = tuple((name, AMOUNT_UNITS_MAX) for name in sorted(known))
    commands: list[Command] = [
        OpenPurse(purse=VENUE, simulated=True, request_id=""),
        *(ListAsset(asset=asset, request_id="") for asset in assets),
        *(
            Deposit(
                purse=VENUE,
                asset=asset.name,
                amount_units=AMOUNT_UNITS_MAX,
                request_id=f"venue-{asset.name}",
            )
            for asset in assets
        ),
        SetRiskLimits(
            purse=None,
            max_open_orders=OPEN_ORDERS_MAX,
            max_order_notional_units=most,
            request_id="",
        ),
        ListInstrument(instrument=paper, request_id="")
        if paper.symbol not in state.markets
        else ChangeInstrument(instrument=paper, request_id=""),
    ]
    try:
        for command in commands:
            await exchange.execute(command)
    except Rejection as rejection:
        logger.warning("{} cannot be traded on paper: {}", instrument.symbol, rejection.message)
        return False
    return True
