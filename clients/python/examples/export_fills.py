"""Write every fill of a purse as CSV, the newest first, read page by page.

XACHE_EMAIL=trader@demo.example XACHE_PASSWORD=… python export_fills.py main > fills.csv
"""

import csv
import os
import sys

from xache.client import DEFAULT_TARGET, Client
from xache.v1 import types_pb2

COLUMNS = ("at_ns", "symbol", "side", "quantity", "price", "notional", "fee", "order_id")


def main(purse: str = "main") -> None:
    """Amounts are the house's own decimal text: nothing is rounded on the way."""
    with Client(os.environ.get("XACHE_TARGET", DEFAULT_TARGET)) as client:
        client.auth.login(os.environ["XACHE_EMAIL"], os.environ["XACHE_PASSWORD"])
        rows = csv.writer(sys.stdout)
        rows.writerow(COLUMNS)
        for fill in client.trading.fills(subaccount=purse):
            side = types_pb2.Side.Name(fill.side).removeprefix("SIDE_").lower()
            rows.writerow([side if name == "side" else getattr(fill, name) for name in COLUMNS])


if __name__ == "__main__":
    main(*sys.argv[1:])
