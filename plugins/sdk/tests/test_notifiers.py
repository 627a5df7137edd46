"""What a notifier may ask to be sent."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from xache_sdk.notifiers import BODY_BYTES_MAX, SECRET, SIGNATURE, Request


def test_a_request_names_places_for_secrets_that_it_never_sees() -> None:
    request = Request(
        body=b"{}", path=f"/bot{SECRET}/send?x=1", headers={"X-Signature": f"sha256={SIGNATURE}"}
    )
    assert request.path == "/bot{secret}/send?x=1"


@pytest.mark.parametrize(
    ("path", "headers", "size"),
    [
        ("/a b", {}, 1),
        ("/a\r\nHost: other", {}, 1),
        ("/ä", {}, 1),
        ("/" + "a" * 2_000, {}, 1),
        ("", {"Host": "other"}, 1),
        ("", {"content-length": "7"}, 1),
        ("", {"Transfer-Encoding": "chunked"}, 1),
        ("", {"X": "a\r\nY: b"}, 1),
        ("", {"X Y": "a"}, 1),
        ("", {"": "a"}, 1),
        ("", {"X": "a" * 1_001}, 1),
        ("", {"X": " a"}, 1),
        ("", {"X": "a "}, 1),
        ("", {f"X-{number}": "" for number in range(21)}, 1),
        ("", {}, BODY_BYTES_MAX + 1),
    ],
)
def test_what_would_be_another_request_is_refused(
    path: str, headers: Mapping[str, str], size: int
) -> None:
    with pytest.raises(ValueError, match=r"at most|no path|no header|more than"):
        Request(body=b"x" * size, path=path, headers=headers)
