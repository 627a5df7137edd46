"""The life of a session: the table of verdicts, the book, the forms of what people type."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xached.domain.auth import (
    EMAIL_CHARS_MAX,
    Role,
    Scope,
    Session,
    SessionEndCause,
    SessionId,
    parse_email,
    scopes_of_password_session,
)
from xached.domain.order import AccountId
from xached.domain.places import place_of
from xached.domain.rejection import Reason, Rejection
from xached.domain.sessions import (
    DAY_NS,
    REFRESH_GRACE_NS,
    SESSION_AGE_NS_MAX,
    SESSION_IDLE_NS,
    LiveSession,
    RefreshVerdict,
    SessionBook,
    SessionLimits,
    SessionTable,
    judge_refresh,
    repeated,
    rotated,
    session_expiry_ns,
)

NEWEST, PREVIOUS, OTHER = b"newest", b"previous", b"other"
NOW = 1_000 * DAY_NS


def session(number: int = 1, account: str = "alice") -> Session:
    return Session(
        session_id=SessionId(f"s{number}"),
        account_id=AccountId(account),
        device_sealed=b"",
        family_hash=b"family %d" % number,
        refresh_hash=NEWEST,
        previous_hash=PREVIOUS,
        created_at_ns=NOW,
        refreshed_at_ns=NOW,
        expires_at_ns=NOW + SESSION_IDLE_NS,
    )


@pytest.mark.parametrize("presented", [NEWEST, PREVIOUS, OTHER])
@pytest.mark.parametrize(
    ("after_ns", "verdicts"),
    [
        (0, "ROTATE REPEAT REUSED"),
        (REFRESH_GRACE_NS - 1, "ROTATE REPEAT REUSED"),
        (REFRESH_GRACE_NS, "ROTATE REUSED REUSED"),
        (SESSION_IDLE_NS - 1, "ROTATE REUSED REUSED"),
        (SESSION_IDLE_NS, "EXPIRED EXPIRED EXPIRED"),
    ],
)
def test_every_token_at_every_time(presented: bytes, after_ns: int, verdicts: str) -> None:
    expected = dict(zip((NEWEST, PREVIOUS, OTHER), verdicts.split(), strict=True))
    assert judge_refresh(session(), presented, NOW + after_ns).name == expected[presented]


def test_a_new_session_has_no_token_before_its_first() -> None:
    first = attrs.evolve(session(), previous_hash=None)
    assert judge_refresh(first, PREVIOUS, NOW) is RefreshVerdict.REUSED


def test_rotating_prolongs_up_to_the_greatest_age() -> None:
    later = rotated(session(), b"successor", NOW + DAY_NS // 2)
    assert (later.refresh_hash, later.previous_hash) == (b"successor", NEWEST)
    assert later.expires_at_ns == NOW + DAY_NS // 2 + SESSION_IDLE_NS
    last = rotated(session(), b"successor", NOW + SESSION_AGE_NS_MAX - 1)
    assert last.expires_at_ns == NOW + SESSION_AGE_NS_MAX


def test_repeating_changes_the_newest_token_only() -> None:
    again = repeated(session(), b"successor")
    assert again == attrs.evolve(session(), refresh_hash=b"successor")


@given(
    st.lists(
        st.tuples(st.sampled_from(["put", "remove"]), st.integers(0, 5), st.booleans()),
        max_size=40,
    )
)
def test_the_book_agrees_with_a_plain_dict(steps: list[tuple[str, int, bool]]) -> None:
    book, model = SessionBook(), dict[SessionId, Session]()
    for action, number, touched in steps:
        one = session(number, "alice" if number % 2 else "bob")
        known = one.session_id in model
        if action == "put":
            one = attrs.evolve(one, expires_at_ns=NOW) if touched else one
            book.put(one)
            model[one.session_id] = one
        elif known:
            book.remove(one)
            del model[one.session_id]
        assert len(book) == len(model)
        for account in ("alice", "bob", "carol"):
            mine = [entry for entry in model.values() if entry.account_id == account]
            assert book.of_account(AccountId(account)) == mine
        for other in range(6):
            expected = model.get(SessionId(f"s{other}"))
            assert book.find(SessionId(f"s{other}")) == expected
            assert book.of_family(b"family %d" % other) == expected
        assert book.expired(NOW) == [one for one in model.values() if one.expires_at_ns <= NOW]


def test_the_table_tells_each_end_once() -> None:
    table, told = SessionTable(), list[tuple[SessionId, SessionEndCause]]()
    table.on_end(lambda session_id, cause: told.append((session_id, cause)))
    live = LiveSession(
        session_id=SessionId("s1"),
        account_id=AccountId("alice"),
        roles=frozenset({Role.USER}),
        scopes=frozenset(),
        expires_at_ns=NOW,
    )
    table.put(live)
    assert table.find(live.session_id) is live
    for _ in range(2):
        table.end(live.session_id, SessionEndCause.LOGOUT)
        assert table.find(live.session_id) is None
    assert told == [(live.session_id, SessionEndCause.LOGOUT)]


@pytest.mark.parametrize("role", Role)
def test_only_those_who_run_the_house_may_run_it(role: Role) -> None:
    scopes = scopes_of_password_session(frozenset({Role.USER, role}))
    assert (Scope.ADMIN in scopes) == (role in (Role.OPERATOR, Role.ADMIN))
    assert {Scope.READ, Scope.TRADE, Scope.ACCOUNT} <= scopes
    assert Scope.WITHDRAW not in scopes


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("alice@example.com", "alice@example.com"),
        (" Alice.Liddell+xache@Mail.EXAMPLE.com\n", "alice.liddell+xache@mail.example.com"),
        ("o'brien@xn--bcher-kva.example", "o'brien@xn--bcher-kva.example"),
    ],
)
def test_addresses_are_read_into_one_form(text: str, address: str) -> None:
    assert parse_email(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@",
        "alice",
        "alice@",
        "@example.com",
        "alice@example",
        "alice@-example.com",
        "alice@example-.com",
        "alice@example..com",
        "alice@127.0.0.1",
        ".alice@example.com",
        "alice.@example.com",
        "al..ice@example.com",
        "alice bob@example.com",
        "alice@bob@example.com",
        "alice\0@example.com",
        "alice@exa\nmple.com",
        "<alice@example.com>",
        "alice,bob@example.com",
        "\u0430lice@example.com",
        "x" * 65 + "@example.com",
        "x@" + "a." * EMAIL_CHARS_MAX + "com",
    ],
)
def test_other_texts_are_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(Rejection) as refused:
        parse_email(text)
    assert refused.value.reason is Reason.EMAIL_FORMAT
    assert len(text) < 6 or text not in repr(refused.value)


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        address = parse_email(text)
    except Rejection:
        return
    assert parse_email(address) == address


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("192.0.2.7", "192.0.2.0/24"),
        ("2001:db8:1:2::7", "2001:db8:1::/48"),
        ("::ffff:192.0.2.7", "192.0.2.0/24"),
        ("127.0.0.1", "this machine"),
        ("::1", "this machine"),
        ("", ""),
        ("nowhere", ""),
    ],
)
def test_a_place_is_a_network(address: str, place: str) -> None:
    assert place_of(address) == place


def test_shorter_limits_end_sessions_sooner() -> None:
    limits = SessionLimits(idle_ns=10, age_ns=25)
    assert [session_expiry_ns(0, at_ns, limits) for at_ns in (0, 10, 20)] == [10, 20, 25]
