"""Configuration: TOML files to one frozen value. Every key is documented in config/*.toml.

An unknown key, a wrong type or a number out of range is refused with its place and what is
allowed; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
from xache_sdk.seal import Layer

from xached.actors.signals import ModelPlan
from xached.actors.strategies.signal_board import SignalConfig
from xached.actors.strategies.surroundings import SANDBOX_MIN
from xached.adapters.egress import NOWHERE, EgressPolicy
from xached.adapters.feeds.plan import FeedPlan
from xached.adapters.feeds.session import Endpoint, VenueRules
from xached.adapters.feeds.venues import VENUES
from xached.adapters.smtp import LOOPBACK, Protection, SmtpServer
from xached.config.capabilities import SYMBOLS_MAX, read_capabilities
from xached.config.feed_plugins import FOLLOWED_MAX, read_egress, read_feed_plans
from xached.config.model_plans import read_models
from xached.config.notifiers import NotifierPlan, read_notifiers
from xached.config.signal_plans import read_signals
from xached.config.strategy_settings import write_settings
from xached.config.tables import HOST, ConfigError, Table, read_secret, read_toml
from xached.domain.aml import AmlRule, RuleKind
from xached.domain.auth import parse_email
from xached.domain.capabilities import UNBOUNDED, Capabilities
from xached.domain.compliance_messages import LevelLimits
from xached.domain.instrument import (
    BPS,
    BUCKETS_MAX,
    DURATION_MAX_NS,
    OPEN_ORDERS_MAX,
    SCALE_MAX,
    Asset,
    AssetName,
    Instrument,
    Symbol,
    check_asset,
    read_instrument,
)
from xached.domain.market import BINANCE, Venue
from xached.domain.order import Purse, check_id, make_purse
from xached.domain.rate_limits import Rate, RateLimits
from xached.domain.rejection import Rejection
from xached.domain.sessions import AAL2, SessionLimits
from xached.runtime.schedule import Schedule
from xached.security.master import FILE_ONLY, KeySource
from xached.storage.recordings import KindTerms, RecordTerms

HOSTS_MAX = 32
NAME_CHARS_MAX = 64
_MS = 1_000_000
_HOUR_NS = 3_600 * 1_000_000_000
_HOURS_MAX = 20 * 365 * 24
_DURATION_MAX_MS = DURATION_MAX_NS // _MS
_TRAIL_MAX_BPS = 10 * BPS


_NS_PER_MINUTE = 60 * 10**9
_GB = 10**9


@attrs.frozen(kw_only=True)
class Limits:
    """The limits of every purse that has none of its own."""

    max_open_orders: int
    max_order_notional_units: tuple[tuple[AssetName, int], ...]


@attrs.frozen(kw_only=True)
class House:
    """What is listed when the daemon starts."""

    assets: tuple[Asset, ...]
    instruments: tuple[Instrument, ...]
    limits: Limits


@attrs.frozen(kw_only=True)
class GrpcConfig:
    """The public listener. With a certificate and its key it is TLS only."""

    listen: str = "127.0.0.1:7400"
    reflection: bool = False
    certificate: Path | None = None
    private_key: Path | None = None


@attrs.frozen(kw_only=True)
class AdminConfig:
    """The house's own doors."""

    socket: Path | None = None
    """None: admin.sock in the data directory."""
    require_code: bool = True
    """What moves money or rights takes a code of the administrator's authenticator."""
    listen: str = ""
    """Empty: no listener but the socket."""
    certificate: Path | None = None
    private_key: Path | None = None
    client_ca: Path | None = None
    """Who may certify clients of the listener."""
    http: str = ""
    """Where browsers of this machine find the administrators' screens; empty: nowhere. It is asked
    for at each start and not configured, so that nobody forgets that it is open."""


@attrs.frozen(kw_only=True)
class HttpTls:
    """TLS of the HTTP listener: with a certificate and its key, or with one of its own making."""

    certificate: Path | None = None
    private_key: Path | None = None
    self_signed: bool = False


