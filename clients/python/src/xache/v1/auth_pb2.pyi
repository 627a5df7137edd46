from google.api import annotations_pb2 as _annotations_pb2
from xache.v1 import options_pb2 as _options_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Tokens(_message.Message):
    __slots__ = ("access_token", "access_expires_at_ns", "refresh_token", "refresh_expires_at_ns")
    ACCESS_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ACCESS_EXPIRES_AT_NS_FIELD_NUMBER: _ClassVar[int]
    REFRESH_TOKEN_FIELD_NUMBER: _ClassVar[int]
    REFRESH_EXPIRES_AT_NS_FIELD_NUMBER: _ClassVar[int]
    access_token: str
    access_expires_at_ns: int
    refresh_token: str
    refresh_expires_at_ns: int
    def __init__(self, access_token: _Optional[str] = ..., access_expires_at_ns: _Optional[int] = ..., refresh_token: _Optional[str] = ..., refresh_expires_at_ns: _Optional[int] = ...) -> None: ...

class RegisterRequest(_message.Message):
    __slots__ = ("email", "password")
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    PASSWORD_FIELD_NUMBER: _ClassVar[int]
    email: str
    password: str
    def __init__(self, email: _Optional[str] = ..., password: _Optional[str] = ...) -> None: ...

class RegisterResponse(_message.Message):
    __slots__ = ("account_id", "confirmation_token", "confirmation_expires_at_ns")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    CONFIRMATION_TOKEN_FIELD_NUMBER: _ClassVar[int]
    CONFIRMATION_EXPIRES_AT_NS_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    confirmation_token: str
    confirmation_expires_at_ns: int
    def __init__(self, account_id: _Optional[str] = ..., confirmation_token: _Optional[str] = ..., confirmation_expires_at_ns: _Optional[int] = ...) -> None: ...

class LoginRequest(_message.Message):
    __slots__ = ("email", "password", "device", "device_token")
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    PASSWORD_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    DEVICE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    email: str
    password: str
    device: str
    device_token: str
    def __init__(self, email: _Optional[str] = ..., password: _Optional[str] = ..., device: _Optional[str] = ..., device_token: _Optional[str] = ...) -> None: ...

class LoginResponse(_message.Message):
    __slots__ = ("account_id", "session_id", "tokens", "second_factor_token", "second_factor_expires_at_ns", "device_token")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    SECOND_FACTOR_TOKEN_FIELD_NUMBER: _ClassVar[int]
    SECOND_FACTOR_EXPIRES_AT_NS_FIELD_NUMBER: _ClassVar[int]
    DEVICE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    session_id: str
    tokens: Tokens
    second_factor_token: str
    second_factor_expires_at_ns: int
    device_token: str
    def __init__(self, account_id: _Optional[str] = ..., session_id: _Optional[str] = ..., tokens: _Optional[_Union[Tokens, _Mapping]] = ..., second_factor_token: _Optional[str] = ..., second_factor_expires_at_ns: _Optional[int] = ..., device_token: _Optional[str] = ...) -> None: ...

class RefreshRequest(_message.Message):
    __slots__ = ("refresh_token",)
    REFRESH_TOKEN_FIELD_NUMBER: _ClassVar[int]
    refresh_token: str
    def __init__(self, refresh_token: _Optional[str] = ...) -> None: ...

class RefreshResponse(_message.Message):
    __slots__ = ("tokens",)
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    tokens: Tokens
    def __init__(self, tokens: _Optional[_Union[Tokens, _Mapping]] = ...) -> None: ...

class LogoutRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class LogoutResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListSessionsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListSessionsResponse(_message.Message):
    __slots__ = ("sessions",)
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    sessions: _containers.RepeatedCompositeFieldContainer[Session]
    def __init__(self, sessions: _Optional[_Iterable[_Union[Session, _Mapping]]] = ...) -> None: ...

