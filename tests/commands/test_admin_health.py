"""When ``xached admin health`` calls the house unwell.

Checked by breaking, each seen red: a person's strategy that counts, and strategies that do not say
whose they are.
"""

from __future__ import annotations

import attrs
import pytest
from xache.v1 import admin_pb2

from tests.plugins.house import config
from xached.actors.strategies.actor import Strategies
from xached.actors.strategies.surroundings import Grant
from xached.commands import admin_house
from xached.domain.instrument import AssetName
from xached.domain.order import Purse


@pytest.mark.parametrize(
    ("name", "state", "personal", "unwell"),
    [
        ("strategy 3f", "failed", 1, False),
        ("strategy 3f", "pausing", 1, False),
        ("strategy robot", "failed", 0, True),
        ("recorder", "pausing", 0, True),
        ("recorder", "running", 0, False),
    ],
)
def test_a_strategy_of_a_person_makes_no_house_unwell(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    state: str,
    personal: int,
    unwell: bool,
) -> None:
    part = admin_pb2.ActorHealth(name=name, state=state, statistics={"personal": personal})
    answer = admin_pb2.GetHealthResponse(actors=[part])
    monkeypatch.setattr(admin_house, "call", lambda _door, _request: answer)
    if unwell:
        with pytest.raises(SystemExit, match="1"):
            admin_house.health()
    else:
        admin_house.health()
    assert name in capsys.readouterr().out


def test_a_strategy_says_whether_it_is_a_persons() -> None:
    grant = Grant(grant_id="g", asset=AssetName("USDT"), amount_units=1, loss_limit_units=1)
    strategies = Strategies([config()])
    strategies.add(attrs.evolve(config(), name="hers", purse=Purse("bob/main"), grant=grant))
    assert {each.name: each.personal for each in strategies.statistics()} == {
        "robot": False,
        "hers": True,
    }
