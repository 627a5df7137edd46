"""The configuration: every documented key is read, and whatever does not fit is named.

Checked by breaking: dropping off-step digits, and forgetting ``finish`` of one table, were each
seen red.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from xached.actors.signals import ModelPlan
from xached.actors.strategies.signal_board import SignalConfig
from xached.adapters.feeds.session import Endpoint
from xached.adapters.smtp import Protection
from xached.config.config import (
    Config,
    FeedsConfig,
    GrpcConfig,
    default_house,
    defaults_dir,
    read_config,
    read_house,
)
from xached.config.tables import ConfigError, is_address
from xached.domain.candles import Interval
from xached.domain.capabilities import UNBOUNDED, Capabilities
from xached.domain.instrument import AssetName, Symbol
from xached.domain.market import BINANCE
from xached.storage.recordings import RecordTerms

SHIPPED = Path(__file__).parents[2] / "config"
STRATEGY = """
[[strategy]]
name = "my-sma"
plugin = "sma"
account = "abc"
subaccount = "sma"
settings = { symbol = "BTC-USDT", fast = 10, notional = "100" }
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The shipped files, to be changed."""
    for name in ("xached.toml", "instruments.toml", "risk.toml", "aml.toml", "levels.toml"):
        (tmp_path / name).write_bytes((SHIPPED / name).read_bytes())
    return tmp_path


def change(path: Path, before: str, after: str) -> None:
    """Replace one piece of a file, which must be there."""
    text = path.read_text()
    assert before in text, before
    path.write_text(text.replace(before, after, 1))


def refusal(folder: Path) -> str:
    """What is said of a configuration that cannot be used, without the folder."""
    with pytest.raises(ConfigError) as refused:
        read_config(folder / "xached.toml")
    return str(refused.value).replace(f"{folder}/", "")


# --- What ships. -----------------------------------------------------------------------------


def test_the_shipped_files_are_the_defaults() -> None:
    config = read_config(SHIPPED / "xached.toml")
    # What is made by hand records nothing.
    assert config == Config(data_dir=SHIPPED / "data", house=default_house(), record=RecordTerms())
    assert [instrument.symbol for instrument in config.house.instruments] == [
        "BTC-USDT", "ETH-USDT",
    ]  # fmt: skip
    assert config.house.limits.max_order_notional_units == (("USDT", 1_000_000 * 10**8),)
    assert (defaults_dir() / "instruments.toml").is_file()


def test_an_empty_file_is_the_defaults_too(folder: Path) -> None:
    (folder / "xached.toml").write_text("")
    assert read_config(folder / "xached.toml") == Config(
        data_dir=folder / "data", house=default_house(), record=RecordTerms()
    )


def documented_keys() -> list[tuple[str, str]]:
    document = tomllib.loads((SHIPPED / "xached.toml").read_text())
    return [(table, key) for table, values in document.items() for key in values]


def recorded(config: Config) -> RecordTerms:
    assert config.record is not None
    return config.record


def followed(config: Config) -> list[tuple[str, str, str]]:
    """Venue, its name of an instrument, and the house's."""
    return [
        (each.rules.venue, name, instrument.symbol)
        for each in config.feeds.venues
        for name, instrument in each.instruments
    ]


def endpoints(kind: str, venue: str) -> Callable[[Config], Endpoint]:
    """Reads where a venue is dialled."""

    def read(config: Config) -> Endpoint:
        (found,) = (each for each in config.feeds.venues if each.rules.venue == venue)
        endpoint = getattr(found, kind)
        assert isinstance(endpoint, Endpoint)
        return endpoint

    return read


TLS_FILES = ("certificate", "private_key", "client_ca")

A_1_B = Endpoint(host="a", port=1, tls=True, path="/b")

