"""A house whose answers hold hostile text wherever a person or a plugin can have written it.

It stands between a browser and a real daemon, and says that who looks is of the staff. The answers
are the daemon's own, so that the page works; what is text in them is replaced, lists are made as
long as there are payloads, and what is empty is filled. Behind each payload stands the name of its
field, so that what was shown can be told from what was only sent.
"""

from __future__ import annotations

import base64
import json
import re
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import grpc
from google.protobuf import any_pb2, message_factory
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2
from xache.v1 import (
    account_pb2,
    auth_pb2,
    auth_pb2_grpc,
    live_pb2,
    live_pb2_grpc,
    market_pb2,
    options_pb2,
)

from tests.security.quiet_house import descriptor_of

if TYPE_CHECKING:
    from playwright.sync_api import Page, Request, Route

CALL_S_MAX = 30.0
DEPTH_MAX = 4
TURN_MS = 100
CALLS = re.compile(r"/xache\.v1\.\w+/\w+$")
HEADERS = {"content-type": "application/grpc-web+proto"}
STREAMS = {"WatchDesk", "WatchMarket"}
LET_IN = {"Refresh", "Login", "CompleteLogin", "StepUp", "Logout"}
"""What lets a page in is answered by the daemon alone."""
ALWAYS = {"ListSubaccounts", "WhatCanThisKeyDo"}
"""What a page needs before it can show a refusal."""

KEYS = {"symbol": "BTC-USDT", "venue": "XACHE", "base": "BTC", "quote": "USDT", "asset": "USDT"}
"""Text that the operator of the house chose, and by which a page finds one thing in another."""
NUMBER = re.compile(
    r"(price|quantity|amount|notional|volume|fees?|total|held|available|value|budget|limit|cost"
    r"|profit|turnover|ratio|sharpe|realised|unrealised|offset|worth|open|high|low|close|change"
    r"|return|equity|drawdown|threshold|score|balance|contribution|per_day)(_[a-z0-9]+)?$"
)
"""Text that is a number by its name: where it is empty, a number is put in."""
FORM = {"type", "$schema", "$ref", "format", "pattern", "kind", "unit", "required"}
"""What a page has to understand of a schema."""
NOW_NS = 1_790_000_000_000_000_000


