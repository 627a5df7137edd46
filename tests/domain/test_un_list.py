"""The list of the United Nations: read as it is published, and nothing hostile taken for it.

Checked by breaking, each seen red: a document type that is let through (the bombs are read), a
depth and a text without an end, and a root of any name.
"""

from __future__ import annotations

import pytest

from xached.domain.rejection import Reason, Rejection
from xached.domain.screening import Watchlists, read_watchlist
from xached.domain.un_list import DEPTH_MAX, TEXT_CHARS_MAX, NotTheList, read_un_list

# The elements of the published schema, with people whom nobody looks for.
UN_LIST = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<CONSOLIDATED_LIST xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
    xsi:noNamespaceSchemaLocation="consolidated.xsd" dateGenerated="2026-11-20T23:00:01.000-05:00">
  <INDIVIDUALS>
    <INDIVIDUAL>
      <DATAID>6900001</DATAID>
      <VERSIONNUM>1</VERSIONNUM>
      <FIRST_NAME>CARLOS</FIRST_NAME>
      <SECOND_NAME>PRUEBA</SECOND_NAME>
      <THIRD_NAME>Ejemplo</THIRD_NAME>
      <UN_LIST_TYPE>Example Regime</UN_LIST_TYPE>
      <REFERENCE_NUMBER>EXi.001</REFERENCE_NUMBER>
      <LISTED_ON>2016-11-30</LISTED_ON>
      <NAME_ORIGINAL_SCRIPT>Карлос Пруеба</NAME_ORIGINAL_SCRIPT>
      <COMMENTS1>Not a person; &lt;made up&gt; &amp; harmless.</COMMENTS1>
      <DESIGNATION><VALUE>Minister of Nothing</VALUE></DESIGNATION>
      <NATIONALITY><VALUE>Nowhere</VALUE></NATIONALITY>
      <LIST_TYPE><VALUE>UN List</VALUE></LIST_TYPE>
      <LAST_DAY_UPDATED><VALUE>2019-01-01</VALUE></LAST_DAY_UPDATED>
      <INDIVIDUAL_ALIAS>
        <QUALITY>Good</QUALITY>
        <ALIAS_NAME>El Ejemplo; the younger</ALIAS_NAME>
      </INDIVIDUAL_ALIAS>
      <INDIVIDUAL_ALIAS><QUALITY/><ALIAS_NAME/></INDIVIDUAL_ALIAS>
      <INDIVIDUAL_ADDRESS><COUNTRY/></INDIVIDUAL_ADDRESS>
      <INDIVIDUAL_DATE_OF_BIRTH>
        <TYPE_OF_DATE>EXACT</TYPE_OF_DATE>
        <DATE>1964-07-17</DATE>
      </INDIVIDUAL_DATE_OF_BIRTH>
      <INDIVIDUAL_DATE_OF_BIRTH>
        <TYPE_OF_DATE>BETWEEN</TYPE_OF_DATE>
        <FROM_YEAR>1966</FROM_YEAR>
        <TO_YEAR>1968</TO_YEAR>
      </INDIVIDUAL_DATE_OF_BIRTH>
      <INDIVIDUAL_PLACE_OF_BIRTH/>
      <INDIVIDUAL_DOCUMENT>
        <TYPE_OF_DOCUMENT>Passport</TYPE_OF_DOCUMENT><NUMBER>000000</NUMBER>
      </INDIVIDUAL_DOCUMENT>
      <SORT_KEY/>
      <SORT_KEY_LAST_MOD/>
    </INDIVIDUAL>
    <INDIVIDUAL>
      <DATAID>6900002</DATAID>
      <FIRST_NAME>Ana</FIRST_NAME>
      <INDIVIDUAL_DATE_OF_BIRTH>
        <TYPE_OF_DATE>APPROXIMATELY</TYPE_OF_DATE><YEAR>1970</YEAR>
      </INDIVIDUAL_DATE_OF_BIRTH>
    </INDIVIDUAL>
  </INDIVIDUALS>
  <ENTITIES>
    <ENTITY>
      <DATAID>6900003</DATAID>
      <VERSIONNUM>1</VERSIONNUM>
      <FIRST_NAME>EXAMPLE TRADING COMPANY</FIRST_NAME>
      <UN_LIST_TYPE>Example Regime</UN_LIST_TYPE>
      <REFERENCE_NUMBER>EXe.001</REFERENCE_NUMBER>
      <ENTITY_ALIAS><QUALITY>a.k.a.</QUALITY><ALIAS_NAME>Extraco</ALIAS_NAME></ENTITY_ALIAS>
      <ENTITY_ADDRESS><CITY>None</CITY><COUNTRY>Elsewhere</COUNTRY></ENTITY_ADDRESS>
    </ENTITY>
  </ENTITIES>