OTHER_VALUES: dict[tuple[str, str], tuple[str, Any, Any]] = {
    ("compliance", "levels"): ('"levels.toml"', lambda c: len(c.levels), 4),
    ("compliance", "aml"): ('"aml.toml"', lambda c: len(c.aml), 4),
    ("backtests", "histories"): ('"/srv/h"', lambda c: c.backtests.histories, Path("/srv/h")),
    ("backtests", "running_max"): ("2", lambda c: c.backtests.running_max, 2),
    ("record", "market"): ("false", lambda c: recorded(c).market.on, False),
    ("record", "market_days"): ("7", lambda c: recorded(c).market.days_max, 7),
    ("record", "market_gb"): ("3", lambda c: recorded(c).market.bytes_max, 3 * 10**9),
    ("record", "inputs"): ("false", lambda c: recorded(c).inputs.on, False),
    ("record", "inputs_days"): ("8", lambda c: recorded(c).inputs.days_max, 8),
    ("record", "inputs_gb"): ("4", lambda c: recorded(c).inputs.bytes_max, 4 * 10**9),
    ("record", "rotate_minutes"): ("5", lambda c: recorded(c).rotate_ns, 300 * 10**9),
    ("record", "parity"): ('""', lambda c: recorded(c).parity, None),
    ("record", "free_gb"): ("0", lambda c: recorded(c).free_bytes_min, 0),
    ("paper", "opening"): ("5", lambda c: c.paper_opening, 5),
    ("data", "directory"): ('"elsewhere"', lambda c: c.data_dir.name, "elsewhere"),
    ("grpc", "listen"): ('"[::1]:0"', lambda c: c.grpc.listen, "[::1]:0"),
    ("grpc", "reflection"): ("true", lambda c: c.grpc.reflection, True),
    ("grpc", "certificate"): ('"c.pem"', lambda c: c.grpc.certificate.name, "c.pem"),
    ("grpc", "private_key"): ('"k.pem"', lambda c: c.grpc.private_key.name, "k.pem"),
    ("admin", "socket"): ('"a.sock"', lambda c: c.admin.socket.name, "a.sock"),
    ("admin", "listen"): ('"[::1]:9"', lambda c: c.admin.listen, "[::1]:9"),
    ("admin", "certificate"): ('"h.pem"', lambda c: c.admin.certificate.name, "h.pem"),
    ("admin", "private_key"): ('"h.key"', lambda c: c.admin.private_key.name, "h.key"),
    ("admin", "client_ca"): ('"ca.pem"', lambda c: c.admin.client_ca.name, "ca.pem"),
    ("admin", "require_code"): ("false", lambda c: c.admin.require_code, False),
    ("http", "listen"): ('"0.0.0.0:81"', lambda c: c.http_listen, "0.0.0.0:81"),
    ("http", "hosts"): ('["trade.example.org"]', lambda c: c.http_hosts, ("trade.example.org",)),
    ("http", "certificate"): ('"c.pem"', lambda c: c.http.certificate.name, "c.pem"),
    ("http", "private_key"): ('"k.pem"', lambda c: c.http.private_key.name, "k.pem"),
    ("http", "self_signed"): ("true", lambda c: c.http.self_signed, True),
    ("house", "instruments"): ('"i.toml"', lambda c: len(c.house.instruments), 1),
    ("house", "risk"): ('"r.toml"', lambda c: c.house.limits.max_open_orders, 7),
    ("limits", "account_per_s"): ("7", lambda c: c.limits.account.per_s, 7),
    ("limits", "account_burst"): ("9", lambda c: c.limits.account.burst, 9),
    ("limits", "key_per_s"): ("7", lambda c: c.limits.key.per_s, 7),
    ("limits", "key_burst"): ("9", lambda c: c.limits.key.burst, 9),
    ("limits", "address_per_s"): ("7", lambda c: c.limits.address.per_s, 7),
    ("limits", "address_burst"): ("9", lambda c: c.limits.address.burst, 9),
    ("limits", "house_per_s"): ("7", lambda c: c.limits.house.per_s, 7),
    ("limits", "house_burst"): ("9", lambda c: c.limits.house.burst, 9),
    ("strategies", "approve_configured"): ("true", lambda c: c.approve_configured, True),
    ("sandbox", "require"): (
        '["network"]',
        lambda c: [each.name for each in c.sandbox_min],
        ["NETWORK"],
    ),
    ("sessions", "idle_minutes"): ("30", lambda c: c.sessions.idle_ns, 30 * 60 * 10**9),
    ("sessions", "age_hours"): ("12", lambda c: c.sessions.age_ns, 12 * 3_600 * 10**9),
    ("storage", "snapshot_rows"): ("5_000", lambda c: c.snapshot_rows, 5_000),
    ("mail", "host"): ('"mail.example"', lambda c: c.mail.server.host, "mail.example"),
    ("mail", "port"): ("465", lambda c: c.mail.server.port, 465),
    ("mail", "protection"): ('"tls"', lambda c: c.mail.server.protection, Protection.TLS),
    ("mail", "username"): ('"xache"', lambda c: c.mail.server.username, "xache"),
    ("mail", "password_file"): ('"mail.key"', lambda c: c.mail.server.password, "sesame"),
    ("mail", "sender"): ('"me@trade.example"', lambda c: c.mail.sender, "me@trade.example"),
    ("mail", "sender_name"): ('"Trade"', lambda c: c.mail.sender_name, "Trade"),
    ("mail", "client_name"): ('"a.example"', lambda c: c.mail.server.client_name, "a.example"),
    ("mail", "require_verified_email"): (
        "false",
        lambda c: c.mail.require_verified_email,
        False,
    ),
    ("feeds", "binance"): ('["BTC-USDT"]', followed, [("BINANCE", "BTCUSDT", "BTC-USDT")]),
    ("feeds", "coinbase"): ('["BTC-USDT"]', followed, [("COINBASE", "BTC-USDT", "BTC-USDT")]),
    ("feeds", "kraken"): ('["BTC-USDT=X/Y"]', followed, [("KRAKEN", "X/Y", "BTC-USDT")]),
    ("feeds", "mark_venue"): ('"KRAKEN"', lambda c: c.feeds.mark_venue, "KRAKEN"),
    ("feeds", "stale_after_s"): ("60", lambda c: c.feeds.stale_after_s, 60),
    ("feeds", "binance_stream"): ('"wss://a:1/b"', endpoints("stream", "BINANCE"), A_1_B),
    ("feeds", "binance_rest"): ('"https://a:1/b"', endpoints("rest", "BINANCE"), A_1_B),
    ("feeds", "coinbase_stream"): ('"wss://a:1/b"', endpoints("stream", "COINBASE"), A_1_B),
    ("feeds", "plugins"): (
        '{ example = ["BTC-USDT=X/Y"] }',
        lambda c: [
            (each.plugin, each.venue, [(name, known.symbol) for name, known in each.instruments])
            for each in c.feeds.plugins
        ],
        [("example", "EXAMPLE", [("X/Y", "BTC-USDT")])],
    ),
    ("feeds", "plugin_settings"): (
        "{ example = { depth = 5 } }",
        lambda c: [each.settings_json for each in c.feeds.plugins],
        ['{"depth": 5}'],
    ),
    ("egress", "hosts"): (
        '["*.venue.example:8443"]',
        lambda c: [(each.host, each.port, each.below) for each in c.egress.hosts],
        [("venue.example", 8443, True)],
    ),
    ("egress", "private_addresses"): ("true", lambda c: c.egress.private, True),
    ("feeds", "kraken_stream"): ('"wss://a:1/b"', endpoints("stream", "KRAKEN"), A_1_B),
}


