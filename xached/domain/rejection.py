"""The expected no: a refusal that is decided before anything changes."""

from __future__ import annotations

import enum


class Reason(enum.Enum):
    """Which rule said no. The names are part of the API and never change."""

    # The form of a request.
    AMOUNT_FORMAT = "AMOUNT_FORMAT"
    AMOUNT_PRECISION = "AMOUNT_PRECISION"
    AMOUNT_RANGE = "AMOUNT_RANGE"
    ID_FORMAT = "ID_FORMAT"
    FIELD_REQUIRED = "FIELD_REQUIRED"
    FIELD_FORBIDDEN = "FIELD_FORBIDDEN"
    COMBINATION = "COMBINATION"
    PRICE_TICK = "PRICE_TICK"
    PRICE_RANGE = "PRICE_RANGE"
    QUANTITY_LOT = "QUANTITY_LOT"
    QUANTITY_RANGE = "QUANTITY_RANGE"
    NOTIONAL_RANGE = "NOTIONAL_RANGE"
    TRAIL_RANGE = "TRAIL_RANGE"
    EXPIRY_PAST = "EXPIRY_PAST"
    INSTRUMENT_SPEC = "INSTRUMENT_SPEC"
    FEE_TIERS = "FEE_TIERS"
    EMAIL_FORMAT = "EMAIL_FORMAT"
    PASSWORD_RULE = "PASSWORD_RULE"  # noqa: S105 - a rule's name
    DEVICE_FORMAT = "DEVICE_FORMAT"
    ROLE_FIXED = "ROLE_FIXED"
    DISCLOSURE_FORM = "DISCLOSURE_FORM"
    KEY_TERMS = "KEY_TERMS"
    KYC_LEVEL = "KYC_LEVEL"
    KYC_DETAILS = "KYC_DETAILS"
    DOCUMENT_TYPE = "DOCUMENT_TYPE"
    DOCUMENT_SIZE = "DOCUMENT_SIZE"
    WATCHLIST_FORM = "WATCHLIST_FORM"
    # Who is asking.
    CREDENTIALS = "CREDENTIALS"
    TOKEN_INVALID = "TOKEN_INVALID"  # noqa: S105 - a rule's name
    BOOTSTRAP_TOKEN = "BOOTSTRAP_TOKEN"  # noqa: S105 - a rule's name
    CODE_WRONG = "CODE_WRONG"
    TOO_MANY_ATTEMPTS = "TOO_MANY_ATTEMPTS"
    SECOND_FACTOR_STATE = "SECOND_FACTOR_STATE"
    # What is not there, or not yours.
    UNKNOWN_INSTRUMENT = "UNKNOWN_INSTRUMENT"
    UNKNOWN_ASSET = "UNKNOWN_ASSET"
    UNKNOWN_PURSE = "UNKNOWN_PURSE"
    UNKNOWN_ORDER = "UNKNOWN_ORDER"
    UNKNOWN_VENUE = "UNKNOWN_VENUE"
    UNKNOWN_ACCOUNT = "UNKNOWN_ACCOUNT"
    UNKNOWN_SESSION = "UNKNOWN_SESSION"
    UNKNOWN_KEY = "UNKNOWN_KEY"
    UNKNOWN_SCOPE = "UNKNOWN_SCOPE"
    UNKNOWN_DISCLOSURE = "UNKNOWN_DISCLOSURE"
    UNKNOWN_APPLICATION = "UNKNOWN_APPLICATION"
    UNKNOWN_DOCUMENT = "UNKNOWN_DOCUMENT"
    UNKNOWN_CASE = "UNKNOWN_CASE"
    # What is there already.
    ID_REUSED = "ID_REUSED"
    ALREADY_LISTED = "ALREADY_LISTED"
    STEPS_FIXED = "STEPS_FIXED"
    EMAIL_TAKEN = "EMAIL_TAKEN"
    # What the state of the house does not allow now.
    INSUFFICIENT_FUNDS = "INSUFFICIENT_FUNDS"
    PRICE_BAND = "PRICE_BAND"
    REFERENCE_UNKNOWN = "REFERENCE_UNKNOWN"
    NO_LIQUIDITY = "NO_LIQUIDITY"
    MARKET_STATE = "MARKET_STATE"
    DELISTED = "DELISTED"
    ASSET_IN_USE = "ASSET_IN_USE"
    SUBACCOUNTS = "SUBACCOUNTS"
    TRIGGER_PASSED = "TRIGGER_PASSED"
    LIST_PRICE = "LIST_PRICE"
    OPEN_ORDERS = "OPEN_ORDERS"
    ALGO_ORDERS = "ALGO_ORDERS"
    ICEBERG_ORDERS = "ICEBERG_ORDERS"
    POSITION_RANGE = "POSITION_RANGE"
    ORDER_SIZE = "ORDER_SIZE"
    LIMITS_UNKNOWN = "LIMITS_UNKNOWN"
    PURSE_FROZEN = "PURSE_FROZEN"
    HALTED = "HALTED"
    RISK_STATE = "RISK_STATE"
    POSITION_SIZE = "POSITION_SIZE"
    ORDER_RATE = "ORDER_RATE"
    ORDER_CHANGED = "ORDER_CHANGED"
    STREAMS = "STREAMS"
    REDUCE_ONLY = "REDUCE_ONLY"
    LAST_ADMIN = "LAST_ADMIN"
    KEY_BOUNDS = "KEY_BOUNDS"
    LEVEL_LIMIT = "LEVEL_LIMIT"
    DISCLOSURE_PENDING = "DISCLOSURE_PENDING"
    DISCLOSURE_VERSION = "DISCLOSURE_VERSION"
    KYC_PAPERS = "KYC_PAPERS"
    DOCUMENTS_FULL = "DOCUMENTS_FULL"
    REVIEW_STATE = "REVIEW_STATE"
    CASE_STATE = "CASE_STATE"
    CASES_OPEN = "CASES_OPEN"
    FOUR_EYES = "FOUR_EYES"
    ERASURE_STATE = "ERASURE_STATE"
    BALANCES_OPEN = "BALANCES_OPEN"
    ACCOUNT_CLOSED = "ACCOUNT_CLOSED"


class Rejection(Exception):  # noqa: N818 - a refusal is an answer, not an error of the program
    """A command was refused; nothing changed and its id was not used up.

    ``facts`` hold what was given and what is allowed, as text ready to be shown.
    """

    def __init__(self, reason: Reason, message: str, **facts: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.facts = facts

    def __repr__(self) -> str:
        return f"Rejection({self.reason.value}, {self.message!r}, {self.facts!r})"