def payloads() -> list[str]:
    """The corpus: one JSON string a line."""
    corpus = Path(__file__).with_name("xss.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in corpus.splitlines()]


def marks(shown: str) -> set[str]:
    """The fields that a text came from."""
    return set(re.findall(r"⟦([A-Za-z]+\.[a-z_0-9]+)⟧", shown))


class Poison:
    """Puts payloads into messages, one after the other."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts
        self._turn = 0

    def spoil(self, message: Message, depth: int = 0) -> None:
        """Replace the text of a message, and fill what is empty; at the top, lists grow."""
        for field in message.DESCRIPTOR.fields:
            if field.is_repeated:
                self._spoil_list(message, field, depth)
            elif not _is_chosen(message, field, self._turn):
                continue
            elif field.message_type is None:
                self._spoil_plain(message, field, depth)
            elif message.HasField(field.name) or 0 < depth < DEPTH_MAX:
                self.spoil(getattr(message, field.name), depth + 1)
                getattr(message, field.name).SetInParent()

    def text(self, field: Any) -> str:
        """The next payload, with the name of its field."""
        self._turn += 1
        payload = self._texts[self._turn % len(self._texts)]
        return f"{payload}⟦{field.containing_type.name}.{field.name}⟧"

    def _spoil_list(self, message: Message, field: Any, depth: int) -> None:
        entries: Any = getattr(message, field.name)
        if field.message_type is None:
            if field.type == FieldDescriptor.TYPE_STRING and field.name != "symbols":
                entries[:] = [self.text(field) for _ in range(max(3, len(entries)))]
        elif field.message_type.GetOptions().map_entry:
            if field.message_type.fields_by_name["value"].type == FieldDescriptor.TYPE_STRING:
                entries[self.text(field)] = self.text(field)
        elif depth < DEPTH_MAX:
            known = [_copy(each) for each in entries]
            for number in range(len(known), 2 if depth else len(self._texts)):
                entry = entries.add()
                if known:
                    entry.CopyFrom(known[number % len(known)])
            for entry in entries:
                self.spoil(entry, depth + 1)

    def _spoil_plain(self, message: Message, field: Any, depth: int) -> None:
        known = getattr(message, field.name)
        if field.type == FieldDescriptor.TYPE_STRING:
            setattr(message, field.name, self._text_for(field, known))
        elif known or not depth:
            return
        elif field.type == FieldDescriptor.TYPE_ENUM:
            values = field.enum_type.values
            setattr(message, field.name, values[1 + self._turn % (len(values) - 1)].number)
        elif field.type in (FieldDescriptor.TYPE_INT64, FieldDescriptor.TYPE_UINT64):
            setattr(message, field.name, NOW_NS if field.name.endswith("_ns") else 1)

    def _text_for(self, field: Any, known: str) -> str:
        if field.name.endswith("page_token"):
            return ""
        key = next((key for key in KEYS if re.fullmatch(rf"(.*_)?{key}", field.name)), None)
        if key is not None:
            return known or KEYS[key]
        if field.name.endswith("_json"):
            return json.dumps(self._spoil_document(json.loads(known or '{"x": "y"}'), field))
        if _is_number(known) or (not known and NUMBER.search(field.name)):
            return known or "1"
        return self.text(field)

    def _spoil_document(self, value: Any, field: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: self._spoil_document(each, field, name) for name, each in value.items()}
        if isinstance(value, list):
            return [self._spoil_document(each, field, key) for each in value]
        if isinstance(value, str) and key not in FORM and not _is_number(value):
            return self.text(field)
        return value


class HostileHouse:
    """What a page is answered."""

    def __init__(self, page: Page, texts: Sequence[str]) -> None:
        self.desk = b""
        """What the stream of a page tells; empty: what the daemon tells."""
        self.refusing = False
        """Whether everything is refused, but for what lets a page in."""
        self.answers: dict[str, Message] = {}
        """By method: what is spoiled in the place of what the daemon tells."""
        self._page = page
        self._telling = False
        self._texts = texts
        self._poison = Poison(texts)
        self._open = set["Request"]()
        page.route(CALLS, self._answer)
        page.on("request", self._begin)
        page.on("requestfinished", self._end)
        page.on("requestfailed", self._end)

    def watch(self, target: str, email: str, password: str, symbol: str) -> None:
        """Hear how a desk stands, and tell it with payloads in it from now on."""
        with grpc.insecure_channel(target) as channel:
            login = auth_pb2.LoginRequest(email=email, password=password, device="hostile")
            granted = auth_pb2_grpc.AuthServiceStub(channel).Login(login, timeout=CALL_S_MAX)
            request = live_pb2.WatchDeskRequest(symbol=symbol, interval=market_pb2.INTERVAL_1M)
            stream = live_pb2_grpc.LiveServiceStub(channel).WatchDesk(
                request,
                metadata=[("authorization", f"Bearer {granted.tokens.access_token}")],
                timeout=CALL_S_MAX,
            )
            heard: dict[str, bytes] = {}
            missing = {"book", "tickers", "candles", "purse"}
            for message in stream:
                kind = message.WhichOneof("event")
                if kind in missing:
                    missing.discard(kind)
                    if kind == "purse":
                        for each in self._purse(message):
                            heard[str(len(heard))] = each.SerializeToString()
                    else:
                        heard[str(len(heard))] = message.SerializeToString()
                if not missing:
                    break
            stream.cancel()
        # Without an end: the page takes it for a broken line, shows what it has, and comes again.
        self.desk = b"".join(_frame(0, each) for each in heard.values())

    def wait_quiet(self) -> None:
        """Wait until the page has been told all it asked for, and shown it."""
        quiet = 0
        while quiet < 3:
            self._page.wait_for_timeout(TURN_MS)
            quiet = 0 if self._open else quiet + 1

    def _begin(self, request: Request) -> None:
        if urlsplit(request.url).path.rpartition("/")[2] not in STREAMS:
            self._open.add(request)

    def _end(self, request: Request) -> None:
        self._open.discard(request)

    def _purse(self, standing: live_pb2.WatchDeskResponse) -> list[live_pb2.WatchDeskResponse]:
        """The purse as it stands, and something that traded, with payloads."""
        self._poison.spoil(standing.purse.snapshot)
        told = [standing]
        for _ in self._texts[:100]:
            fill = _copy(standing)
            fill.purse.ClearField("snapshot")
            fill.purse.fill.SetInParent()
            self._poison.spoil(fill.purse.fill, 1)
            told.append(fill)
        return told

    def _answer(self, route: Route) -> None:
        path = urlsplit(route.request.url).path
        name = path.rpartition("/")[2]
        market = "/xache.v1.MarketService/" in path  # figures, and words of the operator
        if market or name in LET_IN or (name in STREAMS and not self.desk):
            route.continue_()
        elif name in STREAMS:
            if self._telling:
                return  # It has been told once; who comes again hears nothing more.
            self._telling = True
            route.fulfill(status=200, headers=HEADERS, body=self.desk)
        elif name == "GetAccount":
            (told,) = _messages(route.fetch().body())
            who = account_pb2.GetAccountResponse.FromString(told)
            who.roles[:] = [options_pb2.ROLE_SUPPORT, options_pb2.ROLE_COMPLIANCE]
            self._tell(route, who)
        elif self.refusing and name not in ALWAYS:
            route.fulfill(status=200, headers=HEADERS, body=self._refusal())
        elif name in self.answers:
            answer = _copy(self.answers[name])
            self._poison.spoil(answer)
            self._tell(route, answer)
        else:
            answer = message_factory.GetMessageClass(descriptor_of(path).output_type)()
            for told in _messages(route.fetch().body()):
                answer.ParseFromString(told)
            self._poison.spoil(answer)
            self._tell(route, answer)

    def _tell(self, route: Route, answer: Message) -> None:
        body = _frame(0, answer.SerializeToString()) + _frame(0x80, b"grpc-status: 0\r\n")
        route.fulfill(status=200, headers=HEADERS, body=body)

    def _refusal(self) -> bytes:
        text = f"{' '.join(self._texts)}⟦Refusal.message⟧"
        return refusal(text, text, allowed=text)


def told(message: Message) -> bytes:
    """An answer as gRPC-Web has it."""
    return _frame(0, message.SerializeToString()) + _frame(0x80, b"grpc-status: 0\r\n")


def refusal(reason: str, text: str, **facts: str) -> bytes:
    """A refusal as gRPC-Web has it."""
    details = any_pb2.Any()
    details.Pack(error_details_pb2.ErrorInfo(reason=reason, metadata=facts))
    status = status_pb2.Status(code=code_pb2.FAILED_PRECONDITION, message=text, details=[details])
    packed = base64.b64encode(status.SerializeToString()).decode()
    trailers = {
        "grpc-status": str(code_pb2.FAILED_PRECONDITION),
        "grpc-message": quote(text),
        "grpc-status-details-bin": packed,
    }
    return _frame(0x80, "".join(f"{name}: {each}\r\n" for name, each in trailers.items()).encode())


def _is_chosen(message: Message, field: Any, turn: int) -> bool:
    """Whether a field is told: of several that exclude each other, one is."""
    group = field.containing_oneof
    if group is None or len(group.fields) == 1:
        return True
    chosen = message.WhichOneof(group.name)
    return bool(field.name == (chosen or group.fields[turn % len(group.fields)].name))


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[-+]?\d+(\.\d+)?", text) is not None


def _copy(message: Any) -> Any:
    return type(message).FromString(message.SerializeToString())


def _frame(kind: int, message: bytes) -> bytes:
    return struct.pack(">BI", kind, len(message)) + message


def _messages(body: bytes) -> list[bytes]:
    found = []
    while body:
        kind, length = struct.unpack(">BI", body[:5])
        if kind == 0:
            found.append(body[5 : 5 + length])
        body = body[5 + length :]
    return found