def with_mail(folder: Path, text: str) -> str:
    """A configuration with a mail server in it."""
    password = folder / "mail.key"
    password.write_text("sesame\n")
    password.chmod(0o400)
    for key, value in (
        ("host", "smtp.example"),
        ("username", "house"),
        ("password_file", "mail.key"),
        ("sender", "house@trade.example"),
    ):
        text = re.sub(rf'(?m)^{key} = ""', f'{key} = "{value}"', text)
    return text


def test_without_a_host_there_is_no_mail() -> None:
    assert read_config(SHIPPED / "xached.toml").mail is None


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ('"starttls"', '"none"', "without TLS only to this machine"),
        ('"starttls"', '"ssl"', "none of tls, starttls"),
        ('"house@trade.example"', '"house"', "no e-mail address"),
        ('username = "house"', 'username = ""', "go together"),
        ('"mail.key"', '"missing.key"', "No such file"),
        ('sender_name = "XACHE"', 'sender_name = "X\\nBcc: y"', "one line each"),
    ],
)
def test_mail_that_could_not_work_is_refused(
    folder: Path, before: str, after: str, told: str
) -> None:
    path = folder / "xached.toml"
    path.write_text(with_mail(folder, path.read_text()))
    change(path, before, after)
    assert told in refusal(folder)


def test_a_layer_that_there_is_not_is_refused(folder: Path) -> None:
    change(folder / "xached.toml", '["files",', '["walls",')
    assert "'walls' is none of files, ipc, limits" in refusal(folder)


def test_a_mail_password_that_others_can_read_is_refused(folder: Path) -> None:
    path = folder / "xached.toml"
    path.write_text(with_mail(folder, path.read_text()))
    assert "sesame" not in repr(read_config(path))
    (folder / "mail.key").chmod(0o440)
    assert "chmod 0400" in refusal(folder)


@pytest.mark.parametrize(
    ("file", "before", "after", "told"),
    [
        ("aml.toml", '"VELOCITY"', '"SPEED"', "none of VELOCITY"),
        ("aml.toml", '"USDT"', '"EUR"', "EUR is not listed"),
        ("aml.toml", '"structuring-usdt"', '"velocity-usdt"', "there twice"),
        ("aml.toml", "window_h = 24\n", "", "window_h is missing"),
        ("aml.toml", "count = 20", "counts = 20", "not a key of xached"),
        ("levels.toml", 'USDT = "1000"', 'EUR = "1"', "none of"),
        ("levels.toml", "withdraw = {}", "borrow = {}", "not a key of xached"),
    ],
)
def test_rules_and_levels_that_could_not_work_are_refused(
    folder: Path, file: str, before: str, after: str, told: str
) -> None:
    change(folder / "xached.toml", 'levels = ""', 'levels = "levels.toml"')
    change(folder / "xached.toml", 'aml = ""', 'aml = "aml.toml"')
    change(folder / file, before, after)
    assert told in refusal(folder)


