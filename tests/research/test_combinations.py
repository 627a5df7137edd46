"""A few combinations stand for all values of all settings."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from xached.research.combinations import covering


@given(st.lists(st.integers(1, 5), min_size=1, max_size=4))
def test_every_value_is_there_in_as_few_as_one_setting_has_values(counts: list[int]) -> None:
    combinations = [
        {str(place): value for place, value in enumerate(each)}
        for each in itertools.product(*map(range, counts))
    ]
    chosen = covering(combinations)
    assert chosen[0] == combinations[0]
    assert len(chosen) == max(counts)
    for place, count in enumerate(counts):
        assert {one[str(place)] for one in chosen} == set(range(count))


def test_rules_that_leave_some_out_are_no_matter() -> None:
    left = [{"fast": 1, "slow": 2}, {"fast": 1, "slow": 3}, {"fast": 2, "slow": 3}]
    assert covering(left) == [left[0], left[2]]
    assert covering([{}]) == [{}]
