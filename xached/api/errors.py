"""A refusal as a gRPC status: code, message and a google.rpc.ErrorInfo that programs can read.

What reaches a caller is decided here and nowhere else. An error without a row in this file is a
bug: it becomes INTERNAL with an incident id, and its text stays in the house.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import grpc
import trio
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2

from xached.domain.rejection import Reason, Rejection
from xached.runtime.mailbox import Closed, Expired, Overloaded
from xached.runtime.world import World

DOMAIN: Final = "xache"
"""The domain of every ErrorInfo."""

MESSAGE_BYTES_MAX: Final = 512
FACT_BYTES_MAX: Final = 128
ALLOWED_BYTES_MAX: Final = 512
"""Of what is allowed, which may be a list of names: half a list helps nobody."""
FACTS_MAX: Final = 16
"""Clients take 8 KiB of metadata by default, and a status travels twice: readable and packed."""

_CUT: Final = "…"

RETRY_AFTER_S: Final = 0.1
"""What an overloaded house asks callers to wait: about ten full batches of matching."""


RESTART_S: Final = 1.0
"""What callers are asked to wait for the next daemon: an empty house starts in about a second."""

INCIDENT_ID_BYTES: Final = 6


class StatusError(Exception):
    """End the call with this status. Raised by handlers, the authorizer and the edge itself.

    Args:
        code: never OK.
        reason: UPPER_SNAKE_CASE name of the rule, stable for programs.
        message: for people.
        facts: what was given, what is allowed, as text.
        retry_after_s: when trying again may help; None when it does not.
    """

    def __init__(
        self,
        code: grpc.StatusCode,
        reason: str,
        message: str,
        facts: Mapping[str, str] | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        assert code is not grpc.StatusCode.OK
        super().__init__(f"{code.name} {reason}: {message}")
        self.code = code
        self.reason = reason
        self.message = _clipped(message, MESSAGE_BYTES_MAX)
        self.facts: Mapping[str, str] = {
            key: _fact(key, value) for key, value in list((facts or {}).items())[:FACTS_MAX]
        }
        self.retry_after_s = retry_after_s

    @property
    def code_number(self) -> int:
        """The code as the wire has it."""
        number: int = self.code.value[0]
        return number

    def to_proto(self) -> status_pb2.Status:
        """The google.rpc.Status that travels in ``grpc-status-details-bin``."""
        info = error_details_pb2.ErrorInfo(
            reason=self.reason, domain=DOMAIN, metadata=dict(self.facts)
        )
        details = [_packed(info)]
        if self.retry_after_s is not None:
            retry = error_details_pb2.RetryInfo()
            retry.retry_delay.FromNanoseconds(round(self.retry_after_s * 1e9))
            details.append(_packed(retry))
        return status_pb2.Status(code=self.code_number, message=self.message, details=details)


def status_of(error: BaseException) -> StatusError | None:
    """The status of an error that callers are meant to see; None for a bug."""
    match error:
        case StatusError():
            return error
        case Rejection():
            retry_s = error.facts.get("retry_after_s")
            return StatusError(
                CODES[error.reason],
                error.reason.value,
                error.message,
                error.facts,
                None if retry_s is None else float(retry_s),
            )
        case Overloaded():
            return overloaded(str(error) or "there is no room for this now")
        case trio.WouldBlock():
            return overloaded("a queue of this call is full")
        case Expired():
            return expired()
        case Closed():
            return stopping()
        case _:
            return None


def overloaded(message: str) -> StatusError:
    """The house has no room for this now; nothing was done."""
    return StatusError(
        grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED", message, retry_after_s=RETRY_AFTER_S
    )


def malformed(message: str) -> StatusError:
    """The bytes are not the message that the method takes."""
    return StatusError(grpc.StatusCode.INVALID_ARGUMENT, "MALFORMED_MESSAGE", message)


def expired() -> StatusError:
    """The deadline has passed; what was asked for may or may not have been done."""
    return StatusError(
        grpc.StatusCode.DEADLINE_EXCEEDED,
        "DEADLINE_EXCEEDED",
        "outcome unknown: repeat with the same id",
    )


def stopping() -> StatusError:
    """The daemon goes down; another try reaches the next one."""
    return StatusError(
        grpc.StatusCode.UNAVAILABLE, "STOPPING", "the server is stopping", retry_after_s=RESTART_S
    )


class Interceptor:
    """The outermost frame of every call: it turns whatever a handler raised into a status.

    ``report_incident`` gets (incident id, method, error) of a bug and must not raise.
    """

    def __init__(
        self, world: World, report_incident: Callable[[str, str, BaseException], None]
    ) -> None:
        self._world = world
        self._report_incident = report_incident
        self.incidents = 0

    def status(self, method: str, error: BaseException) -> StatusError:
        """The status to answer with. A bug gives its incident id away and nothing else.

        A group with a single error inside, which is what a nursery raises, counts as that error.
        """
        while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
            error = error.exceptions[0]
        refusal = status_of(error)
        if refusal is not None:
            return refusal
        self.incidents += 1
        incident_id = self._world.entropy(INCIDENT_ID_BYTES).hex()
        self._report_incident(incident_id, method, error)
        return StatusError(grpc.StatusCode.INTERNAL, "INTERNAL", f"incident {incident_id}")


_FORM = grpc.StatusCode.INVALID_ARGUMENT
_UNKNOWN_CALLER = grpc.StatusCode.UNAUTHENTICATED
_ABSENT = grpc.StatusCode.NOT_FOUND
_TAKEN = grpc.StatusCode.ALREADY_EXISTS
_STATE = grpc.StatusCode.FAILED_PRECONDITION

CODES: Final[Mapping[Reason, grpc.StatusCode]] = {
    Reason.AMOUNT_FORMAT: _FORM,
    Reason.AMOUNT_PRECISION: _FORM,
    Reason.AMOUNT_RANGE: _FORM,
    Reason.ID_FORMAT: _FORM,
    Reason.FIELD_REQUIRED: _FORM,
    Reason.FIELD_FORBIDDEN: _FORM,
    Reason.COMBINATION: _FORM,
    Reason.PRICE_TICK: _FORM,
    Reason.PRICE_RANGE: _FORM,
    Reason.QUANTITY_LOT: _FORM,
    Reason.QUANTITY_RANGE: _FORM,
    Reason.NOTIONAL_RANGE: _FORM,
    Reason.TRAIL_RANGE: _FORM,
    Reason.EXPIRY_PAST: _FORM,
    Reason.INSTRUMENT_SPEC: _FORM,
    Reason.FEE_TIERS: _FORM,
    Reason.EMAIL_FORMAT: _FORM,
    Reason.PASSWORD_RULE: _FORM,
    Reason.DEVICE_FORMAT: _FORM,
    Reason.PROFILE_FORM: _FORM,
    Reason.KEY_TERMS: _FORM,
    Reason.ROLE_FIXED: _FORM,
    Reason.DISCLOSURE_FORM: _FORM,
    Reason.KYC_LEVEL: _FORM,
    Reason.KYC_DETAILS: _FORM,
    Reason.DOCUMENT_TYPE: _FORM,
    Reason.DOCUMENT_SIZE: _FORM,
    Reason.WATCHLIST_FORM: _FORM,
    Reason.INDICATOR_SETTINGS: _FORM,
    Reason.PLUGIN_SETTINGS: _FORM,
    Reason.RULE_TERMS: _FORM,
    Reason.BACKTEST_TERMS: _FORM,
    Reason.CREDENTIALS: _UNKNOWN_CALLER,
    Reason.TOKEN_INVALID: _UNKNOWN_CALLER,
    Reason.CODE_WRONG: grpc.StatusCode.PERMISSION_DENIED,
    Reason.TOO_MANY_ATTEMPTS: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Reason.SECOND_FACTOR_STATE: _STATE,
    Reason.SECOND_FACTOR_NEEDED: _STATE,
    Reason.NO_MAIL: _STATE,
    Reason.OPERATOR_UNKNOWN: _UNKNOWN_CALLER,
    Reason.BOOTSTRAP_TOKEN: _UNKNOWN_CALLER,
    Reason.UNKNOWN_INSTRUMENT: _ABSENT,
    Reason.UNKNOWN_ASSET: _ABSENT,
    Reason.UNKNOWN_PURSE: _ABSENT,
    Reason.UNKNOWN_ORDER: _ABSENT,
    Reason.UNKNOWN_VENUE: _ABSENT,
    Reason.UNKNOWN_INDICATOR: _ABSENT,
    Reason.UNKNOWN_ACCOUNT: _ABSENT,
    Reason.UNKNOWN_SESSION: _ABSENT,
    Reason.UNKNOWN_KEY: _ABSENT,
    Reason.UNKNOWN_CHANGE: _ABSENT,
    Reason.UNKNOWN_SCOPE: _ABSENT,
    Reason.UNKNOWN_DISCLOSURE: _ABSENT,
    Reason.UNKNOWN_APPLICATION: _ABSENT,
    Reason.UNKNOWN_DOCUMENT: _ABSENT,
    Reason.UNKNOWN_CASE: _ABSENT,
    Reason.UNKNOWN_RULE: _ABSENT,
    Reason.UNKNOWN_PLUGIN: _ABSENT,
    Reason.UNKNOWN_HISTORY: _ABSENT,
    Reason.UNKNOWN_BACKTEST: _ABSENT,
    Reason.UNKNOWN_MODEL: _ABSENT,
    Reason.STRATEGY_TERMS: _FORM,
    Reason.UNKNOWN_STRATEGY: _ABSENT,
    Reason.STRATEGY_STATE: _STATE,
    Reason.STRATEGY_GATE: _STATE,
    Reason.STRATEGIES_FULL: _STATE,
    Reason.ID_REUSED: _TAKEN,
    Reason.ALREADY_LISTED: _TAKEN,
    Reason.STEPS_FIXED: _STATE,
    Reason.EMAIL_TAKEN: _TAKEN,
    Reason.INSUFFICIENT_FUNDS: _STATE,
    Reason.PRICE_BAND: _STATE,
    Reason.REFERENCE_UNKNOWN: _STATE,
    Reason.NO_LIQUIDITY: _STATE,
    Reason.MARKET_STATE: _STATE,
    Reason.DELISTED: _STATE,
    Reason.ASSET_IN_USE: _STATE,
    Reason.SUBACCOUNTS: _STATE,
    Reason.TRIGGER_PASSED: _STATE,
    Reason.LIST_PRICE: _STATE,
    Reason.OPEN_ORDERS: _STATE,
    Reason.ALGO_ORDERS: _STATE,
    Reason.ICEBERG_ORDERS: _STATE,
    Reason.POSITION_RANGE: _STATE,
    Reason.ORDER_SIZE: _STATE,
    Reason.LIMITS_UNKNOWN: _STATE,
    Reason.PURSE_FROZEN: _STATE,
    Reason.HALTED: _STATE,
    Reason.RISK_STATE: _STATE,
    Reason.POSITION_SIZE: _STATE,
    Reason.ORDER_RATE: _STATE,
    Reason.ORDER_CHANGED: grpc.StatusCode.ABORTED,
    Reason.STREAMS: _STATE,
    Reason.REDUCE_ONLY: _STATE,
    Reason.LAST_ADMIN: _STATE,
    Reason.KEY_BOUNDS: _STATE,
    Reason.LEVEL_LIMIT: _STATE,
    Reason.DISCLOSURE_PENDING: _STATE,
    Reason.DISCLOSURE_VERSION: _STATE,
    Reason.KYC_PAPERS: _STATE,
    Reason.DOCUMENTS_FULL: _STATE,
    Reason.REVIEW_STATE: _STATE,
    Reason.PLUGIN_CHANGED: _STATE,
    Reason.PLUGIN_STATE: _STATE,
    Reason.LOOK_AHEAD: _STATE,
    Reason.CASE_STATE: _STATE,
    Reason.CASES_OPEN: _STATE,
    Reason.FOUR_EYES: _STATE,
    Reason.ERASURE_STATE: _STATE,
    Reason.BALANCES_OPEN: _STATE,
    Reason.ACCOUNT_CLOSED: _STATE,
    Reason.RULE_STATE: _STATE,
    Reason.RULES_FULL: _STATE,
    Reason.BACKTEST_STATE: _STATE,
    Reason.BACKTESTS_FULL: _STATE,
    Reason.TRIALS_FULL: _STATE,
}
"""The code of every reason of the domain; complete, and a test says so."""


def _clipped(text: str, bytes_max: int) -> str:
    """As much of a text as fits; never half a character."""
    return text.encode(errors="replace")[:bytes_max].decode(errors="ignore")


def _fact(name: str, text: str) -> str:
    """As much of a fact as fits, with a sign that there was more."""
    bytes_max = ALLOWED_BYTES_MAX if name == "allowed" else FACT_BYTES_MAX
    if len(text.encode(errors="replace")) <= bytes_max:
        return _clipped(text, bytes_max)
    return _clipped(text, bytes_max - len(_CUT.encode())) + _CUT


def _packed(message: error_details_pb2.ErrorInfo | error_details_pb2.RetryInfo) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed
