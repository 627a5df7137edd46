"""Follow an order book: each state is checked against the house's checksum, gaps are mended.

python follow_book.py BTC-USDT 5
"""

import os
import sys
from itertools import islice

from xache.client import DEFAULT_TARGET, Client


def main(symbol: str, changes: str = "10") -> None:
    """Print the spread after each of so many changes. Market data needs no session."""
    with Client(os.environ.get("XACHE_TARGET", DEFAULT_TARGET)) as client:
        for book in islice(client.market.follow_book(symbol, depth=20), int(changes)):
            (bid, _), (ask, _) = book.bids(1)[0], book.asks(1)[0]
            print(f"#{book.sequence} {bid} / {ask}, {ask - bid} apart")


if __name__ == "__main__":
    main(*sys.argv[1:])
