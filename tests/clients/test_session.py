"""A session renews its access token when it must, and never uses a refresh token twice."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from xache.client import Client
from xache.errors import NotSignedIn
from xache.tokens import FileTokens

from tests.clients.house import EMAIL, NOW_NS, PASSWORD, House


def client_of(house: House, file: Path, now_ns: int = NOW_NS) -> Client:
    return Client(house.target, tokens=FileTokens("house", file), now_ns=lambda: now_ns)


def test_a_call_carries_the_access_token(house: House, signed_in: Client) -> None:
    assert signed_in.account.get().email == EMAIL
    assert house.metadata[-1]["authorization"] == "Bearer access100"


def test_a_public_call_carries_none(house: House, signed_in: Client) -> None:
    signed_in.market.tickers()
    assert "authorization" not in house.metadata[-1]


def test_without_a_session_nothing_is_sent(house: House, client: Client) -> None:
    with pytest.raises(NotSignedIn) as caught:
        client.account.get()
    assert caught.value.reason == "NOT_SIGNED_IN"
    assert house.calls == []


def test_a_token_that_has_ended_is_renewed_before_the_call(house: House, client: Client) -> None:
    house.access_ends_at_ns = NOW_NS
    client.auth.login(EMAIL, PASSWORD)
    house.access_ends_at_ns = NOW_NS + 300_000_000_000
    client.account.get()
    client.account.get()
    assert house.calls == ["Login", "Refresh", "GetAccount", "GetAccount"]


def test_a_token_that_does_not_work_is_renewed_and_the_call_repeated(
    house: House, signed_in: Client
) -> None:
    house.expire_access_tokens()
    # Not repeatable, but it did nothing: it may be sent again with a new token.
    signed_in.auth.revoke_session("other")
    assert house.calls[1:] == ["RevokeSession", "Refresh", "RevokeSession"]


def test_a_new_token_that_does_not_work_either_ends_it(house: House, signed_in: Client) -> None:
    def never(context: object) -> None:
        house.expire_access_tokens()

    house.fail_next = [never] * 3
    with pytest.raises(NotSignedIn):
        signed_in.account.get()
    assert house.calls[1:] == ["GetAccount", "Refresh", "GetAccount"]


def test_a_session_that_has_ended_is_forgotten(house: House, tmp_path: Path) -> None:
    file = tmp_path / "tokens.json"
    with client_of(house, file) as client:
        client.auth.login(EMAIL, PASSWORD)
        house.expire_access_tokens()
        house.refresh_token = ""
        with pytest.raises(NotSignedIn):
            client.account.get()
        assert client.credentials is None
    assert FileTokens("house", file).load() is None


def test_the_next_process_goes_on_with_the_session(house: House, tmp_path: Path) -> None:
    file = tmp_path / "tokens.json"
    with client_of(house, file) as client:
        client.auth.login(EMAIL, PASSWORD)
    house.expire_access_tokens()
    with client_of(house, file) as client:
        client.account.get()
    with client_of(house, file) as client:
        client.account.get()
    assert house.refreshes == 1


def test_processes_that_find_the_token_ended_renew_it_once(house: House, tmp_path: Path) -> None:
    """The house ends a session whose refresh token is used twice.

    Checked by breaking: without the lock in Session.renew, or without the second look at what is
    kept, the session ended here.
    """
    file = tmp_path / "tokens.json"
    with client_of(house, file) as client:
        client.auth.login(EMAIL, PASSWORD)
    clients = [client_of(house, file) for _ in range(6)]
    for each in clients:
        assert each.credentials is not None
    house.expire_access_tokens()
    barrier = threading.Barrier(len(clients))
    failures: list[BaseException] = []

    def ask(client: Client) -> None:
        barrier.wait()
        try:
            client.account.get()
        except NotSignedIn as error:
            failures.append(error)

    threads = [threading.Thread(target=ask, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for each in clients:
        each.close()
    assert failures == []
    assert house.refreshes == 1


def test_logging_out_forgets(house: House, signed_in: Client) -> None:
    signed_in.auth.logout()
    assert signed_in.credentials is None
    assert house.calls[-1] == "Logout"
