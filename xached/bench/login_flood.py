"""What becomes of trading while strangers try passwords as fast as they can.

One process has the exchange with its journal and the sessions actor with its vault, as the daemon
has them, and real password hashes. Orders come at an even pace, each with its cancel; what counts
is how long they wait from the moment they are due, beside the same house without the flood. The
strangers never tire: each asks again as soon as it is answered, for other addresses from others.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import attrs
import outcome
import trio

from xached.actors.matching import Matching, MatchingActor
from xached.actors.sessions.actor import SessionDesk, run_sessions
from xached.bench.figures import AtLeast, AtMost, Figure
from xached.bench.flow import Flow, make_flow
from xached.domain.api_keys import KeyTable
from xached.domain.auth import Login
from xached.domain.exchange import Exchange
from xached.domain.guarding import AllowTable
from xached.domain.identity import AuthMessage, AuthReply
from xached.domain.instrument import Directory
from xached.domain.messages import PlaceOrder, Row
from xached.domain.order import AccountId, account_of
from xached.domain.rejection import Rejection
from xached.domain.sessions import SessionTable
from xached.runtime.mailbox import Closed, Expired, Mailbox, Overloaded
from xached.runtime.topic import Topic
from xached.runtime.world import RealWorld
from xached.security.checkpoints import Signer
from xached.security.credentials import Credentials
from xached.security.keys import MasterKey, Purpose
from xached.storage.journal import Journal
from xached.storage.vault import Vault

ORDERS_PER_S = 200
STRANGERS = 64
SHED_PAUSE_S = 0.1
"""How soon a stranger who was turned away is there again."""
FLOW_COMMANDS = 4_000
PLACES = 4_096

RATIO_MAX = 4.0
"""A core is shared with the hashes then; without a bound on them it would be tens."""


@attrs.frozen(kw_only=True)
class LoginFloodSizes:
    """How long each of the two phases lasts."""

    window_s: float


def measure_login_flood(sizes: LoginFloodSizes) -> list[Figure]:
    """Measure a house that trades in peace, and then under a flood of logins."""
    return trio.run(_measure, sizes)


async def _measure(sizes: LoginFloodSizes) -> list[Figure]:
    flow = make_flow(FLOW_COMMANDS)
    with tempfile.TemporaryDirectory(prefix="xached-bench-") as name:
        async with _house(Path(name), flow) as (matching, desk, logins):
            peace_s = await _trade(matching, flow, "peace", sizes.window_s)
            async with trio.open_nursery() as strangers:
                for _ in range(STRANGERS):
                    strangers.start_soon(_try_passwords, logins)
                flood_s = await _trade(matching, flow, "flood", sizes.window_s)
                strangers.cancel_scope.cancel()
            seen = desk.statistics()
    before, under = _quantile(peace_s, 0.99), _quantile(flood_s, 0.99)
    return [
        Figure("loginflood_peace_p99_ms", 1_000 * before, "ms"),
        Figure("loginflood_p99_ms", 1_000 * under, "ms"),
        Figure(
            "loginflood_p99_ratio",
            under / before,
            "",
            AtMost(RATIO_MAX),
            note="of orders, under the flood over without it",
        ),
        Figure(
            "loginflood_logins_per_s",
            seen.logins_failed / sizes.window_s,
            "/s",
            note="passwords looked at",
        ),
        Figure(
            "loginflood_shed",
            float(seen.hash_shed),
            "",
            AtLeast(1),
            note="logins turned away at once",
        ),
    ]


@asynccontextmanager
async def _house(
    directory: Path, flow: Flow
) -> AsyncIterator[tuple[Matching, SessionDesk, Mailbox[AuthMessage, AuthReply]]]:
    world, master = RealWorld(), MasterKey(os.urandom(32))
    lane = world.open_lane("journal")
    vault = Vault.open(
        directory / "vault.db",
        row_key=master.derive(Purpose.VAULT_ROWS),
        stream_key=master.derive(Purpose.VAULT_STREAM),
        new_house_id=world.entropy,
    )
    desk = SessionDesk(
        vault=vault,
        credentials=Credentials(
            master, house_id=vault.house_id, cost=world.argon2_cost, entropy=world.entropy
        ),
        table=SessionTable(),
        key_table=KeyTable(),
        allow_table=AllowTable(),
        world=world,
        open_purse=_nothing,
        set_level=_nothing,
        close_account=_nothing,
        signer=Signer(master),
        journal_head=lambda: (0, bytes(32)),
    )
    logins: Mailbox[AuthMessage, AuthReply] = Mailbox(PLACES)
    try:
        with Journal.open(directory / "journal.db", bytes(32), entropy=os.urandom) as journal:
            matching = Matching(PLACES)
            actor = MatchingActor(
                matching, Exchange(), journal, lane, Topic[Row](), Directory(), world.now_ns
            )
            async with trio.open_nursery() as nursery:
                nursery.start_soon(actor.run)
                await nursery.start(run_sessions, logins, desk)
                for command in flow.opening:
                    await matching.execute(command)
                yield matching, desk, logins
                nursery.cancel_scope.cancel()
    finally:
        vault.close()
        lane.close()


async def _nothing(_account_id: AccountId, *_rest: object) -> None:
    """There are no accounts here."""


async def _trade(matching: Matching, flow: Flow, name: str, window_s: float) -> list[float]:
    """Place orders at an even pace; how long each waited since it was due."""
    orders = [each for each in flow.trading if isinstance(each, PlaceOrder)]
    waits_s: list[float] = []
    began_s = trio.current_time()
    for number in range(int(window_s * ORDERS_PER_S)):
        due_s = began_s + number / ORDERS_PER_S
        await trio.sleep_until(due_s)
        known = orders[number % len(orders)]
        order = attrs.evolve(known, client_order_id=f"{name}-{number}")

        def answered(_result: outcome.Outcome[Row], due_s: float = due_s) -> None:
            waits_s.append(trio.current_time() - due_s)

        matching.post(order, answered, account=account_of(order.purse))
    return waits_s


_numbers = count()


async def _try_passwords(logins: Mailbox[AuthMessage, AuthReply]) -> None:
    while True:
        number = next(_numbers)
        address = f"ipv4:10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        message = Login(
            email=f"stranger{number}@example.com",
            password="a password of somebody",  # noqa: S106 - nobody's
            device="",
            address=address,
        )
        try:
            await logins.ask(message, account=address)
        except Rejection:
            continue
        except (Overloaded, Expired):
            await trio.sleep(SHED_PAUSE_S)
        except Closed:
            return


def _quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[int(share * (len(ordered) - 1))] if ordered else 0.0
