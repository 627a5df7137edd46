"""How you want to be seen and served."""

from __future__ import annotations

from cyclopts import App

from xache.commands.options import NO_OPTIONS, Options, usage
from xache.output import Output, word
from xache.v1 import account_pb2

app = App(name="profile", help="Show and change your preferences.", result_action="return_value")

_TOPICS = {
    "fills": account_pb2.NOTICE_TOPIC_FILLS,
    "money": account_pb2.NOTICE_TOPIC_MONEY,
    "alerts": account_pb2.NOTICE_TOPIC_ALERTS,
    "strategies": account_pb2.NOTICE_TOPIC_STRATEGIES,
    "news": account_pb2.NOTICE_TOPIC_NEWS,
}


@app.default
def show(*, options: Options = NO_OPTIONS) -> None:
    """Show your preferences."""
    with options.connected() as (client, output):
        _show(output, client.account.profile())


@app.command(name="set")
def set_(
    *,
    name: str | None = None,
    time_zone: str | None = None,
    currency: str | None = None,
    letters: str | None = None,
    options: Options = NO_OPTIONS,
) -> None:
    """Change what is given; "" takes it back. Letters about security are always written.

    Args:
        name: how you are called.
        time_zone: as Europe/Berlin.
        currency: the asset that worth is told in, as USDT.
        letters: fills, money, alerts, strategies and news, with commas.
    """
    profile, fields = account_pb2.Profile(), list[str]()
    if name is not None:
        profile.display_name = name
        fields.append("display_name")
    if time_zone is not None:
        profile.time_zone = time_zone
        fields.append("time_zone")
    if currency is not None:
        profile.base_currency = currency.upper()
        fields.append("base_currency")
    if letters is not None:
        for topic in (each.strip() for each in letters.split(",") if each.strip()):
            if topic not in _TOPICS:
                raise usage(f"{topic} is no topic: {', '.join(_TOPICS)}.")
            profile.letters_about.append(_TOPICS[topic])
        fields.append("letters_about")
    if not fields:
        raise usage("Nothing to change: give --name, --time-zone, --currency or --letters.")
    with options.connected() as (client, output):
        _show(output, client.account.update_profile(profile, fields))


def _show(output: Output, profile: account_pb2.Profile) -> None:
    if output.as_json:
        output.document(profile)
        return
    topics = ", ".join(word(account_pb2.NoticeTopic, topic) for topic in profile.letters_about)
    output.facts(
        [
            ("name", profile.display_name or "-"),
            ("time zone", profile.time_zone or "UTC"),
            ("currency", profile.base_currency or "-"),
            ("letters about", f"security{', ' if topics else ''}{topics}"),
        ]
    )