class Session(_message.Message):
    __slots__ = ("session_id", "device", "created_at_ns", "refreshed_at_ns", "current", "address", "place")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_NS_FIELD_NUMBER: _ClassVar[int]
    REFRESHED_AT_NS_FIELD_NUMBER: _ClassVar[int]
    CURRENT_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    PLACE_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    device: str
    created_at_ns: int
    refreshed_at_ns: int
    current: bool
    address: str
    place: str
    def __init__(self, session_id: _Optional[str] = ..., device: _Optional[str] = ..., created_at_ns: _Optional[int] = ..., refreshed_at_ns: _Optional[int] = ..., current: _Optional[bool] = ..., address: _Optional[str] = ..., place: _Optional[str] = ...) -> None: ...

class RevokeSessionsRequest(_message.Message):
    __slots__ = ("keep_current",)
    KEEP_CURRENT_FIELD_NUMBER: _ClassVar[int]
    keep_current: bool
    def __init__(self, keep_current: _Optional[bool] = ...) -> None: ...

class RevokeSessionsResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RevokeSessionRequest(_message.Message):
    __slots__ = ("session_id",)
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    def __init__(self, session_id: _Optional[str] = ...) -> None: ...

class RevokeSessionResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CompleteLoginRequest(_message.Message):
    __slots__ = ("second_factor_token", "code")
    SECOND_FACTOR_TOKEN_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    second_factor_token: str
    code: str
    def __init__(self, second_factor_token: _Optional[str] = ..., code: _Optional[str] = ...) -> None: ...

class CompleteLoginResponse(_message.Message):
    __slots__ = ("account_id", "session_id", "tokens", "device_token")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    DEVICE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    session_id: str
    tokens: Tokens
    device_token: str
    def __init__(self, account_id: _Optional[str] = ..., session_id: _Optional[str] = ..., tokens: _Optional[_Union[Tokens, _Mapping]] = ..., device_token: _Optional[str] = ...) -> None: ...

class StepUpRequest(_message.Message):
    __slots__ = ("method", "request", "code", "password")
    METHOD_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    PASSWORD_FIELD_NUMBER: _ClassVar[int]
    method: str
    request: bytes
    code: str
    password: str
    def __init__(self, method: _Optional[str] = ..., request: _Optional[bytes] = ..., code: _Optional[str] = ..., password: _Optional[str] = ...) -> None: ...

class StepUpResponse(_message.Message):
    __slots__ = ("step_up_token", "expires_at_ns")
    STEP_UP_TOKEN_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_NS_FIELD_NUMBER: _ClassVar[int]
    step_up_token: str
    expires_at_ns: int
    def __init__(self, step_up_token: _Optional[str] = ..., expires_at_ns: _Optional[int] = ...) -> None: ...

class GetSecondFactorRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetSecondFactorResponse(_message.Message):
    __slots__ = ("active", "recovery_codes_left")
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    RECOVERY_CODES_LEFT_FIELD_NUMBER: _ClassVar[int]
    active: bool
    recovery_codes_left: int
    def __init__(self, active: _Optional[bool] = ..., recovery_codes_left: _Optional[int] = ...) -> None: ...

class EnrolSecondFactorRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class EnrolSecondFactorResponse(_message.Message):
    __slots__ = ("secret", "otpauth_uri", "qr_svg", "expires_at_ns")
    SECRET_FIELD_NUMBER: _ClassVar[int]
    OTPAUTH_URI_FIELD_NUMBER: _ClassVar[int]
    QR_SVG_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_NS_FIELD_NUMBER: _ClassVar[int]
    secret: str
    otpauth_uri: str
    qr_svg: str
    expires_at_ns: int
    def __init__(self, secret: _Optional[str] = ..., otpauth_uri: _Optional[str] = ..., qr_svg: _Optional[str] = ..., expires_at_ns: _Optional[int] = ...) -> None: ...

class ConfirmSecondFactorRequest(_message.Message):
    __slots__ = ("code",)
    CODE_FIELD_NUMBER: _ClassVar[int]
    code: str
    def __init__(self, code: _Optional[str] = ...) -> None: ...

