"""A feed as its author ships it: built, installed, approved, followed, changed, refused.

The house runs in a fresh environment, beside a venue on this machine.

Checked: with what was admitted at the first connection taken for the next ones too, the changed
feed is connected again.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import trio
from xache_sdk.landlock import landlock_abi

from tests.adapters.mock_venue import MockKraken, listening
from tests.adapters.test_live_sockets import kraken_walk
from tests.domain.market_values import BTC
from tests.plugins.house import CHILDREN
from tests.plugins.test_plugin_life import PATIENCE_S, Machine, environment
from xached.adapters.feeds.feed import FRAME_BYTES_MAX

PYPROJECT = """
[build-system]
requires = ["hatchling>=1.27,<2"]
build-backend = "hatchling.build"
[project]
name = "xache-feed-example"
version = "0.1.0"
dependencies = ["xache-sdk"]
[project.entry-points."xache.feeds"]
example = "xache_feed_example:Unnumbered"
[tool.hatch.build.targets.wheel]
packages = ["src/xache_feed_example"]
"""

CONFIG = """
[data]
directory = "data"
[grpc]
listen = "127.0.0.1:0"
[http]
listen = "127.0.0.1:0"
[admin]
require_code = false
[house]
instruments = "{{config}}/instruments.toml"
risk = "{{config}}/risk.toml"
[feeds]
plugins = {{{{ example = ["BTC-USDT=BTC/USDT"] }}}}
plugin_settings = {{{{ example = {{{{ stream = "ws://{venue}/" }}}} }}}}
[egress]
hosts = ["{venue}"]
private_addresses = true
"""

AGAIN_S = 150.0
"""A feed that was refused is tried again after a minute at most."""

pytestmark = [
    pytest.mark.skipif(landlock_abi() == 0, reason="this kernel has no Landlock"),
    pytest.mark.xdist_group("plugin life"),
]


def install(root: Path) -> Path:
    """Python of an environment with the feed."""
    package = root / "xache-feed-example"
    source = package / "src" / "xache_feed_example"
    source.mkdir(parents=True)
    (package / "pyproject.toml").write_text(PYPROJECT)
    shutil.copyfile(CHILDREN / "following.py", source / "__init__.py")
    return environment(root, package)[0]


def live(root: Path, venue: str) -> None:
    """Its life, until it has changed."""
    machine = Machine(root, install(root), CONFIG.format(venue=venue))
    kind = ("--kind", "feed")
    try:
        machine.wait_for("'example' is not approved")
        listed = machine.plugins("list")
        assert re.search(r"example\s+not approved\s+xache-feed-example 0.1.0", listed), listed
        shown = machine.plugins("show", "example", *kind)
        assert "xache_feed_example/__init__.py" in shown, shown
        assert "stream" in shown, "what it can be set to"
        approved = machine.plugins("approve", "example", machine.digest("example", *kind), *kind)
        assert re.search(r"example\s+approved", approved), approved
        machine.wait_for("feed EXAMPLE is connected to 127.0.0.1", patience_s=AGAIN_S)

        [site] = (root / "environment").glob("lib/python3.*/site-packages")
        source = site / "xache_feed_example" / "__init__.py"
        source.write_text(source.read_text() + "\n# changed\n")
        machine.plugins("quarantine", "example", "--cause", "let us look at it", *kind)
        machine.wait_for("'example' is in quarantine: let us look at it")
        assert re.search(r"example +changed", machine.plugins("release", "example", *kind))
        machine.wait_for("'example' is not what was approved", patience_s=AGAIN_S)
    finally:
        machine.process.terminate()
        machine.process.communicate(timeout=PATIENCE_S)


async def test_a_feed_lives_from_its_wheel_to_its_change(tmp_path: Path) -> None:
    venue = MockKraken({"BTC/USDT": BTC}, kraken_walk(100), {}, FRAME_BYTES_MAX)
    async with listening(venue) as at:
        await trio.to_thread.run_sync(live, tmp_path, at.stream.authority)
    assert venue.connections == 1
    assert venue.snapshots >= 1
    assert venue.played