</CONSOLIDATED_LIST>
"""


def test_the_file_of_the_united_nations_is_read_as_it_is() -> None:
    carlos, ana, company = read_watchlist(UN_LIST, "un")
    assert carlos.entry_id == "un/6900001"
    assert carlos.names == [
        "CARLOS PRUEBA Ejemplo",
        "Карлос Пруеба",
        "El Ejemplo, the younger",
    ]
    assert carlos.birth_date == "1964-07-17 1966 1967 1968"
    assert (carlos.country, carlos.program) == ("Nowhere", "Example Regime EXi.001")
    assert (ana.names, ana.birth_date) == (["Ana"], "1970")
    assert company.names == ["EXAMPLE TRADING COMPANY", "Extraco"]
    assert company.country == "Elsewhere"
    lists = Watchlists([carlos, ana, company])
    (match,) = lists.screen("Prueba, Carlos", "1967-02-01")
    assert match.entry == carlos
    assert not match.birth_date_differs
    assert "EXi.001" in match.explain()
    (match,) = lists.screen("Karlos Prueba", "1999-01-01")
    assert match.birth_date_differs
    # With the mark that some programs put before a file, too.
    assert read_watchlist("\ufeff" + UN_LIST, "un") == [carlos, ana, company]


def doctype(declarations: str) -> str:
    head, _, rest = UN_LIST.partition("?>")
    return f"{head}?><!DOCTYPE CONSOLIDATED_LIST [{declarations}]>{rest}"


BOMB = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10 if n else "boom"}">' for n in range(12))
HOSTILE = [
    ("a bomb", doctype(BOMB).replace("Ana", "&a11;"), "document type"),
    ("quadratic", doctype(f'<!ENTITY a "{"b" * 1_000}">').replace("Ana", "&a;" * 99), "document"),
    (
        "a file of ours",
        doctype('<!ENTITY a SYSTEM "file:///etc/passwd">').replace("Ana", "&a;"),
        "document type",
    ),
    ("an outer grammar", doctype("").replace("[]", 'SYSTEM "http://192.0.2.1/x"'), "document type"),
    ("an unknown entity", UN_LIST.replace("Ana", "&ana;"), "undefined entity"),
    ("depth", f"<CONSOLIDATED_LIST>{'<A>' * DEPTH_MAX}", "without end"),
    ("a long text", UN_LIST.replace("Ana", "a" * (TEXT_CHARS_MAX + 1)), "characters"),
    ("another root", "<html><body/></html>", "line 1: it is not CONSOLIDATED_LIST"),
    ("no end", UN_LIST[:-30], "line"),
    ("an entry without a number", UN_LIST.replace("<DATAID>6900002</DATAID>", ""), "DATAID"),
    ("an entry without a name", UN_LIST.replace("<FIRST_NAME>Ana</FIRST_NAME>", ""), "FIRST_NAME"),
    ("the same twice", UN_LIST.replace("6900002", "6900001"), "an id twice"),
    ("nobody", "<CONSOLIDATED_LIST/>", "0 entries"),
]


@pytest.mark.parametrize(
    ("text", "why"), [each[1:] for each in HOSTILE], ids=[each[0] for each in HOSTILE]
)
def test_what_is_hostile_or_another_file_is_refused_and_says_why(text: str, why: str) -> None:
    with pytest.raises(Rejection) as refusal:
        read_watchlist(text, "un")
    assert refusal.value.reason is Reason.WATCHLIST_FORM
    assert why in refusal.value.facts["given"]


def test_more_entries_than_are_kept_are_refused_as_they_come() -> None:
    with pytest.raises(NotTheList, match="more than 2 entries"):
        read_un_list(UN_LIST, 2)