@attrs.frozen(kw_only=True)
class StrategySeat:
    """A strategy that is to run, the purse it trades for, and its settings as a JSON object.

    ``symbols`` are the markets it may see and trade.
    """

    name: str
    plugin: str
    purse: Purse
    symbols: tuple[Symbol, ...]
    settings_json: str
    capabilities: Capabilities = UNBOUNDED


@attrs.frozen(kw_only=True)
class VenueConfig:
    """A venue to follow live, the instruments by its own names, and where it listens."""

    rules: VenueRules
    instruments: tuple[tuple[str, Instrument], ...]
    stream: Endpoint
    rest: Endpoint


@attrs.frozen(kw_only=True)
class FeedsConfig:
    """Live market data. Nothing is dialled without ``venues`` or ``plugins``."""

    venues: tuple[VenueConfig, ...] = ()
    plugins: tuple[FeedPlan, ...] = ()
    """Venues that plugins know."""
    mark_venue: Venue = BINANCE
    stale_after_s: int = 5


@attrs.frozen(kw_only=True)
class MailConfig:
    """Who takes the house's mail, and whose name is on it."""

    server: SmtpServer
    sender: str
    sender_name: str
    require_verified_email: bool
    """No account is opened before a code that was sent to its address has come back. Accounts that
    were opened without one may sign in, read, and verify their address, but neither trade nor move
    money until they have."""


@attrs.frozen(kw_only=True)
class BacktestsConfig:
    """Backtests that the house runs for its people."""

    histories: Path | None = None
    """Where histories are; None: in the data directory."""
    running_max: int = 1
    """So many at one time."""


@attrs.frozen(kw_only=True)
class Config:
    """All of it."""

    data_dir: Path
    house: House
    grpc: GrpcConfig = GrpcConfig()
    admin: AdminConfig = AdminConfig()
    http_listen: str = "127.0.0.1:7480"
    http_hosts: tuple[str, ...] = ()
    """Names, without a port, that the HTTP listener is also reached by."""
    http: HttpTls = HttpTls()
    limits: RateLimits = attrs.field(factory=RateLimits)
    """Of calls on the public listener."""
    snapshot_rows: int = 100_000
    snapshot_check_s: float = 30.0
    """How often it is looked whether so many rows have come."""
    matching_places: int = 4_096
    """Messages that may wait for the exchange."""
    strategies: tuple[StrategySeat, ...] = ()
    models: tuple[ModelPlan, ...] = ()
    """What the house trains by the calendar."""
    signals: tuple[SignalConfig, ...] = ()
    """The signals of plugins that it runs."""
    sandbox_min: frozenset[Layer] = SANDBOX_MIN
    """What must hold a strategy's process; where the kernel cannot, none is started."""
    backtests: BacktestsConfig = BacktestsConfig()
    approve_configured: bool = False
    """Whether the plugins that are configured here need no approval of an operator."""
    feeds: FeedsConfig = FeedsConfig()
    egress: EgressPolicy = NOWHERE
    """Where plugins may have the house connect to."""
    record: RecordTerms | None = None
    """What is recorded; None: nothing."""
    paper_opening: int = 100_000
    """The play money that a new paper purse is given: whole coins of every quote asset."""
    notifiers: tuple[NotifierPlan, ...] = ()
    """Who is told what happens in the house."""
    sessions: SessionLimits = AAL2
    mail: MailConfig | None = None
    """None: the house writes no letters, and takes addresses as they are given."""
    aml: tuple[AmlRule, ...] = ()
    """Rules against money laundering; none: nobody watches."""
    levels: tuple[LevelLimits, ...] = ()
    """Limits by level; none: nothing is limited by level."""
    accept_clock: bool = False
    keys: KeySource = FILE_ONLY
    """Where the master key is; not in the file, but given with the command."""


