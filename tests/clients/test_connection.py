"""Calls are repeated where that is safe and nowhere else; errors come with their facts."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import code_pb2
from xache.client import Client
from xache.connection import Patience, Tls, is_this_machine
from xache.errors import Incident, Refused, Unreachable, XacheError
from xache.live.book import LiveBook
from xache.orders import order_request
from xache.v1 import market_pb2, market_pb2_grpc, trading_pb2, types_pb2

from tests.clients.conftest import Waits
from tests.clients.house import BINANCE, EMAIL, PASSWORD, House, break_off, check, refuse

BUY = types_pb2.SIDE_BUY


def place(client: Client, own_id: str = "") -> trading_pb2.PlaceOrderResponse:
    return client.trading.place_order(
        symbol="BTC-USDT", side=BUY, quantity="0.001", price="50000", client_order_id=own_id
    )


# --- repeats ---------------------------------------------------------------------------------


def test_an_order_whose_answer_was_lost_is_placed_once(house: House, signed_in: Client) -> None:
    """Checked by breaking: with a new id for each attempt, two orders were placed here."""
    house.lose_next_answers = 1
    placed = place(signed_in)
    assert house.calls[1:] == ["PlaceOrder", "PlaceOrder"]
    assert list(house.orders) == [placed.order.client_order_id]


def test_orders_without_a_given_id_are_different_orders(house: House, signed_in: Client) -> None:
    place(signed_in)
    place(signed_in)
    assert len(house.orders) == 2


def test_a_cancel_is_repeated_under_one_request_id(house: House, signed_in: Client) -> None:
    house.lose_next_answers = 2
    signed_in.trading.cancel_order(client_order_id="mine")
    cancels = [r for r in house.requests if isinstance(r, trading_pb2.CancelOrderRequest)]
    assert len(cancels) == 3
    assert len({cancel.request_id for cancel in cancels}) == 1
    assert cancels[0].request_id


def test_what_carries_no_id_is_not_repeated(house: House, client: Client, waits: Waits) -> None:
    house.fail_next = [break_off]
    with pytest.raises(Unreachable):
        client.auth.register(EMAIL, PASSWORD)
    assert house.calls == ["Register"]
    assert waits.seconds == []


def test_repeats_come_later_and_later_and_end(
    house: House, signed_in: Client, waits: Waits
) -> None:
    house.fail_next = [break_off] * 50
    with pytest.raises(Unreachable) as caught:
        place(signed_in, "mine")
    assert house.calls[1:] == ["PlaceOrder"] * Patience().attempts_max
    assert caught.value.code == "UNAVAILABLE"
    assert len(waits.seconds) == Patience().attempts_max - 1
    for index, wait_s in enumerate(waits.seconds):
        assert 0.05 * 2**index <= wait_s <= 0.1 * 2**index
    assert len(waits.errors) == len(waits.seconds)


def test_a_refusal_is_not_repeated(house: House, signed_in: Client) -> None:
    house.fail_next = [
        lambda context: refuse(
            context,
            code_pb2.FAILED_PRECONDITION,
            "INSUFFICIENT_FUNDS",
            "not enough USDT",
            {"given": "50.05", "allowed": "up to 3"},
        )
    ]
    with pytest.raises(Refused) as caught:
        place(signed_in)
    assert house.calls[1:] == ["PlaceOrder"]
    error = caught.value
    assert (error.code, error.reason) == ("FAILED_PRECONDITION", "INSUFFICIENT_FUNDS")
    assert error.facts == {"given": "50.05", "allowed": "up to 3"}
    assert error.message == "not enough USDT"


def test_an_overloaded_house_is_given_the_time_it_asks_for(
    house: House, signed_in: Client, waits: Waits
) -> None:
    house.fail_next = [
        lambda context: refuse(
            context, code_pb2.RESOURCE_EXHAUSTED, "OVERLOADED", "full", retry_after_s=1.5
        )
    ]
    place(signed_in)
    assert waits.seconds == [1.5]
    assert waits.errors[0].retry_after_s == 1.5


def test_a_limit_without_a_time_is_a_refusal(house: House, signed_in: Client) -> None:
    house.fail_next = [
        lambda context: refuse(context, code_pb2.RESOURCE_EXHAUSTED, "TOO_MANY_STREAMS", "no")
    ]
    with pytest.raises(Refused):
        place(signed_in)


def test_an_answer_that_takes_too_long_is_asked_for_again(house: House) -> None:
    """The first call hangs until its deadline; the second finds the order that it placed."""

    def hang(context: Any) -> None:
        while context.is_active():
            pass

    patience = Patience(attempt_timeout_s=0.2)
    with Client(house.target, patience=patience, sleep=lambda _: None) as client:
        client.auth.login(EMAIL, PASSWORD)
        house.fail_next = [hang]
        place(client, "mine")
    assert house.calls[1:] == ["PlaceOrder", "PlaceOrder"]
    assert list(house.orders) == ["mine"]


def test_nobody_there(waits: Waits) -> None:
    with (
        Client("127.0.0.1:1", sleep=waits.seconds.append) as client,
        pytest.raises(Unreachable) as caught,
    ):
        client.market.tickers()
    assert caught.value.message == "Connection refused"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (grpc.StatusCode.INTERNAL, Incident),
        (grpc.StatusCode.UNKNOWN, Incident),
        (grpc.StatusCode.PERMISSION_DENIED, Refused),
        (grpc.StatusCode.UNIMPLEMENTED, Refused),
    ],
)
def test_statuses_without_details_have_a_kind(
    house: House, client: Client, code: grpc.StatusCode, kind: type[XacheError]
) -> None:
    house.fail_next = [lambda context: context.abort(code, "incident abc")]
    with pytest.raises(kind) as caught:
        client.market.tickers()
    assert (caught.value.code, caught.value.reason) == (code.name, "")
    assert caught.value.message == "incident abc"


# --- amounts ---------------------------------------------------------------------------------


def test_amounts_travel_exactly(house: House, signed_in: Client) -> None:
    signed_in.trading.place_order(
        symbol="BTC-USDT", side=BUY, quantity=Decimal("1E-5"), price=Decimal("50000.10")
    )
    signed_in.trading.place_order(symbol="BTC-USDT", side=BUY, quote_quantity=50)
    limit, market = house.requests[1:]
    assert isinstance(limit, trading_pb2.PlaceOrderRequest)
    assert isinstance(market, trading_pb2.PlaceOrderRequest)
    assert (limit.quantity, limit.price) == ("0.00001", "50000.10")
    assert limit.type == types_pb2.ORDER_TYPE_LIMIT
    assert (market.quote_quantity, market.quantity, market.price) == ("50", "", "")
    assert market.type == types_pb2.ORDER_TYPE_MARKET


def test_a_float_is_refused_before_anything_is_sent(house: House, signed_in: Client) -> None:
    with pytest.raises(TypeError, match=r"floats are not exact; write \"0.1\""):
        signed_in.trading.place_order(
            symbol="BTC-USDT",
            side=BUY,
            quantity=0.1,  # type: ignore[arg-type] # what the test is about
        )
    assert house.calls == ["Login"]


# --- streams ---------------------------------------------------------------------------------


def trade(sequence: int) -> market_pb2.WatchTradesResponse:
    one = market_pb2.Trade(symbol="BTC-USDT", sequence=sequence, price="1", quantity="1")
    return market_pb2.WatchTradesResponse(trades=[one])


def test_trades_go_on_after_the_last_over_a_broken_connection(
    house: House, client: Client, waits: Waits
) -> None:
    house.streams["WatchTrades"] = [[trade(6), trade(7), break_off], [break_off], [trade(8)]]
    stream = client.market.watch_trades("BTC-USDT", after_sequence=5)
    got = [response.trades[0].sequence for response in itertools.islice(stream, 3)]
    stream.close()
    assert got == [6, 7, 8]
    asked = [r for r in house.requests if isinstance(r, market_pb2.WatchTradesRequest)]
    assert [request.after_sequence for request in asked] == [5, 7, 7]
    # A message in between begins the count of failures anew.
    assert len(waits.seconds) == 2


def test_a_stream_ends_with_a_refusal(house: House, client: Client) -> None:
    house.streams["WatchTrades"] = [
        [
            trade(1),
            lambda context: refuse(context, code_pb2.NOT_FOUND, "UNKNOWN_INSTRUMENT", "gone"),
        ]
    ]
    with pytest.raises(Refused):
        list(client.market.watch_trades("BTC-USDT"))


def test_a_stream_that_falls_silent_is_opened_again(house: House) -> None:
    """Without the watchdog the second message never came."""
    house.streams["WatchTrades"] = [[trade(1)], [trade(2)]]
    said: list[XacheError] = []
    with Client(
        house.target,
        patience=Patience(silence_s_max=0.3),
        on_wait=lambda error, _: said.append(error),
        sleep=lambda _: None,
    ) as client:
        stream = client.market.watch_trades("BTC-USDT")
        assert [next(stream).trades[0].sequence for _ in range(2)] == [1, 2]
        stream.close()
    assert [error.reason for error in said] == ["SILENT"]


def test_a_purse_stream_renews_its_token(house: House, signed_in: Client) -> None:
    house.streams["WatchPurse"] = [[trading_pb2.WatchPurseResponse(seq=1)]]
    house.expire_access_tokens()
    stream = signed_in.trading.watch_purse()
    assert next(stream).seq == 1
    stream.close()
    assert house.calls[1:] == ["WatchPurse", "Refresh", "WatchPurse"]


def step(
    first: int, last: int, bids: dict[str, str], book: str, *, snapshot: bool = False
) -> market_pb2.WatchBookResponse:
    """A step that leads to a book, written as its checksum reads it."""
    message = market_pb2.WatchBookResponse(
        symbol="BTC-USDT", source=BINANCE, first_sequence=first, sequence=last
    )
    levels = [market_pb2.BookLevel(price=p, quantity=q) for p, q in bids.items()]
    if snapshot:
        message.snapshot.bids.extend(levels)
    else:
        message.change.bids.extend(levels)
    return check(message, book)


def test_a_book_is_kept_in_step(house: House, client: Client) -> None:
    heartbeat = market_pb2.WatchBookResponse(heartbeat=market_pb2.MarketHeartbeat(), sequence=9)
    house.streams["WatchBook"] = [
        [
            step(10, 10, {"9": "1", "8": "2"}, "9:1,8:2", snapshot=True),
            heartbeat,
            step(11, 13, {"9": "0", "8.5": "3"}, "8.5:3,8:2"),
        ]
    ]
    books = client.market.follow_book("BTC-USDT")
    assert next(books).bids(9) == [(Decimal(9), Decimal(1)), (Decimal(8), Decimal(2))]
    book = next(books)
    assert book.bids(9) == [(Decimal("8.5"), Decimal(3)), (Decimal(8), Decimal(2))]
    assert book.bids(1) == [(Decimal("8.5"), Decimal(3))]
    assert (book.sequence, book.source.venue) == (13, "BINANCE")
    books.close()


def test_a_gap_in_a_book_is_mended_by_a_new_stream(house: House, client: Client) -> None:
    """Without the check of numbers the book went on with a level that was long gone."""
    house.streams["WatchBook"] = [
        [step(10, 10, {"9": "1"}, "9:1", snapshot=True), step(12, 12, {"8": "1"}, "9:1,8:1")],
        [step(20, 20, {"7": "1"}, "7:1", snapshot=True)],
    ]
    books = client.market.follow_book("BTC-USDT")
    assert next(books).bids(9) == [(Decimal(9), Decimal(1))]
    book: LiveBook = next(books)
    assert book.bids(9) == [(Decimal(7), Decimal(1))]
    books.close()


def test_a_book_that_does_not_fit_its_checksum_is_begun_anew(house: House, client: Client) -> None:
    """Without the comparison the book goes on with a quantity that the house never had: tried."""
    house.streams["WatchBook"] = [
        [
            step(10, 10, {"9": "1"}, "9:1", snapshot=True),
            step(11, 11, {"9": "2"}, "9:3"),
        ],
        [step(20, 20, {"7": "1"}, "7:1", snapshot=True)],
    ]
    books = client.market.follow_book("BTC-USDT")
    assert next(books).bids(9) == [(Decimal(9), Decimal(1))]
    assert next(books).bids(9) == [(Decimal(7), Decimal(1))]
    books.close()
    assert [request.after_sequence for request in book_requests(house)] == [0, 0]


def test_a_whole_book_that_does_not_fit_is_a_bug_of_the_house(house: House, client: Client) -> None:
    house.streams["WatchBook"] = [[step(10, 10, {"9": "1"}, "9:2", snapshot=True)]]
    with pytest.raises(Incident, match="CHECKSUM"):
        next(client.market.follow_book("BTC-USDT"))


def test_a_book_resumes_where_the_connection_broke(house: House, client: Client) -> None:
    house.streams["WatchBook"] = [
        [
            step(10, 10, {"9": "1"}, "9:1", snapshot=True),
            step(11, 13, {"8": "1"}, "9:1,8:1"),
            break_off,
        ],
        [step(14, 15, {"9": "0"}, "8:1")],
    ]
    books = client.market.follow_book("BTC-USDT")
    assert [next(books).sequence for _ in range(3)] == [10, 13, 15]
    books.close()
    assert [request.after_sequence for request in book_requests(house)] == [0, 13]


def test_a_purse_stream_resumes_with_exactly_what_was_missed(
    house: House, signed_in: Client
) -> None:
    """A row that arrived in part is told again by the house, and not twice to its reader."""
    snapshot = trading_pb2.WatchPurseResponse(seq=3, snapshot=trading_pb2.PurseSnapshot())
    fill, other, order = (
        trading_pb2.WatchPurseResponse(seq=7, more=True, fill=types_pb2.Fill(trade_id="7.1")),
        trading_pb2.WatchPurseResponse(seq=7, more=True, fill=types_pb2.Fill(trade_id="7.2")),
        trading_pb2.WatchPurseResponse(seq=7, order=types_pb2.Order(order_id="1")),
    )
    beat = trading_pb2.WatchPurseResponse(seq=9, heartbeat=trading_pb2.Heartbeat())
    stops = trading_pb2.WatchPurseResponse(shutdown=types_pb2.ServerShutdown(reason="update"))
    later = trading_pb2.WatchPurseResponse(seq=12, order=types_pb2.Order(order_id="2"))
    house.streams["WatchPurse"] = [
        [snapshot, fill, other, break_off],
        [fill, break_off],
        [fill, other, order, beat, stops, break_off],
        [later],
    ]
    stream = signed_in.trading.watch_purse()
    heard = [next(stream) for _ in range(7)]
    stream.close()
    assert heard == [snapshot, fill, other, order, beat, stops, later]
    asked = [r for r in house.requests if isinstance(r, trading_pb2.WatchPurseRequest)]
    assert [request.after_seq for request in asked] == [0, 3, 3, 9]


def test_a_purse_that_was_left_for_too_long_begins_anew(house: House, signed_in: Client) -> None:
    fill = trading_pb2.WatchPurseResponse(seq=7, more=True, fill=types_pb2.Fill(trade_id="7.1"))
    snapshot = trading_pb2.WatchPurseResponse(seq=99, snapshot=trading_pb2.PurseSnapshot())
    house.streams["WatchPurse"] = [[fill, break_off], [snapshot, fill]]
    stream = signed_in.trading.watch_purse(after_seq=5)
    heard = [next(stream) for _ in range(3)]
    stream.close()
    assert heard == [fill, snapshot, fill]


def test_candles_resume_with_the_last_one(house: House, client: Client) -> None:
    candle = market_pb2.Candle(open_at_ns=60, close="1")
    house.streams["WatchCandles"] = [
        [market_pb2.WatchCandlesResponse(candles=[candle]), break_off],
        [market_pb2.WatchCandlesResponse(candles=[candle])],
    ]
    stream = client.market.watch_candles("BTC-USDT", market_pb2.INTERVAL_1M)
    next(stream)
    next(stream)
    stream.close()
    asked = [r for r in house.requests if isinstance(r, market_pb2.WatchCandlesRequest)]
    assert [request.from_ns for request in asked] == [0, 60]


def test_the_checksum_is_the_one_in_the_proto() -> None:
    """The example of WatchBookResponse."""
    book = LiveBook("BTC-USDT")
    levels = [("50000.4", "0.12"), ("50000.2", "0.5")]
    message = market_pb2.WatchBookResponse(first_sequence=7, sequence=7, checksum=2881648606)
    message.snapshot.asks.extend(
        market_pb2.BookLevel(price=price, quantity=quantity) for price, quantity in levels
    )
    message.snapshot.bids.add(price="50000.0", quantity="1")
    assert book.apply(message)
    assert book.checksum() == 2881648606


def test_a_book_becomes_stale_and_fresh_again_without_a_change() -> None:
    book = LiveBook("BTC-USDT")
    message = market_pb2.WatchBookResponse(first_sequence=7, sequence=7, stale=True)
    message.snapshot.SetInParent()
    assert book.apply(message)
    assert book.stale
    beat = market_pb2.WatchBookResponse(heartbeat=market_pb2.MarketHeartbeat())
    assert book.apply(beat)
    assert not book.stale
    assert not book.apply(beat), "a sign of life and nothing else"
    beat.stale = True
    assert book.apply(beat)
    notice = types_pb2.ServerShutdown(reason="update")
    assert not book.apply(market_pb2.WatchBookResponse(shutdown=notice))
    assert book.stale, "the notice of a stop says nothing of it"


def book_requests(house: House) -> list[market_pb2.WatchBookRequest]:
    return [r for r in house.requests if isinstance(r, market_pb2.WatchBookRequest)]


def test_orders_over_one_stream_keep_their_tags(house: House, signed_in: Client) -> None:
    entries = [
        trading_pb2.EnterOrdersRequest(
            tag=tag, place=order_request(symbol="BTC-USDT", side=BUY, quantity="1", price="2")
        )
        for tag in (4, 5)
    ]
    answers = list(signed_in.trading.enter_orders(entries))
    assert [answer.tag for answer in answers] == [4, 5]
    assert answers[0].result.placed.order.status == types_pb2.ORDER_STATUS_OPEN


def test_pages_are_read_one_after_the_other_and_only_as_far_as_needed(
    house: House, signed_in: Client
) -> None:
    assert [order.order_id for order in signed_in.trading.orders()] == list("654321")
    assert house.calls.count("ListOrders") == 3
    next(signed_in.trading.orders())
    assert house.calls.count("ListOrders") == 4


# --- TLS -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "local"),
    [
        ("127.0.0.1:7400", True),
        ("127.8.9.1:1", True),
        ("localhost:7400", True),
        ("[::1]:7400", True),
        ("unix:/run/xache.sock", True),
        ("10.0.0.1:7400", False),
        ("[2001:db8::1]:7400", False),
        ("xache.example.org:7400", False),
        ("127.0.0.1.example.org:7400", False),
        ("localhost.example.org:1", False),
    ],
)
def test_only_targets_on_this_machine_are_spoken_to_in_clear(target: str, local: bool) -> None:
    assert is_this_machine(target) is local


def test_tls_is_never_given_up_for_plain_text(house: House) -> None:
    patience = Patience(attempts_max=1, attempt_timeout_s=5)
    with (
        Client(house.target, tls=Tls(), patience=patience) as client,
        pytest.raises(Unreachable),
    ):
        client.auth.login(EMAIL, PASSWORD)
    assert house.calls == []


@pytest.fixture
def serve_tls(tmp_path: Path) -> Callable[[grpc.Server], tuple[int, bytes]]:
    """Make a server listen with a self-signed certificate: its port and the certificate."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
        f"-subj /CN=house -addext subjectAltName=DNS:house -keyout {key} -out {certificate}"
    )
    subprocess.run(command.split(), check=True, capture_output=True)

    def listen(server: grpc.Server) -> tuple[int, bytes]:
        credentials = grpc.ssl_server_credentials([(key.read_bytes(), certificate.read_bytes())])
        return server.add_secure_port("127.0.0.1:0", credentials), certificate.read_bytes()

    return listen


def test_a_house_proves_who_it_is(
    serve_tls: Callable[[grpc.Server], tuple[int, bytes]],
) -> None:
    house = House()
    server = grpc.server(ThreadPoolExecutor(2))
    market_pb2_grpc.add_MarketServiceServicer_to_server(house, server)
    port, certificate = serve_tls(server)
    server.start()
    patience = Patience(attempts_max=1, attempt_timeout_s=5)
    try:
        trusted = Tls(ca_pem=certificate, server_name="house")
        with Client(f"127.0.0.1:{port}", tls=trusted, patience=patience) as client:
            assert client.market.tickers() == []
        # The certificate is for another name.
        for tls in (Tls(ca_pem=certificate), Tls()):
            with (
                Client(f"127.0.0.1:{port}", tls=tls, patience=patience) as client,
                pytest.raises(Unreachable),
            ):
                client.market.tickers()
    finally:
        server.stop(grace=0).wait()
