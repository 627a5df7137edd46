"""The second factor over the API: logins in two steps, and requests that ask for a fresh proof.

Checked by breaking, each seen red: a proof that is not bound to the bytes, and one that any
session may present.
"""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pyotp
import pytest
import trio
from trio.testing import MockClock
from xache.v1 import auth_pb2

from tests.actors.people import ALICE, PASSWORD, WRONG
from tests.api.test_auth import GET_ACCOUNT, Api, open_api

ENROL = ("AuthService/EnrolSecondFactor", auth_pb2.EnrolSecondFactorRequest())
ENROL_PATH = "/xache.v1.AuthService/EnrolSecondFactor"


async def signed_in(api: Api) -> str:
    await api.people.register()
    return str((await api.login()).tokens.access_token)


async def step_up(api: Api, token: str, *, method: str = ENROL_PATH, body: bytes = b"") -> str:
    request = auth_pb2.StepUpRequest(method=method, request=body, password=PASSWORD)
    answer = await api.call("AuthService/StepUp", request, token)
    return str(answer.step_up_token)


async def enrolled(api: Api, token: str) -> tuple[pyotp.TOTP, list[str]]:
    begun = await api.call(*ENROL, token, await step_up(api, token))
    totp = pyotp.TOTP(begun.secret)
    code = totp.at(api.people.world.now_ns() // 10**9)
    confirm = auth_pb2.ConfirmSecondFactorRequest(code=code)
    made = await api.call("AuthService/ConfirmSecondFactor", confirm, token)
    return totp, list(made.recovery_codes)


async def test_enrolment_shows_the_secret_in_three_forms(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with open_api(tmp_path) as api:
        token = await signed_in(api)
        begun = await api.call(*ENROL, token, await step_up(api, token))
        assert begun.secret in begun.otpauth_uri
        assert ElementTree.fromstring(begun.qr_svg).tag.endswith("svg")
        assert begun.expires_at_ns > api.people.world.now_ns()


async def test_what_weakens_or_moves_asks_for_a_proof_of_this_very_request(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    needed = ("PERMISSION_DENIED", "STEP_UP_REQUIRED")
    async with open_api(tmp_path) as api:
        token = await signed_in(api)
        assert await api.status(*ENROL, token) == needed
        assert await api.status(*ENROL, token, "x" * 43) == needed
        for wrong in (
            await step_up(api, token, method="/xache.v1.AuthService/Other"),
            await step_up(api, token, body=b"other bytes"),
        ):
            assert await api.status(*ENROL, token, wrong) == needed
        other = (await api.login()).tokens.access_token
        assert await api.status(*ENROL, other, await step_up(api, token)) == needed
        good = await step_up(api, token)
        assert await api.status(*ENROL, token, good) == ("OK", "")
        assert await api.status(*ENROL, token, good) == needed, "it works once"
        late = await step_up(api, token)
        await trio.sleep(301)
        token = (await api.login()).tokens.access_token
        assert await api.status(*ENROL, token, late) == needed


async def test_a_login_with_a_second_factor_gives_nothing_before_the_code(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with open_api(tmp_path) as api:
        token = await signed_in(api)
        totp, codes = await enrolled(api, token)
        begun = await api.login()
        assert begun.second_factor_token
        assert not begun.HasField("tokens")
        assert begun.account_id == begun.session_id == ""
        bad = auth_pb2.LoginRequest(email=ALICE, password=WRONG)
        assert await api.status("AuthService/Login", bad) == ("UNAUTHENTICATED", "CREDENTIALS")
        assert await api.status(*GET_ACCOUNT, begun.second_factor_token) == (
            "UNAUTHENTICATED",
            "TOKEN_INVALID",
        )
        finish = auth_pb2.CompleteLoginRequest(
            second_factor_token=begun.second_factor_token, code=codes[0]
        )
        done = await api.call("AuthService/CompleteLogin", finish)
        assert (await api.call(*GET_ACCOUNT, done.tokens.access_token)).email == ALICE
        state = await api.call(
            "AuthService/GetSecondFactor", auth_pb2.GetSecondFactorRequest(), token
        )
        assert state.active
        assert state.recovery_codes_left == 9
        await trio.sleep(60)
        token = done.tokens.access_token
        code = totp.at(api.people.world.now_ns() // 10**9)
        by_password = auth_pb2.StepUpRequest(method=ENROL_PATH, password=PASSWORD)
        assert await api.status("AuthService/StepUp", by_password, token) == (
            "FAILED_PRECONDITION",
            "SECOND_FACTOR_STATE",
        )
        by_code = auth_pb2.StepUpRequest(method=ENROL_PATH, code=code)
        assert await api.status("AuthService/StepUp", by_code, token) == ("OK", "")
        disable = auth_pb2.DisableSecondFactorRequest(code=code)
        assert await api.status("AuthService/DisableSecondFactor", disable, token) == (
            "PERMISSION_DENIED",
            "CODE_WRONG",
        )


@pytest.mark.parametrize(
    "request_",
    [
        auth_pb2.StepUpRequest(method=ENROL_PATH),
        auth_pb2.StepUpRequest(password=PASSWORD),
        auth_pb2.StepUpRequest(method="x" * 129, password=PASSWORD),
    ],
)
async def test_a_proof_of_nothing_is_refused(
    tmp_path: Path, autojump_clock: MockClock, request_: auth_pb2.StepUpRequest
) -> None:
    async with open_api(tmp_path) as api:
        token = await signed_in(api)
        assert await api.status("AuthService/StepUp", request_, token) == (
            "INVALID_ARGUMENT",
            "FIELD_REQUIRED",
        )