@pytest.mark.parametrize(("table", "key"), documented_keys())
def test_every_documented_key_is_read(folder: Path, table: str, key: str) -> None:
    instruments = (folder / "instruments.toml").read_text()
    (folder / "i.toml").write_text(instruments[: instruments.rindex("[[instrument]]")])
    (folder / "r.toml").write_text("max_open_orders = 7")
    value, read, expected = OTHER_VALUES[table, key]
    text = (folder / "xached.toml").read_text()
    if table in ("grpc", "http") and key in ("certificate", "private_key"):
        head, _, rest = text.partition(f"[{table}]")
        rest = rest.replace('private_key = ""', 'private_key = "k.pem"', 1)
        rest = rest.replace('certificate = ""', 'certificate = "c.pem"', 1)
        text = f"{head}[{table}]{rest}"
    if (table, key) in {("admin", each) for each in ("listen", *TLS_FILES)}:
        head, _, rest = text.partition("[admin]")
        for each, given in (("listen", '"[::1]:9"'), *((each, '"x"') for each in TLS_FILES)):
            rest = rest.replace(f'{each} = ""', f"{each} = {given}", 1)
        text = f"{head}[admin]{rest}"
    if key == "mark_venue" or key.endswith(("_stream", "_rest")):
        # They say something of a venue that is followed.
        text = re.sub(r"(?m)^(binance|coinbase|kraken) = \[\]", r'\1 = ["BTC-USDT"]', text)
    if key == "plugin_settings":
        text = text.replace("plugins = {}", 'plugins = { example = ["BTC-USDT"] }')
    if table == "mail":
        text = with_mail(folder, text)
    head, _, rest = text.partition(f"[{table}]")
    rest = re.sub(rf'(?m)^{key} = ("[^"]*"|\S+)', f"{key} = {value}", rest, count=1)
    (folder / "xached.toml").write_text(f"{head}[{table}]{rest}")
    assert read(read_config(folder / "xached.toml")) == expected


def test_the_line_of_the_readme_brings_a_venue_and_nothing_else_dials(folder: Path) -> None:
    readme = (SHIPPED.parent / "README.md").read_text()
    (line,) = re.findall(r"```toml\n\[feeds\]\n(.*)\n```", readme)
    change(folder / "xached.toml", "binance = []", line)
    config = read_config(folder / "xached.toml")
    assert [name for _, name, _ in followed(config)] == ["BTCUSDT", "ETHUSDT"]
    (venue,) = config.feeds.venues
    assert venue.stream.tls
    assert venue.rest.tls
    assert config.feeds.mark_venue == "BINANCE"
    assert read_config(SHIPPED / "xached.toml").feeds == FeedsConfig()
    assert FeedsConfig().venues == ()


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("plugins = {}", 'plugins = { kraken = ["BTC-USDT"] }', "or one of a venue"),
        ("plugins = {}", 'plugins = { xache = ["BTC-USDT"] }', "or one of a venue"),
        ("plugins = {}", 'plugins = { "A b" = ["BTC-USDT"] }', "no name of a plugin"),
        ("plugins = {}", 'plugins = { example = ["BTC-EUR"] }', "BTC-EUR is not listed"),
        ("plugins = {}", 'plugins = { example = ["BTC-USDT", "BTC-USDT=X"] }', "there twice"),
        ("plugins = {}", 'plugins = { example = "BTC-USDT" }', "is not a list"),
        ("plugin_settings = {}", "plugin_settings = { other = {} }", "is not a key of xached"),
        (
            'hosts = []                      # as "ws',
            'hosts = ["wss://venue.example"] #',
            "not host",
        ),
    ],
)
def test_plugins_that_could_not_work_are_refused(
    folder: Path, before: str, after: str, told: str
) -> None:
    change(folder / "xached.toml", before, after)
    assert told in refusal(folder)


def test_a_venue_of_a_plugin_may_give_the_mark(folder: Path) -> None:
    change(folder / "xached.toml", "plugins = {}", 'plugins = { example = ["BTC-USDT"] }')
    assert read_config(folder / "xached.toml").feeds.mark_venue == "EXAMPLE"


def test_the_documented_strategy_is_one(folder: Path) -> None:
    path = folder / "xached.toml"
    text = path.read_text()
    lines = text[text.index("# [[strategy]]") :].replace('"…"', '"abc"').splitlines()
    path.write_text("\n".join(line.removeprefix("# ") for line in lines))
    (seat,) = read_config(path).strategies
    assert (seat.name, seat.plugin, seat.purse, seat.symbols) == (
        "my-sma", "sma", "abc/sma", ("BTC-USDT",),
    )  # fmt: skip
    assert json.loads(seat.settings_json) == {
        "symbol": "BTC-USDT", "fast": 10, "slow": 30, "notional": "100",
    }  # fmt: skip
    assert seat.capabilities == Capabilities(
        symbols=frozenset({Symbol("BTC-USDT")}),
        max_order_notional_units={AssetName("USDT"): 1_000 * 10**8},
        max_open_orders=10,
        max_intents_per_minute=60,
        reduce_only=False,
        expires_at_ns=1_896_048_000 * 10**9,
    )


