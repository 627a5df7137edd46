"""What a market lets people do, and how it moves from one state to the next by itself.

    listed -> (AUCTION, if it opens with one) -> TRADING
    TRADING -> HALTED, when an order would leave the price band -> AUCTION -> TRADING

The house may set any state at any time. Leaving for TRADING or POST_ONLY, whoever asks for it,
first lets everybody meet who was gathered: so no book crosses where orders match. A state that
ends by itself says when; that is an internal step, like an expiry. While the house is halted no
market moves on.
"""

from __future__ import annotations

from bisect import insort

from xached.domain.instrument import Symbol
from xached.domain.listing import forget_phase, listed_market
from xached.domain.messages import Event, MarketStateSet, SetMarketState
from xached.domain.order import MarketState
from xached.domain.state import Market, State
from xached.domain.uncrossing import uncross_market

MATCHING = (MarketState.TRADING, MarketState.POST_ONLY)


def decide_market_state(
    state: State, command: SetMarketState, seq: int, at_ns: int
) -> tuple[Event, ...]:
    """Set a state as the house asks for it. Raises: Rejection UNKNOWN_INSTRUMENT, DELISTED."""
    market = listed_market(state, command.symbol)
    if market.state is command.state and market.until_ns is None and not market.opening:
        return ()
    return _moved(state, market, command.state, command.cause, seq, at_ns)


def decide_move(state: State, symbol: Symbol, seq: int) -> tuple[Event, ...]:
    """Move a market on that is due."""
    market = state.markets[symbol]
    now_ns, instrument = state.now_ns, market.instrument
    if market.opening:
        return _moved(state, market, MarketState.AUCTION, "opening", seq, now_ns)
    if market.breached:
        until_ns = now_ns + instrument.volatility_halt_ns
        halted = MarketStateSet(
            symbol=symbol, state=MarketState.HALTED, cause="volatility", until_ns=until_ns
        )
        return (halted,)
    if market.state is MarketState.HALTED and instrument.auction_ns:
        return _moved(state, market, MarketState.AUCTION, "volatility", seq, now_ns)
    return _moved(state, market, MarketState.TRADING, "end of the auction", seq, now_ns)


def _moved(
    state: State, market: Market, wanted: MarketState, cause: str, seq: int, at_ns: int
) -> tuple[Event, ...]:
    """Move to a state; who was gathered meets before orders match again."""
    duration_ns = market.instrument.auction_ns if wanted is MarketState.AUCTION else 0
    event = MarketStateSet(
        symbol=market.instrument.symbol,
        state=wanted,
        cause=cause,
        until_ns=at_ns + duration_ns if duration_ns else None,
    )
    if wanted in MATCHING and market.state not in MATCHING:
        return (*uncross_market(state, market, seq), event)
    return (event,)


def apply_market_state(state: State, event: MarketStateSet) -> None:
    """Write a state, and when it ends."""
    market = state.markets[event.symbol]
    forget_phase(state, market)
    market.state, market.until_ns, market.cause = event.state, event.until_ns, event.cause
    if event.until_ns is not None:
        insort(state.phase_ends, (event.until_ns, event.symbol))


def note_reference(state: State, market: Market) -> None:
    """A market that waited for a reference price to open has one."""
    if market.opening:
        state.movable[market.instrument.symbol] = None
