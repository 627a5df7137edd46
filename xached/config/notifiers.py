"""Who is told what happens in the house, as the configuration has it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

import attrs

from xached.actors.notifications import NotifierTerms
from xached.adapters.egress import EgressPolicy, EgressRefused, HostRule
from xached.adapters.feeds.session import SCHEMES
from xached.adapters.webhook import WebhookTarget
from xached.config.strategy_settings import write_settings
from xached.config.tables import ConfigError, Table, read_secret
from xached.domain.notices import NoticeKind, Severity

NOTIFIERS_MAX: Final = 20
URL_SCHEMES: Final = ("https", "http")

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}", re.ASCII)
_SECRET: Final = re.compile(r"[!-~]{1,4096}", re.ASCII)


@attrs.frozen(kw_only=True)
class NotifierPlan:
    """A notifier, where it posts, and the plugin that writes; without one the house does."""

    terms: NotifierTerms
    target: WebhookTarget
    plugin: str
    settings_json: str


def read_notifiers(tables: Sequence[Table], egress: EgressPolicy) -> tuple[NotifierPlan, ...]:
    """Read every ``[[notifier]]``. Raises: ConfigError."""
    plans: dict[str, NotifierPlan] = {}
    for table in tables:
        plan = _plan(table, egress)
        if plan.terms.name in plans or len(plans) == NOTIFIERS_MAX:
            raise ConfigError(
                f"{table.place('name')}: {plan.terms.name!r} is there twice, or more than"
                f" {NOTIFIERS_MAX}"
            )
        plans[plan.terms.name] = plan
    return tuple(plans.values())


def _plan(table: Table, egress: EgressPolicy) -> NotifierPlan:
    name = table.text("name")
    if _NAME.fullmatch(name) is None:
        raise ConfigError(f"{table.place('name')}: {name!r} is no name of a notifier")
    try:
        settings_json = write_settings(table.table("settings").take_all(), table.folder)
    except (TypeError, ValueError, OSError) as error:
        raise ConfigError(f"{table.place('settings')}: {error}") from None
    plan = NotifierPlan(
        terms=NotifierTerms(name=name, least=_severity(table), kinds=_kinds(table)),
        target=_target(table, egress),
        plugin=table.text("plugin", ""),
        settings_json=settings_json,
    )
    if not plan.plugin and settings_json != "{}":
        raise ConfigError(f"{table.place('settings')}: they are of a plugin, and there is none")
    table.finish()
    return plan


def _severity(table: Table) -> Severity:
    least = table.text("least", Severity.WARNING.name)
    if least not in Severity.__members__:
        allowed = ", ".join(Severity.__members__)
        raise ConfigError(f"{table.place('least')}: {least!r} is none of {allowed}")
    return Severity[least]


def _kinds(table: Table) -> frozenset[NoticeKind]:
    kinds = table.texts("kinds", len(NoticeKind))
    for kind in kinds:
        if kind not in NoticeKind.__members__:
            allowed = ", ".join(NoticeKind.__members__)
            raise ConfigError(f"{table.place('kinds')}: {kind!r} is none of {allowed}")
    return frozenset(NoticeKind[kind] for kind in kinds)


def _target(table: Table, egress: EgressPolicy) -> WebhookTarget:
    """Where it posts: the one address there is for it, under the same rules as any."""
    url, secret_file = table.text("url"), table.optional_path("secret_file")
    try:
        parts = urlsplit(url)
        port = parts.port or SCHEMES.get(parts.scheme, (True, 443))[1]
        own = HostRule(host=(parts.hostname or "").lower(), port=port, below=False)
        endpoint, path = EgressPolicy(hosts=(own,), private=egress.private).read(url, URL_SCHEMES)
    except (EgressRefused, ValueError) as error:
        raise ConfigError(f"{table.place('url')}: {error}") from None
    secret = "" if secret_file is None else read_secret(secret_file)
    if secret_file is not None and _SECRET.fullmatch(secret) is None:
        raise ConfigError(f"{secret_file} is not one line of printable characters")
    if not secret and "{secret}" in path:
        raise ConfigError(f"{table.place('secret_file')}: the url has a place for a secret")
    return WebhookTarget(endpoint=endpoint, path=path, public=not egress.private, secret=secret)