def test_a_strategy_without_capabilities_is_bounded_by_its_purse_alone(folder: Path) -> None:
    change(folder / TOP, "[data]", STRATEGY + "\n[data]")
    (seat,) = read_config(folder / TOP).strategies
    assert seat.capabilities == UNBOUNDED


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ('symbols = ["SOL-USDT"]', "strategy[0].capabilities.symbols: SOL-USDT is not listed"),
        ("max_open_orders = -1", "capabilities.max_open_orders: -1 is not a number from 0"),
        ("max_intents_per_minute = 6001", "6001 is not a number from 0 to 6000"),
        ('max_order_notional = { XYZ = "1" }', "max_order_notional.XYZ is none of"),
        ('max_order_notional = { USDT = "-1" }', "'-1', allowed: digits"),
        ("expires = 2030-01-31", "capabilities.expires: 2030-01-31 is no time"),
        ("expires = 2030-01-31T00:00:00", "is no time as 2030-01-31T00:00:00Z"),
        ('reduce_only = "yes"', "capabilities.reduce_only: 'yes' is not true or false"),
        ("leverage = 2", "capabilities.leverage is not a key of xached"),
    ],
)
def test_a_capability_that_is_none_is_refused(folder: Path, given: str, said: str) -> None:
    (folder / TOP).write_text(f"{STRATEGY}[strategy.capabilities]\n{given}\n")
    assert said in refusal(folder)


def test_paths_are_relative_to_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    change(folder / "xached.toml", 'directory = "data"', 'directory = "/srv/xache"')
    change(folder / "xached.toml", 'socket = ""', 'socket = "run/admin.sock"')
    config = read_config(folder / "xached.toml")
    assert config.data_dir == Path("/srv/xache")
    assert config.admin.socket == folder / "run" / "admin.sock"
    assert config.grpc == GrpcConfig()


# --- What is refused. ------------------------------------------------------------------------

TOP = "xached.toml"
MARKETS = "instruments.toml"
RISK = "risk.toml"