class ConfirmSecondFactorResponse(_message.Message):
    __slots__ = ("recovery_codes",)
    RECOVERY_CODES_FIELD_NUMBER: _ClassVar[int]
    recovery_codes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, recovery_codes: _Optional[_Iterable[str]] = ...) -> None: ...

class DisableSecondFactorRequest(_message.Message):
    __slots__ = ("code",)
    CODE_FIELD_NUMBER: _ClassVar[int]
    code: str
    def __init__(self, code: _Optional[str] = ...) -> None: ...

class DisableSecondFactorResponse(_message.Message):
    __slots__ = ("due_at_ns",)
    DUE_AT_NS_FIELD_NUMBER: _ClassVar[int]
    due_at_ns: int
    def __init__(self, due_at_ns: _Optional[int] = ...) -> None: ...

class RenewRecoveryCodesRequest(_message.Message):
    __slots__ = ("code",)
    CODE_FIELD_NUMBER: _ClassVar[int]
    code: str
    def __init__(self, code: _Optional[str] = ...) -> None: ...

class RenewRecoveryCodesResponse(_message.Message):
    __slots__ = ("recovery_codes",)
    RECOVERY_CODES_FIELD_NUMBER: _ClassVar[int]
    recovery_codes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, recovery_codes: _Optional[_Iterable[str]] = ...) -> None: ...

class ConfirmRegistrationRequest(_message.Message):
    __slots__ = ("confirmation_token", "code")
    CONFIRMATION_TOKEN_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    confirmation_token: str
    code: str
    def __init__(self, confirmation_token: _Optional[str] = ..., code: _Optional[str] = ...) -> None: ...

class ConfirmRegistrationResponse(_message.Message):
    __slots__ = ("account_id",)
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    def __init__(self, account_id: _Optional[str] = ...) -> None: ...

class ResendCodeRequest(_message.Message):
    __slots__ = ("token",)
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    token: str
    def __init__(self, token: _Optional[str] = ...) -> None: ...

class ResendCodeResponse(_message.Message):
    __slots__ = ("expires_at_ns",)
    EXPIRES_AT_NS_FIELD_NUMBER: _ClassVar[int]
    expires_at_ns: int
    def __init__(self, expires_at_ns: _Optional[int] = ...) -> None: ...

class StartRecoveryRequest(_message.Message):
    __slots__ = ("email",)
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    email: str
    def __init__(self, email: _Optional[str] = ...) -> None: ...

class StartRecoveryResponse(_message.Message):
    __slots__ = ("recovery_token", "expires_at_ns")
    RECOVERY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_NS_FIELD_NUMBER: _ClassVar[int]
    recovery_token: str
    expires_at_ns: int
    def __init__(self, recovery_token: _Optional[str] = ..., expires_at_ns: _Optional[int] = ...) -> None: ...

class FinishRecoveryRequest(_message.Message):
    __slots__ = ("recovery_token", "code", "password", "second_factor_code")
    RECOVERY_TOKEN_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    PASSWORD_FIELD_NUMBER: _ClassVar[int]
    SECOND_FACTOR_CODE_FIELD_NUMBER: _ClassVar[int]
    recovery_token: str
    code: str
    password: str
    second_factor_code: str
    def __init__(self, recovery_token: _Optional[str] = ..., code: _Optional[str] = ..., password: _Optional[str] = ..., second_factor_code: _Optional[str] = ...) -> None: ...

class FinishRecoveryResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ChangePasswordRequest(_message.Message):
    __slots__ = ("old_password", "new_password")
    OLD_PASSWORD_FIELD_NUMBER: _ClassVar[int]
    NEW_PASSWORD_FIELD_NUMBER: _ClassVar[int]
    old_password: str
    new_password: str
    def __init__(self, old_password: _Optional[str] = ..., new_password: _Optional[str] = ...) -> None: ...

class ChangePasswordResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
