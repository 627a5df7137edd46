"""Rules against money laundering, by tables of what an account moves and when."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.storage.house import House
from xached.config.config import default_house, read_config
from xached.domain.aml import (
    ACCOUNTS_MAX,
    AmlRule,
    AmlWatch,
    Direction,
    Movement,
    RuleKind,
    movements_of,
)
from xached.domain.instrument import AssetName
from xached.domain.order import AccountId

HOUR_NS = 3_600 * 10**9
USDT, BTC = AssetName("USDT"), AssetName("BTC")

VELOCITY = AmlRule(
    name="velocity", kind=RuleKind.VELOCITY, asset=USDT, window_ns=24 * HOUR_NS, count=3
)
STRUCTURING = AmlRule(
    name="structuring",
    kind=RuleKind.STRUCTURING,
    asset=USDT,
    window_ns=72 * HOUR_NS,
    count=3,
    amount_units=10_000,
    near_ppm=800_000,
)
RAPID = AmlRule(
    name="rapid",
    kind=RuleKind.RAPID_IN_OUT,
    asset=USDT,
    window_ns=48 * HOUR_NS,
    amount_units=5_000,
    near_ppm=900_000,
)
DORMANT = AmlRule(
    name="dormant",
    kind=RuleKind.DORMANT,
    asset=USDT,
    window_ns=4_380 * HOUR_NS,
    amount_units=5_000,
)


def moves(text: str) -> list[Movement]:
    """``HOUR +UNITS`` in, ``HOUR -UNITS`` out, ``HOUR trade``; bob: and BTC: where they differ."""
    found: list[Movement] = []
    for seq, line in enumerate(text.split(","), start=1):
        hour, _, what = line.strip().partition(" ")
        account, asset = AccountId("alice"), USDT
        if what.startswith("bob "):
            account, what = AccountId("bob"), what[4:]
        if what.startswith("BTC "):
            asset, what = BTC, what[4:]
        direction = Direction.TRADE
        if what != "trade":
            direction = Direction.IN if what[0] == "+" else Direction.OUT
        units = 0 if what == "trade" else int(what[1:])
        found.append(
            Movement(
                seq=seq,
                at_ns=int(hour) * HOUR_NS + 1,
                account_id=account,
                direction=direction,
                asset=asset,
                units=units,
            )
        )
    return found


@pytest.mark.parametrize(
    ("rule", "told", "alerts"),
    [
        # More than three movements in a day, whatever their direction.
        (VELOCITY, "0 +1, 1 +1, 2 -1", []),
        (VELOCITY, "0 +1, 1 +1, 2 -1, 3 +1", [(1, 2, 3, 4)]),
        (VELOCITY, "0 +1, 1 +1, 2 -1, 24 +1", []),
        (VELOCITY, "0 +1, 1 +1, 2 trade, 3 trade, 4 +1", []),
        (VELOCITY, "0 +1, 1 bob +1, 2 +1, 3 bob +1, 4 +1", []),
        (VELOCITY, "0 +1, 1 BTC +1, 2 +1, 3 BTC +1, 4 +1", []),
        # Once until its window is over, then again.
        (VELOCITY, "0 +1, 0 +1, 0 +1, 1 +1, 2 +1, 3 +1", [(1, 2, 3, 4)]),
        (
            VELOCITY,
            "0 +1, 0 +1, 0 +1, 1 +1, 20 +1, 21 +1, 22 +1, 26 +1",
            [(1, 2, 3, 4), (5, 6, 7, 8)],
        ),
        # Three deposits just below the threshold within three days.
        (STRUCTURING, "0 +9000, 10 +9500, 20 +9999", [(1, 2, 3)]),
        (STRUCTURING, "0 +9000, 10 +9500, 20 +10000", []),
        (STRUCTURING, "0 +9000, 10 +9500, 20 +7999", []),
        (STRUCTURING, "0 +9000, 10 +9500, 20 -9000", []),
        (STRUCTURING, "0 +9000, 10 +9500, 72 +9000", []),
        (STRUCTURING, "0 +9000, 5 +50, 10 +9500, 15 +20000, 20 +8000", [(1, 3, 5)]),
        # Nine tenths of what came in leave within two days.
        (RAPID, "0 +10000, 5 -9000", [(1, 2)]),
        (RAPID, "0 +10000, 5 -8999", []),
        (RAPID, "0 +10000, 5 -4000, 6 -5000", [(1, 2, 3)]),
        (RAPID, "0 +10000, 48 -10000", []),
        (RAPID, "0 +4999, 5 -4999", []),
        (RAPID, "0 -10000", []),
        (RAPID, "0 -10000, 1 +10000", []),
        # Half a year of nothing, then a lot.
        (DORMANT, "0 +1, 4380 +5000", [(2,)]),
        (DORMANT, "0 +1, 4380 -5000", [(2,)]),
        (DORMANT, "0 +1, 4379 +5000", []),
        (DORMANT, "0 +1, 4380 +4999", []),
        (DORMANT, "0 +1, 2000 trade, 4380 +5000", []),
        (DORMANT, "0 +1, 4380 trade, 4381 +5000", []),
        (DORMANT, "0 +5000", []),
    ],
)
def test_what_alerts(rule: AmlRule, told: str, alerts: list[tuple[int, ...]]) -> None:
    watch = AmlWatch((rule,))
    found = [alert for movement in moves(told) for alert in watch.fold(movement)]
    assert [alert.seqs for alert in found] == alerts
    assert all(alert.explanation.startswith(f"{rule.name}: ") for alert in found)
    # Reading the same rows again makes the same cases.
    again = AmlWatch((rule,))
    repeated = [alert for movement in moves(told) for alert in again.fold(movement)]
    assert [a.case_key for a in repeated] == [a.case_key for a in found]
    assert len({alert.case_key for alert in found}) == len(found)


def test_several_rules_look_at_the_same_movement() -> None:
    watch = AmlWatch((VELOCITY, STRUCTURING, RAPID, DORMANT))
    told = "0 +9000, 1 +9000, 2 +9000, 3 -27000"
    kinds = [alert.rule.kind for move in moves(told) for alert in watch.fold(move)]
    assert kinds == [RuleKind.STRUCTURING, RuleKind.VELOCITY, RuleKind.RAPID_IN_OUT]
    assert ACCOUNTS_MAX > len(watch) == 1


def test_movements_are_read_from_rows_of_a_house() -> None:
    moved = [each for row in House(3).rows(200) for each in movements_of(row)]
    directions = {each.direction for each in moved}
    assert directions == {Direction.IN, Direction.TRADE}
    assert all(each.units > 0 for each in moved if each.direction is Direction.IN)


def test_the_shipped_rules_and_levels_are_read(tmp_path: Path) -> None:
    shipped = Path(__file__).parents[2] / "config"
    for name in ("instruments.toml", "risk.toml", "aml.toml", "levels.toml"):
        (tmp_path / name).write_bytes((shipped / name).read_bytes())
    config_file = tmp_path / "xached.toml"
    config_file.write_text('[compliance]\naml = "aml.toml"\nlevels = "levels.toml"\n')
    config = read_config(config_file)
    assert config.house == default_house()
    assert {rule.kind for rule in config.aml} == set(RuleKind)
    assert [limits.level for limits in config.levels] == [0, 1, 2, 3]
    watch = AmlWatch(config.aml)
    scaled = [
        Movement(
            seq=seq,
            at_ns=seq * HOUR_NS,
            account_id=AccountId("alice"),
            direction=Direction.IN,
            asset=USDT,
            units=9_000 * 10**8,
        )
        for seq in (1, 2, 3)
    ]
    (alert,) = (alert for movement in scaled for alert in watch.fold(movement))
    assert alert.rule.name == "structuring-usdt"