@pytest.mark.parametrize(
    ("file", "before", "after", "said"),
    [
        # Keys that nobody asked for.
        (TOP, "[data]", "[data]\nfolder = 1", f"{TOP}: data.folder is not a key of xached"),
        (TOP, "[data]", "[dato]", f"{TOP}: dato is not a key of xached"),
        (MARKETS, 'name = "BTC"', 'name = "BTC"\nnote = ""', f"{MARKETS}: asset[0].note is not"),
        (
            MARKETS,
            'tick_size = "0.01"',
            'tick_size = "0.01"\nx = 1',
            "instrument[0].x is not a key",
        ),
        (RISK, "max_open_orders", "open_orders = 1\nmax_open_orders", f"{RISK}: open_orders is"),
        # Wrong types, and what is missing.
        (TOP, "reflection = false", 'reflection = "no"', "grpc.reflection: 'no' is not true or"),
        (TOP, 'listen = "127.0.0.1:7400"', "listen = 7400", "grpc.listen: 7400 is not text"),
        (TOP, "snapshot_rows = 100_000", "snapshot_rows = 1e5", "storage.snapshot_rows: 100000.0"),
        (TOP, "snapshot_rows = 100_000", "snapshot_rows = true", "storage.snapshot_rows: True is"),
        (TOP, "[storage]", "[[storage]]", f"{TOP}: storage is not a table"),
        (MARKETS, 'tick_size = "0.01"', "tick_size = 0.01", "tick_size: 0.01 is not text"),
        (MARKETS, 'tick_size = "0.01"\n', "", "instrument[0].tick_size is missing"),
        (MARKETS, "scale = 8 ", "scale = 8.0 ", "asset[0].scale: 8.0 is not a number from 0 to"),
        (RISK, "max_open_orders = 200", "", f"{RISK}: max_open_orders is missing"),
        # Out of range.
        (TOP, "snapshot_rows = 100_000", "snapshot_rows = 999", "999 is not a number from 1000 to"),
        (TOP, 'listen = "127.0.0.1:7400"', 'listen = "localhost"', "'localhost' is not host:port"),
        (
            TOP,
            'listen = "127.0.0.1:7400"',
            'listen = "http://a:1"',
            "'http://a:1' is not host:port",
        ),
        (TOP, 'directory = "data"', 'directory = ""', "data.directory: '' is no path"),
        (TOP, 'directory = "data"', 'directory = "a\\u0000"', r"'a\x00' is no path"),
        (TOP, 'socket = ""', 'socket = "\\n"', r"admin.socket: '\n' is no path"),
        (TOP, '"risk.toml"', '"\\u0000"', r"house.risk: '\x00' is no path"),
        (TOP, "[data]", "x = " + "[" * 10_000 + "\n[data]", f"{TOP}: brackets inside brackets"),
        (TOP, "hosts = []", 'hosts = ["a:80"]', "http.hosts: 'a:80' is no name of a host"),
        (TOP, "hosts = []", 'hosts = "a"', "http.hosts is not a list of at most 32 texts"),
        (TOP, 'listen = "127.0.0.1:7480"', 'listen = "x:65536"', "http.listen: 'x:65536' is not"),
        (MARKETS, "scale = 8 ", "scale = 25 ", "asset[0].scale: 25 is not a number from 0 to 24"),
        (MARKETS, "taker_fee_ppm = 1_000 ", "taker_fee_ppm = -1 ", "taker_fee_ppm: -1 is not a"),
        (MARKETS, "taker_fee_ppm = 1_000 ", "taker_fee_ppm = 1_000_000 ", "fees are 0 to 999999"),
        (RISK, "max_open_orders = 200", "max_open_orders = 1001", "1001 is not a number from 0 to"),
        # Numbers that are not exact.
        (MARKETS, 'min_price = "0.01"', 'min_price = "0.015"', "min_price: '0.015', allowed: a mu"),
        (MARKETS, 'max_price = "10000000"', 'max_price = "1e7"', "max_price: '1e7', allowed: digi"),
        (MARKETS, 'min_quantity = "0.00001"', 'min_quantity = "0.000011"', "min_quantity: '0.0000"),
        (MARKETS, 'max_quantity = "9000"', 'max_quantity = "9000.000001"', "max_quantity: '9000.0"),
        (MARKETS, 'min_notional = "5"', 'min_notional = "5.000000001"', "min_notional: '5.0000000"),
        (MARKETS, 'lot_size = "0.00001"', 'lot_size = "0"', "lot_size: '0', allowed: more than 0"),
        (RISK, '"1000000"', '"-1"', "max_order_notional.USDT: '-1', allowed: digits"),
        # Contradictions.
        (MARKETS, 'name = "ETH"', 'name = "BTC"', "asset[1].name: BTC is listed twice"),
        (MARKETS, 'name = "ETH"', 'name = "eth"', "asset[1].asset: 'eth scale 18', allowed: 2"),
        (MARKETS, "ETH-USDT", "BTC-USDT", "instrument[1].symbol: BTC-USDT is listed twice"),
        (MARKETS, "ETH-USDT", "ETH-EUR", "ETH-EUR needs both of its assets listed"),
        (MARKETS, "ETH-USDT", "ETHUSDT", "ETHUSDT needs both of its assets listed"),
        (MARKETS, "BTC-USDT", "USDT-USDT", "allowed: base and quote differ"),
        (MARKETS, 'max_price = "10000000"', 'max_price = "0"', "0 < min price <= max price"),
        (MARKETS, 'tick_size = "0.01"', 'tick_size = "0.0001"', "a whole number of quote units"),
        (RISK, 'USDT = "1000000"', 'EUR = "1"', "max_order_notional.EUR is none of BTC, ETH, USDT"),
        (TOP, 'certificate = ""', 'certificate = "c.pem"', "certificate and grpc.private_key go"),
        (TOP, 'client_ca = ""', 'client_ca = "ca.pem"', "private_key and client_ca go together"),
        # Feeds.
        (TOP, "binance = []", 'binance = "BTC-USDT"', "feeds.binance is not a list of at most"),
        (TOP, "binance = []", "binance = [1]", "feeds.binance is not a list of at most"),
        (TOP, "binance = []", 'binance = ["DOGE-USDT"]', "feeds.binance: DOGE-USDT is not listed"),
        (TOP, "kraken = []", 'kraken = ["BTC-USDT="]', "'BTC-USDT=' is there twice, or has no"),
        (
            TOP,
            "kraken = []",
            'kraken = ["BTC-USDT", "BTC-USDT=X/Y"]',
            "'BTC-USDT=X/Y' is there twice",
        ),
        (TOP, 'mark_venue = ""', 'mark_venue = "KRAKEN"', "feeds.mark_venue: 'KRAKEN' is none of"),
        (TOP, "stale_after_s = 5", "stale_after_s = 0", "0 is not a number from 1 to 3600"),
        (TOP, 'kraken_stream = ""', 'kraken_stream = "kraken.com"', "'kraken.com': not wss://host"),
        (TOP, 'kraken_stream = ""', 'kraken_stream = "ws://kraken.com"', "forge its prices"),
        (TOP, 'kraken_stream = ""', 'kraken_stream = "wss://a@b/c"', "only scheme, host, port"),
        (TOP, 'kraken_stream = ""', 'kraken_stream = "wss://a:99999"', "Port out of range"),
        (TOP, '"risk.toml"', '"none.toml"', "none.toml: No such file or directory"),
        (TOP, "[data]", "[data", f"{TOP}: "),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(
    folder: Path, file: str, before: str, after: str, said: str
) -> None:
    change(folder / file, before, after)
    text = refusal(folder)
    assert said in text
    assert "\n" not in text


def test_http_has_one_certificate_or_none(folder: Path) -> None:
    head, _, rest = (folder / "xached.toml").read_text().partition("[http]")
    half = rest.replace('certificate = ""', 'certificate = "c.pem"', 1)
    (folder / "xached.toml").write_text(f"{head}[http]{half}")
    assert "http.certificate and private_key go together" in refusal(folder)
    both = half.replace('private_key = ""', 'private_key = "k.pem"', 1)
    twice = both.replace("self_signed = false", "self_signed = true")
    (folder / "xached.toml").write_text(f"{head}[http]{twice}")
    assert "there is a certificate already" in refusal(folder)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('name = "my-sma"', "name = 1", "strategy[0].name: 1 is not text"),
        ('name = "my-sma"', 'name = ""', "strategy[0].name: '' is not 1 to 64 letters"),
        ('name = "my-sma"', 'name = "a\\nb"', r"strategy[0].name: 'a\nb' is not 1 to 64 letters"),
        ("fast = 10", "fast = nan", "strategy[0].settings: Out of range float"),
        ('account = "abc"', 'account = "a/b"', "strategy[0].account: 'a/b', allowed: 1 to 36"),
        ('subaccount = "sma"', 'subaccount = "S M"', "strategy[0].subaccount: 'S M', allowed: 1"),
        ('symbol = "BTC-USDT", ', "", "strategy[0].settings.symbol is missing"),
        ('"BTC-USDT"', '"SOL-USDT"', "strategy[0].settings.symbol: SOL-USDT is not listed"),
        ("fast = 10", "fast = 2026-01-01", "strategy[0].settings: Object of type date is not"),
        ('plugin = "sma"', 'plugin = "sma"\nx = 1', "strategy[0].x is not a key of xached"),
        ('plugin = "sma"', "", "strategy[0].plugin is missing"),
    ],
)
def test_a_strategy_that_cannot_run_is_refused(
    folder: Path, before: str, after: str, said: str
) -> None:
    assert before in STRATEGY
    (folder / TOP).write_text(STRATEGY.replace(before, after))
    assert said in refusal(folder)


