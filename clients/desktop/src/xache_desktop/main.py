"""The ``xache-desktop`` command."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from cyclopts import App
from PySide6.QtWidgets import QApplication, QDialog
from xache.commands.options import NO_PURSE_OPTIONS, PurseOptions, usage
from xache.errors import XacheError
from xache.live.board import Board, MarketBoard, Subject
from xache.v1 import market_pb2

from xache_desktop.calls import Calls
from xache_desktop.sign_in import SignIn
from xache_desktop.theme import dress
from xache_desktop.window import Window

app = App(name="xache-desktop", help="A XACHE house in a window.", help_format="plaintext")


@app.default
def desktop(symbol: str = "", /, *, options: PurseOptions = NO_PURSE_OPTIONS) -> None:
    """Open the window of a house; who is not signed in is asked to.

    Args:
        symbol: the market to begin with, such as BTC-USDT; the first one when left out.
    """
    board: Board | None = None

    def say(error: XacheError, _wait_s: float) -> None:
        if board is not None:
            board.waiting = error.message

    with options.connected(say) as (client, _):
        listed = client.market.instruments()
        symbols = sorted(each.symbol for each in listed.instruments)
        chosen = symbol.upper() or (symbols[0] if symbols else "")
        if chosen not in symbols:
            raise usage(f"no market {chosen}; there are: {', '.join(symbols) or 'none'}")
        qt = QApplication(sys.argv[:1])
        qt.setApplicationName("XACHE")
        dress(qt)
        calls = Calls()
        if client.credentials is None and options.key is None:
            dialog = SignIn(client, calls, options.target)
            if dialog.exec() != QDialog.DialogCode.Accepted:
                return
        subject = Subject(chosen, "", market_pb2.INTERVAL_1M)
        board = Board(
            target=options.target,
            subaccount=options.subaccount,
            market=MarketBoard(subject),
            instruments={each.symbol: each for each in listed.instruments},
        )
        window = Window(client, board, calls)
        window.show()
        qt.exec()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run until the window is closed."""
    app(sys.argv[1:] if arguments is None else arguments)
