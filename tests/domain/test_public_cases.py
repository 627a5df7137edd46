"""The table of public cases is complete: every scenario it names exists, every one is named."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TypeAlias

from tests.domain.script import scenarios

FOLDER = Path(__file__).parent / "scripts"
ORDER_MATCHER = "ArjunVachhani/order-matcher"
ORDER_MATCHER_CASES_MIN = 180

Case: TypeAlias = str | dict[str, str]


def cases() -> dict[str, dict[str, Case]]:
    """Each repository's cases, named with their file."""
    table = tomllib.loads((FOLDER / "public" / "CASES.toml").read_text(encoding="utf-8"))
    return {
        repository: {
            f"{file}: {name}": case for file, named in files.items() for name, case in named.items()
        }
        for repository, files in table.items()
    }


def scenario_of(case: Case) -> str | None:
    """The scenario that re-expresses a case; None when it is excluded."""
    return case if isinstance(case, str) else case.get("scenario")


def named() -> list[str]:
    found = [scenario_of(case) for of_source in cases().values() for case in of_source.values()]
    return [name for name in found if name is not None]


def names_in(*paths: Path) -> list[str]:
    return [name for path in sorted(paths) for name, _, _ in scenarios(path)]


def test_every_named_scenario_exists() -> None:
    assert set(named()) <= set(names_in(*FOLDER.rglob("*.script")))


def test_every_public_scenario_is_named() -> None:
    assert set(names_in(*(FOLDER / "public").glob("*.script"))) <= set(named())


def test_no_two_scenarios_have_one_name() -> None:
    names = names_in(*FOLDER.rglob("*.script"))
    assert sorted(set(names)) == sorted(names)


def test_a_case_says_where_it_is_how_it_differs_or_why_it_is_excluded() -> None:
    for of_source in cases().values():
        for name, case in of_source.items():
            if isinstance(case, dict):
                assert set(case) in ({"scenario", "differs"}, {"excluded"}), name
                assert all(case.values()), name


def test_enough_of_the_largest_source_is_re_expressed() -> None:
    told = [name for name, case in cases()[ORDER_MATCHER].items() if scenario_of(case) is not None]
    assert len(told) >= ORDER_MATCHER_CASES_MIN, len(told)
