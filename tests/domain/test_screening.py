"""Names against lists: who is found, who is not, and what the match says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xached.domain.rejection import Reason, Rejection
from xached.domain.screening import (
    PPM,
    THRESHOLD_PPM,
    Watchlists,
    plain,
    read_watchlist,
    similarity_ppm,
    tokens_of,
)

# All made up.
LIST = """id,name,aliases,birth_date,country,program
1,"SMITH, John",J. Smith-Example;Johnny the Example,1960,US,EXAMPLE
2,Владимир Примеров,,1951-03-04,RU,EXAMPLE
3,"AL-EXEMPLAR, Abu Bakr Hassan",,,SY,EXAMPLE
4,Mononym,,,,EXAMPLE
5,José Núñez Ejemplo,,,VE,EXAMPLE
6,Παπαδόπουλος Παράδειγμα,,,GR,EXAMPLE
"""


@pytest.fixture(scope="module")
def lists() -> Watchlists:
    return Watchlists(read_watchlist(LIST, "example"))


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("John Smith", "1"),
        ("Smith John", "1"),
        ("JOHN  SMITH", "1"),
        ("Jon Smyth", "1"),
        ("John Adam Smith", "1"),
        ("Jöhn Smïth", "1"),
        ("Johnny Example", "1"),
        ("Jane Smith", ""),
        # A longer word with the same beginning is near enough to be looked at by somebody.
        ("John Smithson-Miller", "1"),
        ("John Brown-Miller", ""),
        ("John", ""),
        ("Vladimir Primerov", "2"),
        ("Wladimir Primerow", "2"),
        ("Примеров Владимир", "2"),
        ("Vladislav Primerov", "2"),
        ("Stanislav Primerov", ""),
        ("Hassan al Exemplar", "3"),
        ("Abu-Bakr Hassan Alexemplar", ""),
        ("Mononym", "4"),
        ("Maria Mononym", "4"),
        ("Jose Nunez", "5"),
        ("José Núñez Ejemplo", "5"),
        ("Jose Martinez", ""),
        ("Papadopoulos Paradeigma", "6"),
        ("Nobody Atall", ""),
        ("", ""),
        ("  ,;- ", ""),
    ],
)
def test_who_is_found(lists: Watchlists, name: str, found: str) -> None:
    matches = lists.screen(name)
    assert [match.entry.entry_id for match in matches] == ([f"example/{found}"] if found else [])


def test_a_match_explains_itself(lists: Watchlists) -> None:
    (match,) = lists.screen("Jon Smyth", "1985-01-01")
    assert {(pair.token, pair.listed) for pair in match.tokens} == {
        ("jon", "john"),
        ("smyth", "smith"),
    }
    assert match.threshold_ppm == THRESHOLD_PPM <= match.score_ppm < PPM
    assert match.birth_date_differs
    text = match.explain()
    assert "example/1 'SMITH, John' [EXAMPLE]" in text
    assert "jon~john 93.3%" in text
    assert "threshold 90.0%" in text
    assert "another birth date is listed" in text
    (same,) = lists.screen("John Smith", "1960-05-05")
    assert not same.birth_date_differs, "the list knows the year only"
    assert lists.screen("Jon Smyth", threshold_ppm=950_000) == ()


@pytest.mark.parametrize(
    ("one", "other", "ppm"),
    [
        # Winkler (1990), and the table that everybody compares with.
        ("martha", "marhta", 961_111),
        ("dwayne", "duane", 840_000),
        ("dixon", "dicksonx", 813_333),
        ("abc", "xyz", 0),
        ("", "abc", 0),
        ("same", "same", PPM),
    ],
)
def test_similarity_is_the_one_of_the_literature(one: str, other: str, ppm: int) -> None:
    assert abs(similarity_ppm(one, other) - ppm) <= 2
    assert similarity_ppm(one, other) == similarity_ppm(other, one)


@given(st.text(), st.text())
def test_any_text_is_a_name(one: str, other: str) -> None:
    assert 0 <= similarity_ppm(plain(one), plain(other)) <= PPM
    assert plain(plain(one)) == plain(one)
    assert all(tokens_of(one))
    lists = Watchlists(read_watchlist(LIST, "example"))
    lists.screen(one)


def test_the_file_of_ofac_is_read_as_it_is() -> None:
    text = (
        '101,"EXAMPLE BANK",-0- ,"CUBA",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- \n'
        '102,"PRUEBA, Carlos",individual,"SDNT",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,'
        "\"DOB 13 Mar 1970; POB Nowhere; a.k.a. 'EL EJEMPLO'.\"\n"
    )
    bank, person = read_watchlist(text, "ofac-sdn")
    assert (bank.entry_id, bank.name, bank.program) == ("ofac-sdn/101", "EXAMPLE BANK", "CUBA")
    assert person.names == ["PRUEBA, Carlos", "EL EJEMPLO"]
    assert person.birth_date == "13 Mar 1970"
    lists = Watchlists([bank, person])
    assert [m.entry for m in lists.screen("Carlos Prueba")] == [person]
    assert [m.entry for m in lists.screen("El Ejemplo", "1970-03-13")] == [person]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "id,name,aliases,birth_date,country,program\n",
        "id,name,aliases,birth_date,country,program\n1,A B\n",
        "id,name,aliases,birth_date,country,program\n,A B,,,,\n",
        "id,name,aliases,birth_date,country,program\n1,A B,,,,\n1,C D,,,,\n",
        "name,id\nA B,1\n",
        "<html>",
    ],
)
def test_what_is_no_list_is_refused(text: str) -> None:
    with pytest.raises(Rejection) as refusal:
        read_watchlist(text, "x")
    assert refusal.value.reason is Reason.WATCHLIST_FORM
