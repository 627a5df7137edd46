"""What happened to the account: who signed in, what was changed, and from where."""

from __future__ import annotations

from typing import Final

from xache.commands.options import NO_OPTIONS, Count, Options, usage
from xache.commands.terms import ago_ns
from xache.output import json_value, moment, word
from xache.v1 import account_pb2

GROUPS: Final = {
    "logins": ("LOGIN", "LOGINS_FAILED", "SESSION_ENDED"),
    "failed": ("LOGINS_FAILED", "CODE_WRONG"),
    "proofs": ("STEP_UP", "CODE_WRONG", "RECOVERY_CODE_USED"),
    "factor": ("SECOND_FACTOR_ON", "SECOND_FACTOR_OFF", "RECOVERY_CODES_MADE"),
    "keys": ("KEY_MADE", "KEY_ENDED"),
    "password": ("PASSWORD_CHANGED", "PASSWORD_RECOVERED", "RECOVERY_ASKED"),
    "email": ("EMAIL_CONFIRMED", "EMAIL_CHANGE_BEGUN"),
    "changes": ("CHANGE_ASKED", "CHANGE_TAKEN_BACK", "CHANGE_MADE"),
    "freezes": ("IMPEDIMENT_SET", "IMPEDIMENT_LIFTED"),
    "data": (
        "DATA_EXPORTED",
        "ERASURE_ASKED",
        "ERASURE_TAKEN_BACK",
        "DOCUMENT_UPLOADED",
        "PROFILE_CHANGED",
    ),
}
"""Kinds that belong together, by a short name."""


def activity(
    *,
    only: str = "",
    since: str = "",
    limit: Count = 50,
    options: Options = NO_OPTIONS,
) -> None:
    """Tell what happened to your account, newest first; kept for 400 days.

    Args:
        only: logins, failed, proofs, factor, keys, password, email, changes, freezes, data
            or person; several with commas.
        since: only from then on: 90s, 15m, 2h, 1d ago, or a time such as 2026-12-31T12:00:00Z.
        limit: at most this many.
    """
    names = [name.strip() for name in only.split(",") if name.strip()]
    unknown = [name for name in names if name not in GROUPS]
    if unknown:
        raise usage(f"{unknown[0]} is none of {', '.join(GROUPS)}.")
    kinds = {kind for name in names for kind in GROUPS[name]}
    with options.connected() as (client, output):
        pages = client.account.activity(
            [f"ACTIVITY_KIND_{kind}" for kind in sorted(kinds)],
            since_ns=ago_ns(since),
            page_size=min(limit, 500),
        )
        found = [each for each, _ in zip(pages, range(limit), strict=False)]
        if output.as_json:
            output.document({"activities": [json_value(each) for each in found]})
            return
        if not found:
            output.note("Nothing.")
            return
        output.table(
            ["time (UTC)", "what", "?about", "?from", "?device", "?"],
            [
                (
                    moment(each.at_ns),
                    _what(each),
                    _about(each),
                    each.address,
                    each.device,
                    "by the house" if each.by_house else "",
                )
                for each in found
            ],
        )


def _what(each: account_pb2.Activity) -> str:
    text = word(account_pb2.ActivityKind, each.kind)
    return f"{text} x{each.count}" if each.count > 1 else text


def _about(each: account_pb2.Activity) -> str:
    # Of a method its own name; of a cause or a change the words.
    subject = each.subject.rpartition("/")[2]
    return subject.replace("_", " ").lower() if subject.isupper() else subject
