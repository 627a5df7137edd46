"""Requests that the client signs, judged by the house's own verifier; and key files."""

from __future__ import annotations

import contextlib
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from nacl.signing import SigningKey
from xache.client import Client
from xache.errors import NotSignedIn
from xache.signing import ED25519, HMAC_SHA256, KeyFile, KeyFileError, Signer
from xache.v1 import account_pb2, account_pb2_grpc

from tests.clients.command import runner
from tests.clients.house import refuse
from xached.domain.api_keys import KeyAlgorithm, KeyId, LiveKey
from xached.domain.order import AccountId
from xached.security.signatures import is_genuine, read_signature

PATH = "/xache.v1.AccountService/WhatCanThisKeyDo"
SEED = bytes(range(32))
ED_KEY = KeyFile(key_id="abcdefghijkl", scheme=ED25519, secret=SEED)
HMAC_KEY = KeyFile(key_id="abcdefghijkl", scheme=HMAC_SHA256, secret=SEED)
NOW_MS = 1_800_000_000_000
UNAUTHENTICATED = 16


def live(key: KeyFile) -> LiveKey:
    ed = key.scheme == ED25519
    return LiveKey(
        key_id=KeyId(key.key_id),
        account_id=AccountId("ada"),
        algorithm=KeyAlgorithm.ED25519 if ed else KeyAlgorithm.HMAC_SHA256,
        verifier=bytes(SigningKey(key.secret).verify_key) if ed else key.secret,
        scopes=frozenset(),
        symbols=frozenset(),
        caps=(),
        networks=(),
        created_at_ns=0,
        expires_at_ns=1,
    )


@pytest.mark.parametrize("key", [ED_KEY, HMAC_KEY], ids=lambda key: key.scheme)
def test_the_house_takes_what_the_client_signs(key: KeyFile) -> None:
    signer = Signer(key, lambda: NOW_MS * 10**6 + 999_999)
    first, second = signer.header(PATH, b"body"), signer.header(PATH, b"body")
    assert first != second, "each is signed anew"
    for header in (first, second):
        signed = read_signature(header)
        assert signed is not None
        assert signed.timestamp_ms == NOW_MS
        assert is_genuine(signed, live(key), PATH, b"body")
        assert not is_genuine(signed, live(key), PATH, b"bod")


def test_a_key_file_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "bot.key"
    ED_KEY.save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert KeyFile.load(path) == ED_KEY
    assert "AAEC" not in repr(ED_KEY)
    with pytest.raises(FileExistsError):
        ED_KEY.save(path)
    path.chmod(0o640)
    with pytest.raises(KeyFileError, match="open to others"):
        KeyFile.load(path)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"key_id":"a","scheme":"b","secret":"AA=="}'])
def test_what_is_no_key_file_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "bot.key"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match="no key file"):
        KeyFile.load(path)
    with pytest.raises(KeyFileError, match="No such file"):
        KeyFile.load(tmp_path / "none")


class Accounts(account_pb2_grpc.AccountServiceServicer):
    """Says what the house says to signed requests; its clock is 90 s ahead."""

    now_ms = NOW_MS + 90_000

    def __init__(self) -> None:
        self.headers: list[str] = []

    def WhatCanThisKeyDo(self, request: Any, context: Any) -> Any:
        metadata = dict(context.invocation_metadata())
        self.headers.append(metadata["authorization"])
        signed = read_signature(metadata["authorization"])
        assert signed is not None
        if not is_genuine(signed, live(ED_KEY), PATH, request.SerializeToString()):
            refuse(context, UNAUTHENTICATED, "KEY_INVALID", "no")
        if abs(signed.timestamp_ms - self.now_ms) > 5_000:
            refuse(context, UNAUTHENTICATED, "TIMESTAMP", "no", {"now_ms": str(self.now_ms)}, 0.5)
        return account_pb2.WhatCanThisKeyDoResponse(key_id=signed.key_id)


@contextlib.contextmanager
def serving(accounts: Accounts) -> Iterator[str]:
    server = grpc.server(ThreadPoolExecutor(2))
    account_pb2_grpc.add_AccountServiceServicer_to_server(accounts, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


def test_a_wrong_clock_is_set_by_the_house() -> None:
    accounts, waits = Accounts(), list[float]()
    with (
        serving(accounts) as target,
        Client(target, key=ED_KEY, now_ns=lambda: NOW_MS * 10**6, sleep=waits.append) as client,
    ):
        assert client.account.what_can_this_key_do().key_id == ED_KEY.key_id
        assert waits == [0.5]
        client.account.what_can_this_key_do()
        assert len(set(accounts.headers)) == 3


def test_a_key_that_does_not_work_is_not_tried_twice() -> None:
    accounts = Accounts()
    other = KeyFile(key_id="abcdefghijkl", scheme=ED25519, secret=bytes(32))
    with serving(accounts) as target, Client(target, key=other) as client:
        with pytest.raises(NotSignedIn) as refused:
            client.account.what_can_this_key_do()
        assert refused.value.reason == "KEY_INVALID"
        assert len(accounts.headers) == 1


def test_a_command_signs_with_a_key_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bot.key"
    ED_KEY.save(path)
    accounts = Accounts()
    with serving(accounts) as target:

        class House:
            pass

        house: Any = House()
        house.target = target
        run = runner(house, capsys)
        ran = run("keys", "can", "--key", str(path), "--json")
        assert ran.code == 0
        path.chmod(0o644)
        assert "open to others" in run("keys", "can", "--key", str(path)).err
