"""Serves the profile of ``xache.v1.AccountService``."""

from __future__ import annotations

import zoneinfo

from xache.v1 import account_pb2

from xached.api.auth import Sessions, ask_sessions, caller_of
from xached.api.enums import pick
from xached.api.routes import Call
from xached.domain.instrument import AssetName, Directory
from xached.domain.profile import GetProfile, NoticeTopic, Profile, UpdateProfile
from xached.domain.rejection import Reason, Rejection

_TOPICS = {topic.value: topic for topic in NoticeTopic}


class ProfileHandlers:
    """Handlers of AccountService for preferences."""

    def __init__(self, sessions: Sessions, directory: Directory) -> None:
        self._sessions = sessions
        self._directory = directory
        # Read once: it looks through a thousand files.
        self._zones = zoneinfo.available_timezones()

    async def get_profile(
        self, call: Call, _request: account_pb2.GetProfileRequest
    ) -> account_pb2.GetProfileResponse:
        """Tell the caller's preferences."""
        message = GetProfile(account_id=caller_of(call).account_id)
        profile = await ask_sessions(self._sessions, call, message, Profile)
        return account_pb2.GetProfileResponse(profile=_message(profile))

    async def update_profile(
        self, call: Call, request: account_pb2.UpdateProfileRequest
    ) -> account_pb2.UpdateProfileResponse:
        """Change some of them."""
        fields = frozenset(request.update_mask.paths)
        given = request.profile
        if "time_zone" in fields and given.time_zone and given.time_zone not in self._zones:
            raise Rejection(
                Reason.PROFILE_FORM,
                "no such time zone is known",
                field="time_zone",
                allowed="a name of the IANA database, such as Europe/Berlin",
            )
        if "base_currency" in fields and given.base_currency:
            # Raises for an asset that is not listed.
            self._directory.asset(AssetName(given.base_currency))
        message = UpdateProfile(
            account_id=caller_of(call).account_id,
            profile=Profile(
                display_name=given.display_name,
                time_zone=given.time_zone,
                base_currency=given.base_currency,
                letters_about=frozenset(
                    pick(_TOPICS, topic, "letters_about") for topic in given.letters_about
                ),
            ),
            fields=fields,
        )
        profile = await ask_sessions(self._sessions, call, message, Profile)
        return account_pb2.UpdateProfileResponse(profile=_message(profile))


def _message(profile: Profile) -> account_pb2.Profile:
    return account_pb2.Profile(
        display_name=profile.display_name,
        time_zone=profile.time_zone,
        base_currency=profile.base_currency,
        letters_about=[
            account_pb2.NoticeTopic.Name(topic) for topic in sorted(profile.letters_about)
        ],
    )
