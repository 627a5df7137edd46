"""A real daemon whose configuration has something trade in an account that is frozen.

Checked: without the question about the account in ``daemon.py`` it begins; where the desk does not
pass on that the account has changed it waits for ever.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import grpc
from xache.v1 import (
    account_pb2,
    account_pb2_grpc,
    admin_pb2,
    admin_pb2_grpc,
    options_pb2,
    strategy_pb2,
    strategy_pb2_grpc,
)

from tests.faults.house import (
    CALL_S_MAX,
    HouseProcess,
    Metadata,
    connected,
    open_market,
    register,
    running,
    sign_in,
)

ANN, ADMIN = "ann@people.example", "admin@house.example"
PATIENCE_S = 60.0
SEAT = """
[[strategy]]
name = "house-sma"
plugin = "sma"
account = "{account}"
subaccount = "robot"
symbols = ["BTC-USDT"]
settings = {{ symbol = "BTC-USDT", fast = 10, slow = 30, notional = "100" }}
"""


def wait_advice(
    channel: grpc.Channel, metadata: Metadata, wanted: Callable[[str], bool]
) -> strategy_pb2.OperatedStrategy:
    """What the account's owner is told of the strategy, once it is what is wanted."""
    stub, deadline = strategy_pb2_grpc.StrategyServiceStub(channel), time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        request = strategy_pb2.ListStrategiesRequest()
        told = stub.ListStrategies(request, metadata=metadata, timeout=CALL_S_MAX)
        operated: strategy_pb2.OperatedStrategy = told.operated[0]
        if wanted(operated.advice):
            return operated
        time.sleep(0.1)
    raise AssertionError("it did not come about")


def let_go(house: HouseProcess, account: str) -> None:
    """As the administrator."""
    with connected(f"unix:{house.data / 'admin.sock'}") as channel:
        request = admin_pb2.SetImpedimentRequest(
            account_id=account, impediment=options_pb2.IMPEDIMENT_FROZEN, stands=False
        )
        admin_pb2_grpc.AdminServiceStub(channel).SetImpediment(
            request, metadata=sign_in(channel, ADMIN), timeout=CALL_S_MAX
        )


def test_what_the_operator_trades_in_a_frozen_account_waits_until_it_is_let_go(
    tmp_path: Path,
) -> None:
    with running(tmp_path) as house, connected(house.target) as channel:
        ann = register(channel, ANN)
        open_market(house, [ann])
        metadata, stub = sign_in(channel, ANN), account_pb2_grpc.AccountServiceStub(channel)
        purse = account_pb2.OpenSubaccountRequest(subaccount="robot")
        stub.OpenSubaccount(purse, metadata=metadata, timeout=CALL_S_MAX)
        freeze = account_pb2.FreezeMyAccountRequest()
        stub.FreezeMyAccount(freeze, metadata=metadata, timeout=CALL_S_MAX)
        assert house.stop() == 0
    with (
        running(tmp_path, more=SEAT.format(account=ann)) as house,
        connected(house.target) as channel,
    ):
        metadata = sign_in(channel, ANN)
        operated = wait_advice(channel, metadata, bool)
        assert operated.advice == "its owner's account is frozen"
        assert (operated.name, operated.ready) == ("house-sma", False)
        let_go(house, ann)
        wait_advice(channel, metadata, lambda advice: not advice)
        assert house.stop() == 0