def test_a_long_setting_stands_in_a_file_of_its_own(folder: Path) -> None:
    (folder / "model.json").write_text('{"trees": "é"}\n')
    with_file = STRATEGY.replace("fast = 10", 'models = { file = "model.json" }')
    change(folder / TOP, "[data]", with_file + "\n[data]")
    (seat,) = read_config(folder / TOP).strategies
    assert json.loads(seat.settings_json)["models"] == '{"trees": "é"}\n'
    (folder / "model.json").write_text("x" * 120_001)
    assert "strategy[0].settings: model.json has 120,001 bytes" in refusal(folder)
    (folder / "model.json").unlink()
    assert "strategy[0].settings: [Errno 2] No such file" in refusal(folder)


def test_a_strategy_trades_several_markets(folder: Path) -> None:
    several = STRATEGY.replace(
        'plugin = "sma"', 'plugin = "sma"\nsymbols = ["BTC-USDT", "ETH-USDT"]'
    )
    several = several.replace('symbol = "BTC-USDT", ', "")
    change(folder / TOP, "[data]", several + "\n[data]")
    (seat,) = read_config(folder / TOP).strategies
    assert seat.symbols == ("BTC-USDT", "ETH-USDT")
    assert "symbol" not in json.loads(seat.settings_json)


@pytest.mark.parametrize(
    ("symbols", "said"),
    [
        ('["BTC-USDT", "SOL-USDT"]', "strategy[0].symbols: SOL-USDT is not listed"),
        ('["BTC-USDT", "BTC-USDT"]', "strategy[0].symbols: BTC-USDT is there twice"),
        ('"BTC-USDT"', "strategy[0].symbols is not a list of at most 50 texts"),
    ],
)
def test_markets_of_a_strategy_that_are_refused(folder: Path, symbols: str, said: str) -> None:
    text = STRATEGY.replace('plugin = "sma"', f'plugin = "sma"\nsymbols = {symbols}')
    (folder / TOP).write_text(text)
    assert said in refusal(folder)


def test_strategies_have_names_and_purses_of_their_own(folder: Path) -> None:
    path = folder / TOP
    text = path.read_text()
    path.write_text(text + STRATEGY + STRATEGY)
    assert "strategy[1].name: 'my-sma' is there twice" in refusal(folder)
    path.write_text(text + STRATEGY + STRATEGY.replace("my-sma", "other"))
    assert "strategy[1].subaccount: 'my-sma' trades for it" in refusal(folder)


