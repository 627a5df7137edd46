"""What a person tells the house of how they want to be seen and served.

None of it opens anything or moves money: it is theirs to change without a proof, sealed under their
profile key, exported and erased with it.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Set as AbstractSet
from typing import Final, TypeAlias

import attrs

from xached.domain.order import AccountId
from xached.domain.rejection import Reason, Rejection

DISPLAY_NAME_CHARS_MAX: Final = 64
ZONE_CHARS_MAX: Final = 64

_ZONE = re.compile(r"[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+)*")
_ASSET = re.compile(r"[A-Z0-9.]{1,16}")


class NoticeTopic(enum.IntEnum):
    """What a letter may be about. The numbers are those of ``xache.v1.NoticeTopic``.

    Security is none of them: those letters are always written.
    """

    FILLS = 1
    MONEY = 2
    ALERTS = 3
    STRATEGIES = 4
    NEWS = 5


@attrs.frozen(kw_only=True)
class Profile:
    """A person's preferences. Empty: not told, and the house chooses."""

    display_name: str = attrs.field(default="", repr=False)
    time_zone: str = attrs.field(default="", repr=False)
    """Of the IANA database, such as Europe/Berlin; empty: UTC."""
    base_currency: str = attrs.field(default="", repr=False)
    """The asset that worth is told in."""
    letters_about: frozenset[NoticeTopic] = frozenset()


FIELDS: Final = frozenset(field.name for field in attrs.fields(Profile))


@attrs.frozen(kw_only=True)
class ProfileRow:
    """A profile, as it is stored."""

    account_id: AccountId
    profile_sealed: bytes = attrs.field(repr=False)
    changed_at_ns: int


@attrs.frozen(kw_only=True)
class GetProfile:
    """Tell the preferences of an account. Answer: Profile."""

    account_id: AccountId


@attrs.frozen(kw_only=True)
class UpdateProfile:
    """Change some of them. Answer: Profile, as it is now."""

    account_id: AccountId
    profile: Profile
    fields: frozenset[str]
    """Names of what is changed; the rest stays."""


@attrs.frozen(kw_only=True)
class ProfileChanged:
    """A person changed their preferences."""

    account_id: AccountId


ProfileMessage: TypeAlias = GetProfile | UpdateProfile
ProfileReply: TypeAlias = Profile
ProfileEvent: TypeAlias = ProfileChanged


def changed_profile(old: Profile, new: Profile, fields: AbstractSet[str]) -> Profile:
    """The old profile with some fields of the new one. Raises: Rejection PROFILE_FORM."""
    strange = fields - FIELDS
    if strange or not fields:
        raise _malformed("update_mask", ", ".join(sorted(strange)), ", ".join(sorted(FIELDS)))
    profile = attrs.evolve(old, **{name: getattr(new, name) for name in fields})
    name = profile.display_name
    if len(name) > DISPLAY_NAME_CHARS_MAX or not name.isprintable() or name != name.strip():
        allowed = f"up to {DISPLAY_NAME_CHARS_MAX} printable characters"
        raise _malformed("display_name", "", allowed)
    zone = profile.time_zone
    if zone and (len(zone) > ZONE_CHARS_MAX or _ZONE.fullmatch(zone) is None):
        raise _malformed("time_zone", "", "a name such as Europe/Berlin")
    if profile.base_currency and _ASSET.fullmatch(profile.base_currency) is None:
        raise _malformed("base_currency", "", "an asset such as USDT")
    return profile


def _malformed(field: str, given: str, allowed: str) -> Rejection:
    # What was given is personal, but for names of fields.
    facts = {"field": field, "allowed": allowed}
    return Rejection(
        Reason.PROFILE_FORM,
        "the profile cannot be kept like this",
        **(facts | ({"given": given[:100]} if given else {})),
    )
