"""What the daemon's log must not say."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from loguru import logger
from xache.v1 import auth_pb2

from xached.cli import log_to

SECRET = "kettle-anchor-moss-77"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    log_to(stream)
    yield stream
    logger.remove()


def test_a_traceback_shows_no_values(log: io.StringIO) -> None:
    def handle(request: auth_pb2.LoginRequest) -> None:
        password = request.password
        divmod(len(password), 0)

    try:
        handle(auth_pb2.LoginRequest(password=SECRET))
    except ZeroDivisionError as error:
        logger.opt(exception=error).error("incident {}", "abc")
    assert "incident abc" in log.getvalue()
    assert "in handle" in log.getvalue()
    assert SECRET not in log.getvalue()