def test_a_file_that_is_none_is_refused(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml: No such file"):
        read_config(folder / "none.toml")
    with pytest.raises(ConfigError, match="Is a directory"):
        read_config(folder)
    (folder / RISK).write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"risk\.toml: .*utf-8"):
        read_house(folder / MARKETS, folder / RISK)


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("127.0.0.1:0", True), ("[::1]:7400", True), ("house.example:443", True),
        ("127.0.0.1", False), (":80", False), ("a:", False), ("a:-1", False), ("a:x", False),
        ("a:65536", False), ("a:٣", False), ("", False),
    ],
)  # fmt: skip
def test_addresses(text: str, right: bool) -> None:
    assert is_address(text) is right


def test_the_documented_model_is_one(folder: Path) -> None:
    path = folder / "xached.toml"
    text = path.read_text()
    block = text[text.index("# [[model]]") :]
    lines = block[: block.index("\n\n")].splitlines()
    path.write_text("\n".join(line.removeprefix("#").strip() for line in lines if line[2] != " "))
    (plan,) = read_config(path).models
    assert plan == ModelPlan(
        name="BTC-USDT-15m",
        symbol=Symbol("BTC-USDT"),
        venue=BINANCE,
        interval=Interval.M15,
        others=(Symbol("ETH-USDT"),),
    ), "what it says are the defaults"
    path.write_text('[[model]]\nsymbol = "BTC-USDT"\n')
    (short,) = read_config(path).models
    assert short == attrs.evolve(plan, others=())


@pytest.mark.parametrize(
    ("line", "mistake"),
    [
        ('symbol = "XRP-USDT"', "XRP-USDT is not listed"),
        ('others = ["BTC-USDT"]', "a market is there twice"),
        ('interval = "2h"', "'2h' is not 1m"),
        ('name = "../x"', "is not 1 to 60 of"),
        ('schedule = "0 3 * * 0"', "weekdays are named"),
        ("horizon = 0", "is not a number from 1 to"),
        ('features = ["magic:3"]', "no feature 'magic'"),
        ('features = ["ETH-USDT/ahead:3"]', "ETH-USDT is none of its others"),
        ('features = ["return:3", "return:3"]', "one is there twice"),
        ("rounds = 3", "rounds"),
    ],
)
def test_a_model_that_makes_no_sense_is_refused(folder: Path, line: str, mistake: str) -> None:
    path = folder / "xached.toml"
    symbol = "" if line.startswith("symbol") else 'symbol = "BTC-USDT"\n'
    path.write_text(f"[[model]]\n{symbol}{line}\n")
    with pytest.raises(ConfigError, match=mistake):
        read_config(path)
    twice = '[[model]]\nsymbol = "BTC-USDT"\n'
    path.write_text(twice + twice)
    with pytest.raises(ConfigError, match="is there twice"):
        read_config(path)


def test_the_documented_signal_is_one(folder: Path) -> None:
    path = folder / "xached.toml"
    text = path.read_text()
    block = text[text.index("# [[signal]]") :]
    lines = block[: block.index("\n\n")].splitlines()
    path.write_text("\n".join(line.removeprefix("#").strip() for line in lines if line[2] != " "))
    (plan,) = read_config(path).signals
    assert plan == SignalConfig(
        name="btc-trend",
        plugin="trend",
        symbols=(Symbol("BTC-USDT"),),
        settings_json='{"symbol": "BTC-USDT"}',
    )
    short = '[[signal]]\nname = "btc-trend"\nplugin = "trend"\nsettings = { symbol = "BTC-USDT" }\n'
    path.write_text(short)
    assert read_config(path).signals == (plan,)
    path.write_text(f"[strategies]\napprove_configured = true\n{short}")
    assert read_config(path).signals == (attrs.evolve(plan, vouched=True),)


@pytest.mark.parametrize(
    ("line", "mistake"),
    [
        ('symbols = ["XRP-USDT"]', "XRP-USDT is not listed"),
        ('symbols = ["BTC-USDT", "BTC-USDT"]', "there twice"),
        ("settings = {}", "say which markets it may see"),
        ('symbols = ["BTC-USDT"]\nname = "../x"', "is not 1 to 60 of"),
        ('symbols = ["BTC-USDT"]\nrounds = 3', "rounds"),
        ('symbols = ["BTC-USDT"]\nsettings = { model = { file = "none.json" } }', "none.json"),
    ],
)
def test_a_signal_that_makes_no_sense_is_refused(folder: Path, line: str, mistake: str) -> None:
    path = folder / "xached.toml"
    name = "" if "name" in line else 'name = "a"\n'
    path.write_text(f'[[signal]]\nplugin = "trend"\n{name}{line}\n')
    with pytest.raises(ConfigError, match=mistake):
        read_config(path)
    one = '[[signal]]\nname = "a"\nplugin = "trend"\nsymbols = ["BTC-USDT"]\n'
    path.write_text(one + one)
    with pytest.raises(ConfigError, match="is there twice"):
        read_config(path)
