"""The screen: panels laid out by the room there is, drawn a few times a second."""

from __future__ import annotations

import os
import select
import signal
import time
from typing import ClassVar, Final

import attrs
from rich.terminal_theme import TerminalTheme
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widgets import Footer, Static

from xache.client import Client
from xache.live.board import Board, Subject
from xache.live.feeds import Feeds
from xache.top import panels

_COLOURS: Final = TerminalTheme(
    (15, 18, 22),
    (205, 211, 219),
    [(15, 18, 22), (229, 83, 75), (87, 171, 90), (218, 170, 63), (83, 155, 245), (176, 131, 240),
     (57, 197, 207), (144, 157, 171)],
    [(99, 110, 123), (255, 147, 138), (107, 196, 110), (234, 194, 103), (108, 182, 255),
     (220, 189, 251), (86, 212, 221), (236, 242, 248)],
)  # fmt: skip
"""What "green" and "red" mean here, whatever the terminal makes of them elsewhere."""
_TERMINAL: Final = 0
"""The descriptor that keys come from."""
FRAMES_PER_S: Final = 5
TERMINAL_S: Final = 1.0
"""How often it is asked whether the terminal is still there."""
NARROW: Final = 110
"""Columns below which the tape and the health of streams give way."""


class Panel(Static):
    """A framed part of the screen."""

    def __init__(self, name: str, title: str) -> None:
        super().__init__(id=name, classes="panel")
        self.border_title = title


class Top(App[None]):
    """One screen of a house; it only looks."""

    TITLE = "xache top"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (NARROW, "-wide")]  # noqa: RUF012 - as textual has it
    CSS = """
    Screen { background: #0f1216; }
    #head { height: 1; margin: 0 1; }
    #market { layout: grid; grid-size: 3 1; grid-columns: 1fr 50 32; height: 3fr; }
    #yours {
        layout: grid; grid-size: 4 1; grid-columns: 6fr 7fr 4fr 30;
        height: 1fr; min-height: 9;
    }
    .panel {
        height: 100%; padding: 0 1;
        border: round $primary 40%; border-title-color: $text-muted;
    }
    Screen.-narrow #market { grid-size: 2 1; grid-columns: 1fr 48; }
    Screen.-narrow #tape { display: none; }
    Screen.-narrow #yours { grid-size: 1 1; grid-columns: 1fr; }
    Screen.-narrow #purse, Screen.-narrow #strategies, Screen.-narrow #health { display: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,n,tab", "step_market(1)", "next market", key_display="→"),
        Binding("left,p,shift+tab", "step_market(-1)", "previous", key_display="←"),
        Binding("i", "step_interval(1)", "longer candles"),
        Binding("I", "step_interval(-1)", "shorter candles"),
        Binding("v", "next_venue", "source"),
        Binding("q,ctrl+c", "quit", "quit"),
    ]

    def __init__(self, client: Client, board: Board) -> None:
        super().__init__()
        self.ansi_theme_dark = _COLOURS
        self.board = board
        self._feeds = Feeds(client, board)
        self._drawn: dict[str, object] = {}
        """What each panel was drawn from."""

    def compose(self) -> ComposeResult:
        """The panels."""
        yield Static(id="head")
        with Container(id="market"):
            yield Panel("chart", "chart")
            yield Panel("book", "book")
            yield Panel("tape", "trades")
        with Container(id="yours"):
            yield Panel("purse", "purse")
            yield Panel("orders", "open orders")
            yield Panel("strategies", "strategies")
            yield Panel("health", "health")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Begin to follow the house."""
        self._feeds.start()
        self.set_interval(1 / FRAMES_PER_S, self.draw)
        if not self.is_headless:
            self.set_interval(TERMINAL_S, _leave_with_the_terminal)

    def on_unmount(self) -> None:
        """End what was followed."""
        self._feeds.close()

    def draw(self) -> None:
        """Draw every panel that shows something else than before."""
        if not self.is_running:
            return  # The panels go before the timer does.
        board, market = self.board, self.board.market
        failures = [state.failure for state in (*market.streams.values(), *board.streams.values())]
        about = (market.subject, failures)
        newest = market.trades[-1].sequence if market.trades else 0
        title = f"chart {panels.INTERVALS[market.subject.interval]}"
        self.query_one("#chart", Panel).border_title = title
        self.query_one("#book", Panel).border_title = panels.name_book(board)
        self.query_one("#head", Static).update(panels.draw_head(board))
        for name, shown, drawn in (
            ("chart", market.candles, panels.draw_chart),
            ("book", (market.book, board.own_leaves()), panels.draw_levels),
            ("tape", newest, panels.draw_tape),
            ("purse", board.purse, panels.draw_purse),
            ("orders", board.purse, panels.draw_orders),
            ("strategies", (board.strategies, board.operated), panels.draw_strategies),
            ("health", (int(time.monotonic()), board.waiting), panels.draw_health),
        ):
            panel = self.query_one(f"#{name}", Panel)
            size = panel.content_size
            if self._drawn.get(name) != (shown, about, size):
                self._drawn[name] = (shown, about, size)
                panel.update(drawn(board, size.width, size.height))

    def action_step_market(self, step: int) -> None:
        """Look at the next market, or the one before."""
        symbols = sorted(self.board.instruments) or [self.board.market.subject.symbol]
        subject = self.board.market.subject
        symbol = symbols[(symbols.index(subject.symbol) + step) % len(symbols)]
        self._look_at(attrs.evolve(subject, symbol=symbol, venue=""))

    def action_step_interval(self, step: int) -> None:
        """Look at longer candles, or shorter ones."""
        subject, intervals = self.board.market.subject, list(panels.INTERVALS)
        interval = intervals[(intervals.index(subject.interval) + step) % len(intervals)]
        self._look_at(attrs.evolve(subject, interval=interval))

    def action_next_venue(self) -> None:
        """Look at the same market of the next source."""
        board = self.board
        subject = board.market.subject
        venues = board.venues(subject.symbol)
        if len(venues) > 1:
            here = venues.index(subject.venue or board.home_venue())
            venue = venues[(here + 1) % len(venues)]
            venue = "" if venue == board.home_venue() else venue
            self._look_at(attrs.evolve(subject, venue=venue))

    def _look_at(self, subject: Subject) -> None:
        if subject != self.board.market.subject:
            self._feeds.look_at(subject)
            self.draw()


def _leave_with_the_terminal() -> None:
    """End as by the signal that a terminal sends when it goes; it does not reach every session."""
    poller = select.poll()
    poller.register(_TERMINAL, 0)  # What went wrong is told unasked.
    if poller.poll(0):
        os.kill(os.getpid(), signal.SIGHUP)