def read_config(path: Path) -> Config:
    """Read xached.toml and the files it names. Raises: ConfigError."""
    top = Table(path, "", read_toml(path))
    data, grpc = top.table("data"), top.table("grpc")
    admin, http = top.table("admin"), top.table("http")
    house, storage, feeds = top.table("house"), top.table("storage"), top.table("feeds")
    paper, limits = top.table("paper"), top.table("limits")
    mail, sessions = top.table("mail"), top.table("sessions")
    compliance, sandbox = top.table("compliance"), top.table("sandbox")
    record, strategies = top.table("record"), top.table("strategies")
    backtests, egress = top.table("backtests"), read_egress(top.table("egress"))
    listed = read_house(
        house.path("instruments", "instruments.toml"), house.path("risk", "risk.toml")
    )
    approve_configured = strategies.flag("approve_configured", False)
    config = Config(
        data_dir=data.path("directory", "data"),
        house=listed,
        grpc=GrpcConfig(
            listen=grpc.address("listen", "127.0.0.1:7400"),
            reflection=grpc.flag("reflection", False),
            certificate=grpc.optional_path("certificate"),
            private_key=grpc.optional_path("private_key"),
        ),
        admin=_admin(admin),
        http_listen=http.address("listen", "127.0.0.1:7480"),
        http_hosts=_host_names(http),
        http=_http_tls(http),
        limits=_limits(limits),
        snapshot_rows=storage.number("snapshot_rows", 100_000, 1_000, 100_000_000),
        strategies=_strategies(top.tables("strategy"), listed),
        models=read_models(top.tables("model"), {each.symbol for each in listed.instruments}),
        signals=read_signals(
            top.tables("signal"),
            {each.symbol for each in listed.instruments},
            vouched=approve_configured,
        ),
        sandbox_min=_sandbox(sandbox),
        backtests=BacktestsConfig(
            histories=backtests.optional_path("histories"),
            running_max=backtests.number("running_max", 1, 1, 8),
        ),
        approve_configured=approve_configured,
        feeds=_feeds(feeds, listed),
        egress=egress,
        notifiers=read_notifiers(top.tables("notifier"), egress),
        record=_record(record),
        paper_opening=paper.number("opening", 100_000, 0, 10**12),
        mail=_mail(mail),
        sessions=_sessions(sessions),
        aml=_read_rules(compliance.optional_path("aml"), listed),
        levels=_read_levels(compliance.optional_path("levels"), listed),
    )
    if (config.grpc.certificate is None) != (config.grpc.private_key is None):
        raise ConfigError(f"{path}: grpc.certificate and grpc.private_key go together")
    others = (mail, limits, sessions, compliance, sandbox, record, strategies, backtests)
    for table in (top, data, grpc, admin, http, house, storage, feeds, paper, *others):
        table.finish()
    return config


def _admin(table: Table) -> AdminConfig:
    """Read what the house's own doors are."""
    listen = table.optional_address("listen")
    config = AdminConfig(
        socket=table.optional_path("socket"),
        require_code=table.flag("require_code", True),
        listen=listen,
        certificate=table.optional_path("certificate"),
        private_key=table.optional_path("private_key"),
        client_ca=table.optional_path("client_ca"),
    )
    files = (config.certificate, config.private_key, config.client_ca)
    if {path is not None for path in files} != {bool(listen)}:
        raise ConfigError(
            f"{table.place('listen')}, certificate, private_key and client_ca go together"
        )
    return config


