"""What a new notifier begins with."""

from __future__ import annotations

from typing import Final

_PYPROJECT: Final = """\
[build-system]
requires = ["hatchling>=1.27,<2"]
build-backend = "hatchling.build"

[project]
name = "xache-notifier-@NAME@"
version = "0.1.0"
description = "A notifier for XACHE"
readme = "README.md"
requires-python = ">=3.11"
classifiers = ["Typing :: Typed"]
dependencies = ["xache-sdk>=0.1,<0.2"]

[project.optional-dependencies]
test = ["pytest>=9"]

[project.entry-points."xache.notifiers"]
@PLUGIN@ = "@MODULE@.notifier:@CLASS@"

[tool.hatch.build.targets.wheel]
packages = ["src/@MODULE@"]
"""

_README: Final = """\
# xache-notifier-@NAME@

A notifier for XACHE: it writes what is posted when something happens in the house. Replace what it
writes by what your receiver reads in `notifier.py`.

    pip install -e '.[test]'
    pytest

`pip install .` beside the daemon makes it known as `@PLUGIN@`. An operator approves it
(`xached admin plugins show @PLUGIN@ --kind notifier` tells its digest) and names in `xached.toml`
where it posts; what is in the file takes the place of `{secret}`:

    [[notifier]]
    name = "@NAME@"
    url = "https://chat.example.com/api"
    secret_file = "@NAME@.secret"
    plugin = "@PLUGIN@"
    settings = { channel = "ops" }
"""

_NOTIFIER: Final = '''\
"""One line for each notice, in a channel of a chat."""

from __future__ import annotations

import json
from dataclasses import dataclass

from xache_sdk.notifiers import SECRET, Notice, Notifier, Request
from xache_sdk.settings import setting


@dataclass(frozen=True)
class Settings:
    """Where in the chat."""

    channel: str = setting("ops", about="the channel that is written to")


class @CLASS@(Notifier[Settings]):
    """Posts one line for each notice to a chat."""

    settings_type = Settings

    def request(self, notice: Notice) -> Request:
        """Say what to send."""
        message = {
            "channel": self.settings.channel,
            "text": f"{notice.severity.value} {notice.subject}: {notice.text}",
            "id": notice.notice_id,
        }
        return Request(
            path="/messages",
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {SECRET}"},
            body=json.dumps(message).encode(),
        )
'''

_TEST: Final = '''\
"""What is sent for a notice."""

from __future__ import annotations

import json

from xache_sdk.testing import make_notice

from @MODULE@.notifier import @CLASS@, Settings


def test_it_writes_one_line() -> None:
    request = @CLASS@(Settings(channel="night")).request(make_notice())
    assert json.loads(request.body) == {
        "channel": "night",
        "text": "WARNING venue:BINANCE: silent about 2 markets",
        "id": make_notice().notice_id,
    }


def test_it_never_sees_the_secret() -> None:
    request = @CLASS@(Settings()).request(make_notice())
    assert request.headers["Authorization"] == "Bearer {secret}"
'''

NOTIFIER_FILES: Final = {
    "pyproject.toml": _PYPROJECT,
    "README.md": _README,
    "src/@MODULE@/__init__.py": '"""A notifier for XACHE."""\n',
    "src/@MODULE@/py.typed": "",
    "src/@MODULE@/notifier.py": _NOTIFIER,
    "tests/test_notifier.py": _TEST,
}
"""What is written, by path. Marks between at signs are names."""