def _record(table: Table) -> RecordTerms:
    """Read what is recorded, and how much of it is kept."""

    def terms(name: str, default: KindTerms) -> KindTerms:
        days_max = table.number(f"{name}_days", default.days_max, 1, 3_650)
        gb_max = table.number(f"{name}_gb", default.bytes_max // _GB, 1, 100_000)
        on = table.flag(name, default.on)
        return KindTerms(on=on, days_max=days_max, bytes_max=gb_max * _GB)

    shipped = RecordTerms()
    rotate_minutes = table.number("rotate_minutes", shipped.rotate_ns // _NS_PER_MINUTE, 1, 60 * 24)
    return RecordTerms(
        market=terms("market", shipped.market),
        inputs=terms("inputs", shipped.inputs),
        rotate_ns=rotate_minutes * _NS_PER_MINUTE,
        free_bytes_min=table.number("free_gb", shipped.free_bytes_min // _GB, 0, 100_000) * _GB,
        parity=_schedule(table, "parity", "30 3 * * *"),
    )


def _schedule(table: Table, key: str, default: str) -> Schedule | None:
    text = table.text(key, default)
    try:
        return Schedule(text) if text else None
    except ValueError as error:
        raise ConfigError(f"{table.place(key)}: {error}") from None


def _sessions(table: Table) -> SessionLimits:
    """Read how long sessions last."""
    return SessionLimits(
        idle_ns=table.number("idle_minutes", 60, 5, 60 * 24 * 90) * _NS_PER_MINUTE,
        age_ns=table.number("age_hours", 24, 1, 24 * 365) * 60 * _NS_PER_MINUTE,
    )


def _limits(table: Table) -> RateLimits:
    """Read how many calls are taken; what is not given is as it ships."""

    def rate(name: str, default: Rate) -> Rate:
        per_s = table.number(f"{name}_per_s", default.per_s, 1, 1_000_000)
        return Rate(per_s, table.number(f"{name}_burst", default.burst, 1, 10_000_000))

    shipped = RateLimits()
    return RateLimits(
        account=rate("account", shipped.account),
        key=rate("key", shipped.key),
        address=rate("address", shipped.address),
        house=rate("house", shipped.house),
    )


def default_house() -> House:
    """The instruments and limits that ship with xached."""
    directory = defaults_dir()
    return read_house(directory / "instruments.toml", directory / "risk.toml")


def defaults_dir() -> Path:
    """Where the shipped configuration is: in the package once installed, in config/ before."""
    packaged = Path(__file__).parents[1] / "defaults"
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "config"


def read_house(instruments: Path, risk: Path) -> House:
    """Read what to list and the default limits. Raises: ConfigError."""
    top = Table(instruments, "", read_toml(instruments))
    assets: dict[str, Asset] = {}
    for table in top.tables("asset"):
        asset = _asset(table)
        if asset.name in assets:
            raise ConfigError(f"{table.place('name')}: {asset.name} is listed twice")
        assets[asset.name] = asset
    listed: dict[str, Instrument] = {}
    for table in top.tables("instrument"):
        instrument = _instrument(table, assets)
        if instrument.symbol in listed:
            raise ConfigError(f"{table.place('symbol')}: {instrument.symbol} is listed twice")
        listed[instrument.symbol] = instrument
    top.finish()
    limits = Table(risk, "", read_toml(risk))
    most = limits.table("max_order_notional")
    notionals = tuple(
        (AssetName(name), _decimal(most, name, assets[name].scale)) for name in most.known(assets)
    )
    house = House(
        assets=tuple(assets.values()),
        instruments=tuple(listed.values()),
        limits=Limits(
            max_open_orders=limits.number("max_open_orders", None, 0, 1_000),
            max_order_notional_units=notionals,
        ),
    )
    most.finish()
    limits.finish()
    return house


def _http_tls(table: Table) -> HttpTls:
    tls = HttpTls(
        certificate=table.optional_path("certificate"),
        private_key=table.optional_path("private_key"),
        self_signed=table.flag("self_signed", False),
    )
    if (tls.certificate is None) != (tls.private_key is None):
        raise ConfigError(f"{table.place('certificate')} and private_key go together")
    if tls.self_signed and tls.certificate is not None:
        raise ConfigError(f"{table.place('self_signed')}: there is a certificate already")
    return tls


def _host_names(http: Table) -> tuple[str, ...]:
    names = http.texts("hosts", HOSTS_MAX)
    for name in names:
        if HOST.fullmatch(name) is None:
            raise ConfigError(f"{http.place('hosts')}: {name!r} is no name of a host")
    return tuple(names)


def _strategies(tables: Sequence[Table], house: House) -> tuple[StrategySeat, ...]:
    seats: list[StrategySeat] = []
    for table in tables:
        seat = _strategy(table, house)
        for other in seats:
            if seat.name == other.name:
                raise ConfigError(f"{table.place('name')}: {seat.name!r} is there twice")
            if seat.purse == other.purse:
                raise ConfigError(f"{table.place('subaccount')}: {other.name!r} trades for it")
        seats.append(seat)
    return tuple(seats)


def _strategy(table: Table, house: House) -> StrategySeat:
    settings = table.table("settings")
    values = settings.take_all()
    symbols = tuple(map(Symbol, table.texts("symbols", SYMBOLS_MAX)))
    place = table.place("symbols")
    if not symbols:
        symbols, place = (_own_symbol(values, settings),), settings.place("symbol")
    listed = {instrument.symbol: instrument for instrument in house.instruments}
    for index, symbol in enumerate(symbols):
        if symbol not in listed:
            raise ConfigError(f"{place}: {symbol} is not listed")
        if symbol in symbols[:index]:
            raise ConfigError(f"{place}: {symbol} is there twice")
    try:
        account = check_id(table.text("account"), "account")
        purse = make_purse(account, table.text("subaccount"))
    except Rejection as rejection:
        raise table.refused(rejection) from None
    try:
        settings_json = write_settings(values, table.folder)
    except (TypeError, ValueError, OSError) as error:
        raise ConfigError(f"{table.place('settings')}: {error}") from None
    name = table.text("name")
    if not name.isprintable() or not 1 <= len(name) <= NAME_CHARS_MAX:
        raise ConfigError(f"{table.place('name')}: {name!r} is not 1 to {NAME_CHARS_MAX} letters")
    seat = StrategySeat(
        name=name,
        plugin=table.text("plugin"),
        purse=purse,
        symbols=symbols,
        settings_json=settings_json,
        capabilities=read_capabilities(
            table.table("capabilities"), listed, {asset.name: asset for asset in house.assets}
        ),
    )
    table.finish()
    return seat


def _own_symbol(values: Mapping[str, Any], settings: Table) -> Symbol:
    """The one market of a strategy that is not given several: its setting of that name."""
    symbol = values.get("symbol")
    if symbol is None:
        raise ConfigError(f"{settings.place('symbol')} is missing")
    if not isinstance(symbol, str):
        raise ConfigError(f"{settings.place('symbol')}: {symbol!r} is not text")
    return Symbol(symbol)


def _sandbox(table: Table) -> frozenset[Layer]:
    """Read what must hold a strategy's process."""
    layers = {each.name.lower(): each for each in Layer}
    shipped = [each.name.lower() for each in SANDBOX_MIN]
    required = table.texts("require", len(layers), shipped)
    for name in required:
        if name not in layers:
            raise ConfigError(
                f"{table.place('require')}: {name!r} is none of {', '.join(sorted(layers))}"
            )
    return frozenset(layers[name] for name in required)


def _mail(table: Table) -> MailConfig | None:
    host = table.text("host", "")
    port = table.number("port", 587, 1, 65_535)
    protection = table.text("protection", Protection.STARTTLS.value)
    username, password_file = table.text("username", ""), table.optional_path("password_file")
    sender, sender_name = table.text("sender", ""), table.text("sender_name", "XACHE")
    client_name = table.text("client_name", "localhost")
    require_verified_email = table.flag("require_verified_email", True)
    if not host:
        return None
    if protection not in {each.value for each in Protection}:
        raise ConfigError(f"{table.place('protection')}: {protection!r} is none of tls, starttls")
    if protection == Protection.NONE.value and (host not in LOOPBACK or username):
        raise ConfigError(f"{table.place('protection')}: without TLS only to this machine")
    if not sender_name.isprintable() or HOST.fullmatch(client_name) is None:
        raise ConfigError(f"{table.place('sender_name')} and client_name are one line each")
    if bool(username) != (password_file is not None):
        raise ConfigError(f"{table.place('username')} and password_file go together")
    try:
        address = parse_email(sender)
    except Rejection:
        raise ConfigError(f"{table.place('sender')}: {sender!r} is no e-mail address") from None
    return MailConfig(
        server=SmtpServer(
            host=host,
            port=port,
            protection=Protection(protection),
            username=username,
            password="" if password_file is None else read_secret(password_file),
            client_name=client_name,
        ),
        sender=address,
        sender_name=sender_name,
        require_verified_email=require_verified_email,
    )


def _feeds(table: Table, house: House) -> FeedsConfig:
    venues: list[VenueConfig] = []
    for rules in VENUES:
        key = rules.venue.lower()
        instruments = _followed(table, key, rules, house)
        stream = table.endpoint(f"{key}_stream", rules.stream)
        rest = table.endpoint(f"{key}_rest", rules.rest) if rules.fetches else rules.rest
        if instruments:
            venues.append(
                VenueConfig(rules=rules, instruments=instruments, stream=stream, rest=rest)
            )
    listed = {instrument.symbol: instrument for instrument in house.instruments}
    plugins = read_feed_plans(table, listed)
    followed = [each.rules.venue for each in venues] + [each.venue for each in plugins]
    mark_venue = Venue(table.text("mark_venue", ""))
    if mark_venue and mark_venue not in followed:
        raise ConfigError(
            f"{table.place('mark_venue')}: {mark_venue!r} is none of {', '.join(followed)}"
        )
    return FeedsConfig(
        venues=tuple(venues),
        plugins=plugins,
        mark_venue=mark_venue or next(iter(followed), BINANCE),
        stale_after_s=table.number("stale_after_s", 5, 1, 3_600),
    )


def _followed(
    table: Table, key: str, rules: VenueRules, house: House
) -> tuple[tuple[str, Instrument], ...]:
    listed = {instrument.symbol: instrument for instrument in house.instruments}
    names: dict[str, Instrument] = {}
    for entry in table.texts(key, FOLLOWED_MAX):
        symbol, equals, name = entry.partition("=")
        instrument = listed.get(Symbol(symbol))
        if instrument is None:
            raise ConfigError(f"{table.place(key)}: {symbol} is not listed")
        name = name if equals else rules.name(instrument)
        if not name or name in names or instrument in names.values():
            raise ConfigError(f"{table.place(key)}: {entry!r} is there twice, or has no name")
        names[name] = instrument
    return tuple(names.items())


def _read_rules(path: Path | None, house: House) -> tuple[AmlRule, ...]:
    if path is None:
        return ()
    scales = {asset.name: asset.scale for asset in house.assets}
    top = Table(path, "", read_toml(path))
    rules: list[AmlRule] = []
    for table in top.tables("rule"):
        rule = _rule(table, scales)
        if rule.name in {other.name for other in rules}:
            raise ConfigError(f"{table.place('name')}: {rule.name!r} is there twice")
        rules.append(rule)
    top.finish()
    return tuple(rules)


def _rule(table: Table, scales: Mapping[AssetName, int]) -> AmlRule:
    kind, asset = table.text("kind"), AssetName(table.text("asset"))
    if kind not in RuleKind.__members__:
        raise ConfigError(
            f"{table.place('kind')}: {kind!r} is none of {', '.join(RuleKind.__members__)}"
        )
    if asset not in scales:
        raise ConfigError(f"{table.place('asset')}: {asset} is not listed")
    try:
        name = check_id(table.text("name"), "name")
    except Rejection as rejection:
        raise table.refused(rejection) from None
    rule = AmlRule(
        name=name,
        kind=RuleKind[kind],
        asset=asset,
        window_ns=table.number("window_h", None, 1, _HOURS_MAX) * _HOUR_NS,
        count=table.number("count", 0, 0, 1_000_000),
        amount_units=table.parse("amount", table.text("amount", "0"), scales[asset]),
        near_ppm=table.number("near_ppm", 0, 0, 1_000_000),
        serious=table.flag("serious", True),
    )
    table.finish()
    return rule


def _read_levels(path: Path | None, house: House) -> tuple[LevelLimits, ...]:
    if path is None:
        return ()
    scales: dict[str, int] = {asset.name: asset.scale for asset in house.assets}
    top = Table(path, "", read_toml(path))
    levels: list[LevelLimits] = []
    for number, table in enumerate(top.tables("level")):
        amounts: list[tuple[tuple[AssetName, int], ...]] = []
        for key in ("deposit", "trade", "withdraw"):
            given = table.table(key)
            named = given.known(scales)
            amounts.append(
                tuple((AssetName(name), _decimal(given, name, scales[name])) for name in named)
            )
            given.finish()
        table.finish()
        levels.append(
            LevelLimits(
                level=number,
                deposit_units=amounts[0],
                trade_units=amounts[1],
                withdraw_units=amounts[2],
            )
        )
    top.finish()
    return tuple(levels)


def _asset(table: Table) -> Asset:
    asset = Asset(AssetName(table.text("name")), table.number("scale", None, 0, SCALE_MAX))
    try:
        check_asset(asset)
    except Rejection as rejection:
        raise table.refused(rejection) from None
    table.finish()
    return asset


def _instrument(table: Table, assets: Mapping[str, Asset]) -> Instrument:
    symbol = table.text("symbol")
    base, _, quote = symbol.partition("-")
    if base not in assets or quote not in assets:
        raise ConfigError(f"{table.place('symbol')}: {symbol} needs both of its assets listed")

    def ppm(key: str) -> int:
        return table.number(key, None, 0, 100_000_000)

    try:
        instrument = read_instrument(
            symbol=symbol,
            base=assets[base],
            quote=assets[quote],
            tick_size=table.text("tick_size"),
            lot_size=table.text("lot_size"),
            min_price=table.text("min_price"),
            max_price=table.text("max_price"),
            min_quantity=table.text("min_quantity"),
            max_quantity=table.text("max_quantity"),
            max_market_quantity=table.text("max_market_quantity"),
            min_notional=table.text("min_notional"),
            max_notional=table.text("max_notional"),
            buy_band_up_ppm=ppm("buy_band_up_ppm"),
            buy_band_down_ppm=ppm("buy_band_down_ppm"),
            sell_band_up_ppm=ppm("sell_band_up_ppm"),
            sell_band_down_ppm=ppm("sell_band_down_ppm"),
            maker_fee_ppm=ppm("maker_fee_ppm"),
            taker_fee_ppm=ppm("taker_fee_ppm"),
            max_open_orders=table.number("max_open_orders", None, 1, OPEN_ORDERS_MAX),
            **_instrument_options(table),
        )
    except Rejection as rejection:
        raise table.refused(rejection) from None
    table.finish()
    return instrument


def _instrument_options(table: Table) -> dict[str, Any]:
    """What an instrument need not say."""
    stale_ms = table.number("mark_stale_ms", 0, 0, _DURATION_MAX_MS)

    def duration_ns(key: str) -> int:
        return table.number(key, 0, 0, _DURATION_MAX_MS) * _MS

    return {
        "min_market_quantity": table.text("min_market_quantity", ""),
        "max_algo_orders": table.number("max_algo_orders", OPEN_ORDERS_MAX, 0, OPEN_ORDERS_MAX),
        "max_iceberg_orders": table.number(
            "max_iceberg_orders", OPEN_ORDERS_MAX, 0, OPEN_ORDERS_MAX
        ),
        "max_position": table.text("max_position", ""),
        "min_trail_bps": table.number("min_trail_bps", 1, 1, _TRAIL_MAX_BPS),
        "max_trail_bps": table.number("max_trail_bps", BPS, 1, _TRAIL_MAX_BPS),
        "mark_stale_ns": stale_ms * _MS or None,
        "reference_bucket_ns": duration_ns("reference_bucket_ms"),
        "reference_buckets": table.number("reference_buckets", 0, 0, BUCKETS_MAX),
        "auction_ns": duration_ns("auction_ms"),
        "volatility_halt_ns": duration_ns("volatility_halt_ms"),
        "opening_auction": table.flag("opening_auction", False),
    }


def _decimal(table: Table, key: str, scale: int) -> int:
    return table.parse(key, table.text(key), scale)
