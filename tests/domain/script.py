"""Scripts: what an exchange is told and must answer, in the field's words.

A file holds scenarios; each begins with ``scenario NAME``, a fresh exchange and the lines before
the file's first scenario (a file may also be one scenario without a name). A line is a command,
with what it must answer after ``->``, or a statement that must hold now. Purses and assets appear
when they are first named; a purse whose name begins with ``?`` does not.

    instrument BASE-QUOTE lot L tick T [taker Nppm] [maker Nppm] [price MIN..MAX]
               [quantity MIN..MAX] [market-max Q] [notional MIN..MAX] [band Nppm] [buy-up Nppm]
               [buy-down Nppm] [sell-up Nppm] [sell-down Nppm] [orders N] [scales BASE/QUOTE]
               [market-min Q] [algo-orders N] [iceberg-orders N] [max-position Q]
               [trail MINbps..MAXbps] [mark-stale TIME] [reference NxTIME] [auction TIME]
               [volatility-halt TIME] [opening-auction yes] [mark PRICE|none]
    deposit PURSE AMOUNT ASSET      limits PURSE|default orders N [notional AMOUNT ASSET]
    mark SYMBOL PRICE               state SYMBOL STATE
    change SYMBOL ...               as instrument; what is not named stays
    delist SYMBOL                   delist-asset ASSET
    fee-tiers ASSET VOLUME=MAKER/TAKERppm ...       simulated PURSE
    subaccount PURSE                transfer PURSE PURSE AMOUNT ASSET
    freeze PURSE, unfreeze PURSE    halt, resume
    risk-state SCOPE SETTER STATE   bounds SCOPE [orders N] [size A] [position A] [minute A]
                                           [loss A] [drawdown A] [in ASSET]
                                    SCOPE is house, market:SYMBOL, account:PURSE or purse:PURSE
    order PURSE ID SIDE QUANTITY @ PRICE TIF [TIME] [post-only] [slide] [display QUANTITY]
            [reduce-only] [stp MODE]
    order PURSE ID SIDE QUANTITY MARKET [TIF [TIME]] [stp MODE]     TIF is IOC when not named
    order PURSE ID SIDE quote AMOUNT MARKET [stp MODE]
    amend PURSE ID QUANTITY [expect EXECUTED]
    replace PURSE ID NEW_ID [QUANTITY] [@ PRICE] [stop PRICE] [display QUANTITY] [expires TIME]
            [expect EXECUTED]
    order PURSE ID SIDE QUANTITY STOP|TAKE_PROFIT PRICE [TIF [TIME]] [on SOURCE]
    order PURSE ID SIDE QUANTITY STOP_LIMIT|TAKE_PROFIT_LIMIT PRICE @ LIMIT TIF [TIME] [on SOURCE]
    order PURSE ID SIDE QUANTITY TRAILING_STOP Nbps|by:PRICE [from PRICE] [TIF [TIME]] [on SOURCE]
    cancel PURSE ID                 cancel-all PURSE [SYMBOL] [ENTRIES]
    group ACCOUNT GROUP|none        a trade group, which is one owner to self-trade prevention
    levels DEPOSIT/TRADE ASSET | ...                what each level may move on a day, from 0 on
    level ACCOUNT N                 disclose NAME TEXT               retire NAME
    accept ACCOUNT NAME VERSION     close ACCOUNT [forfeit]
    flatten PURSE [SYMBOL]          -> ID ... SYMBOL:LEFT:REASON ...  cancelled, and what stays
    dead-man PURSE TIME|off [ALL]   clock TIME                       restart

    -> STATUS [REASON] [EXECUTED]   after order, replace (of the new order) and cancel; FILLED
                                    means the whole quantity
    -> ID ...                       after cancel-all, delist and clock: what ended, in order
    -> refused REASON [FACT=TEXT; ...]

    balance PURSE ASSET [available A] [held H]        hold PURSE ID AMOUNT
    position PURSE SYMBOL quantity Q cost C realised R
    book SYMBOL bids [Q@P ...] asks [Q@P ...]         queue SYMBOL SIDE ID ...
    leaves PURSE ID QUANTITY        what an open order may still trade
    open PURSE ID ...               fees ASSET AMOUNT               sum ASSET AMOUNT
    last SYMBOL PRICE|none          filter SYMBOL RULE MIN..MAX [step STEP]
    prices SYMBOL mark PRICE|none|stale reference PRICE|none
    market SYMBOL STATE [until TIME]                  indicative SYMBOL Q@P IMBALANCE|none
    volume PURSE ASSET AMOUNT       what its account has traded in 30 days
    trades Q@P:MAKER[:TAKER_FEE/MAKER_FEE] ...        the trades of the last command
    transferred Q@P:MAKER ...                         what moved between purses of one owner
    prevented Q@P:MAKER ...                           its prevented matches
    ended ID STATUS [REASON] [EXECUTED]               another order it ended
    triggered ID ...                                  what it triggered, in order
    status PURSE ID STATUS          stop PURSE ID PRICE|none         where an order's stop is
    restart                         everything goes on from a snapshot
    walk PRICE ...                  trades of one lot between others, at these prices
    endow AMOUNT ASSET ...          each purse named from now on begins with this
    list PURSE KIND [PARTIAL] : ID TERMS | ID TERMS [| ID TERMS]     orders as above, as one
    unprotected QUANTITY            what a list that gave up has bought

TIME is seconds since the start, as ``30s``. An order's instrument is the last one declared,
unless its id is written ``SYMBOL:ID``. After every line the books balance, the exchange's
invariants hold and no book is crossed; a refused command changes nothing; deciding twice gives
the same events; at the end the events replay to the same state.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs

from tests.domain.conditions import take_condition
from tests.domain.followers import Start, check_followers
from tests.domain.script_compliance import compliance_command
from tests.domain.script_markets import (
    MARKET_STATEMENTS,
    UNBOUNDED,
    changed_instrument,
    fee_tiers,
    house_command,
    market_options,
    time_ns,
    transfer_command,
)
from tests.domain.script_orders import (
    amend_command,
    group_command,
    left_after,
    purse_command,
    replace_command,
)
from tests.domain.script_words import (
    at_price,
    check_refusal,
    expected_outcome,
    lots_of,
    outcome_of,
    price_ticks_of,
)
from tests.domain.waiting_statements import WAITING_STATEMENTS, place_list_of
from xached.domain.exchange import Exchange
from xached.domain.instrument import Asset, AssetName, Instrument, Symbol
from xached.domain.market_messages import ChangeInstrument, SetFeeTiers
from xached.domain.messages import (
    AdvanceClock,
    CancelOrder,
    Command,
    Deposit,
    Event,
    FreezePurse,
    ListAsset,
    ListInstrument,
    MatchPrevented,
    OpenPurse,
    OrderAccepted,
    OrderEnded,
    OrderRested,
    PlaceOrder,
    SetHalt,
    SetMark,
    SetMarketState,
    SetRiskBounds,
    SetRiskLimits,
    SetRiskState,
    Traded,
)
from xached.domain.money import format_units, parse_decimal
from xached.domain.order import (
    EndReason,
    ListKind,
    MarketState,
    OrderType,
    Purse,
    SelfTradePrevention,
    Side,
    TimeInForce,
    account_of,
    make_purse,
)
from xached.domain.protection_messages import SelfTransferred
from xached.domain.rejection import Rejection
from xached.domain.risk_bounds import (
    RiskBounds,
    RiskScope,
    RiskSetter,
    RiskState,
    account_scope,
    purse_scope,
)
from xached.domain.waiting_messages import OrderParked

SECOND_NS = 1_000_000_000

_SCENARIO = re.compile(r"^scenario +(.+)$", re.MULTILINE)


def scenarios(path: Path) -> Iterator[tuple[str, int, str]]:
    """Yield (name, line before the first, text) of each scenario of a file.

    What stands before the first scenario is run before each. Lines keep their numbers.
    """
    text = path.read_text(encoding="utf-8")
    starts = list(_SCENARIO.finditer(text))
    if not starts:
        yield path.stem, 0, text
        return
    before = text[: starts[0].start()]
    ends = [following.start() for following in starts[1:]] + [len(text)]
    for start, end in zip(starts, ends, strict=True):
        between = "\n" * text.count("\n", len(before), start.end())
        yield (
            f"{path.stem}: {start.group(1).strip()}",
            0,
            before + between + text[start.end() : end],
        )


@attrs.define
class Script:
    """Runs the lines of one scenario against a fresh exchange."""

    exchange: Exchange = attrs.field(factory=Exchange)
    rows: list[tuple[int, int, tuple[Event, ...]]] = attrs.field(factory=list)
    events: tuple[Event, ...] = ()
    seq: int = 0
    now_ns: int = 1
    symbol: Symbol | None = None
    followed_from: Start = attrs.field(factory=Start)
    limit_notionals: dict[AssetName, int] = attrs.field(factory=dict)
    endowment: list[tuple[str, str]] = attrs.field(factory=list)

    def run(self, text: str, first_line: int = 0) -> None:
        """Run a scenario. Raises: AssertionError naming the line that does not hold."""
        for number, line in enumerate(text.splitlines(), first_line + 1):
            said, arrow, expected = line.partition("#")[0].partition("->")
            words = said.split()
            if not words:
                continue
            try:
                self._line(words, expected.split() if arrow else None)
                self._check_invariants()
            except (AssertionError, Rejection, LookupError, ValueError) as error:
                raise AssertionError(f"line {number}: {line.strip()}\n{error!r}") from error
        self._check_replay()
        check_followers(self.exchange, self.followed_from, self.rows)

    # --- commands -------------------------------------------------------------------------------

    def _line(self, words: list[str], expected: list[str] | None) -> None:
        verb, rest = words[0], words[1:]
        if verb in STATEMENTS:
            assert expected is None, "a statement answers nothing"
            STATEMENTS[verb](self, rest)
        elif verb in MARKET_STATEMENTS:
            assert expected is None, "a statement answers nothing"
            MARKET_STATEMENTS[verb](self.exchange, self.now_ns, rest)
        elif verb == "instrument":
            self._instrument(rest, expected)
        elif verb == "change":
            self._change(rest, expected)
        elif verb == "limits":
            self._limits(rest, expected)
        else:
            self._tell(self.read(verb, rest), verb, expected)

    def read(self, verb: str, words: list[str]) -> Callable[[], Command]:
        """What a line tells the exchange to do, made when it is asked for."""
        return (self.command if verb != "list" else self._list)(verb, words)

    def command(self, verb: str, words: list[str]) -> Callable[[], Command]:
        match verb, words:
            case "deposit", [name, amount, asset]:
                purse = self.purse(name)
                listed = self._asset(asset)
                units = parse_decimal(amount.replace("_", ""), listed.scale)
                return lambda: Deposit(
                    purse=purse, asset=listed.name, amount_units=units, request_id=""
                )
            case "mark", [symbol, price]:
                return lambda: self._mark(Symbol(symbol), price)
            case "state", [symbol, state]:
                return lambda: SetMarketState(
                    symbol=Symbol(symbol), state=MarketState[state], cause="script", request_id=""
                )
            case (("freeze" | "unfreeze"), [name]):
                purse = self.purse(name)
                return lambda: FreezePurse(
                    purse=purse, frozen=verb == "freeze", cause="script", request_id=""
                )
            case (("halt" | "resume"), []):
                return lambda: SetHalt(halted=verb == "halt", cause="script", request_id="")
            case "order", [name, *terms]:
                purse = self.purse(name)
                return lambda: self.order(purse, terms)
            case "cancel", [name, client_id]:
                purse = self.purse(name)
                return lambda: CancelOrder(
                    purse=purse,
                    order_id=None,
                    client_order_id=client_id,
                    request_id="",
                    reason=EndReason.USER,
                )
            case "amend", [name, client_id, *terms]:
                purse = self.purse(name)
                traded = self._instrument_of(purse, client_id)
                return lambda: amend_command(purse, traded, client_id, terms)
            case "replace", [name, client_id, new_id, *terms]:
                purse = self.purse(name)
                traded = self._instrument_of(purse, client_id)
                return lambda: replace_command(purse, traded, client_id, new_id, terms)
            case "group", [account, *terms]:
                return lambda: group_command(account, terms)
            case (("cancel-all" | "flatten" | "dead-man"), [name, *terms]):
                purse = self.purse(name)
                return lambda: purse_command(verb, purse, terms)
            case "risk-state", [name, setter, state]:
                scope = self._scope(name)
                return lambda: SetRiskState(
                    scope=scope,
                    setter=RiskSetter[setter],
                    state=RiskState[state],
                    cause="script",
                    request_id="",
                )
            case "bounds", [name, *words]:
                scope, bounds = self._scope(name), self._bounds(words)
                return lambda: SetRiskBounds(scope=scope, bounds=bounds, request_id="")
            case "clock", [time]:
                self.now_ns = max(self.now_ns, time_ns(time) - 1)
                return AdvanceClock
            case _:
                return self._market_command(verb, words)

    def _market_command(self, verb: str, words: list[str]) -> Callable[[], Command]:
        match verb, words:
            case "simulated", [name]:
                opened = make_purse(name, "")
                return lambda: OpenPurse(purse=opened, simulated=True, request_id="")
            case "fee-tiers", [asset, *lines]:
                tiers = fee_tiers(self._asset(asset), lines)
                return lambda: SetFeeTiers(tiers=tiers, request_id="")
            case (("delist" | "delist-asset" | "subaccount"), [name]):
                return lambda: house_command(verb, name)
            case "transfer", [name, other, amount, asset]:
                source, target = self.purse(name), self.purse(other)
                moved = self._asset(asset)
                return lambda: transfer_command(source, target, amount, moved)
            case _:
                return compliance_command(self, verb, words)

    def _list(self, _verb: str, words: list[str]) -> Callable[[], Command]:
        name, kind, *terms = words
        purse = self.purse(name)
        return lambda: place_list_of(self, purse, ListKind[kind], terms)

    def order(self, purse: Purse, terms: list[str]) -> PlaceOrder:
        client_id, side, *words = terms
        symbol = self.symbol
        if ":" in client_id:
            name, _, client_id = client_id.partition(":")
            symbol = Symbol(name)
        assert symbol is not None, "no instrument was declared"
        assert self.symbol is not None
        markets = self.exchange.state.markets
        instrument = (markets.get(symbol) or markets[self.symbol]).instrument
        stp = SelfTradePrevention.EXPIRE_TAKER
        if "stp" in words:
            at = words.index("stp")
            stp = SelfTradePrevention[words[at + 1]]
            del words[at : at + 2]
        display: int | None = None
        if "display" in words:
            at = words.index("display")
            display = lots_of(instrument, words[at + 1])
            del words[at : at + 2]
        slide = "slide" in words
        if slide:
            words.remove("slide")
        reduce_only = "reduce-only" in words
        if reduce_only:
            words.remove("reduce-only")
        post_only = "post-only" in words
        if post_only:
            words.remove("post-only")
        price: int | None = None
        expires: int | None = None
        by_quote = words[0] == "quote"
        if by_quote:
            words.pop(0)
        kind, trigger = take_condition(words, lambda text: price_ticks_of(instrument, text))
        match words:
            case [amount, "MARKET", *time]:
                kind, time_in_force = OrderType.MARKET, time.pop(0) if time else "IOC"
            case [amount, time_in_force, *time] if time_in_force in TimeInForce.__members__:
                pass
            case [amount, "@", limit, time_in_force, *time]:
                price = price_ticks_of(instrument, limit)
            case _:
                raise AssertionError(f"not the terms of an order: {words}")
        if time:
            expires = time_ns(time[0])
        return PlaceOrder(
            purse=purse,
            client_order_id=client_id,
            symbol=symbol,
            side=Side[side],
            type=kind,
            time_in_force=TimeInForce[time_in_force],
            price_ticks=price,
            quantity_lots=None if by_quote else instrument.parse_quantity(amount),
            quote_units=parse_decimal(amount, instrument.quote_scale) if by_quote else None,
            post_only=post_only,
            self_trade_prevention=stp,
            expires_at_ns=expires,
            trigger=trigger,
            display_lots=display,
            slide=slide,
            reduce_only=reduce_only,
        )

    def _instrument_of(self, purse: Purse, client_id: str) -> Instrument:
        """The instrument of an open order; the one last declared when there is no such order."""
        state = self.exchange.state
        known = state.purses.get(purse)
        order_id = None if known is None else known.by_client_id.get(client_id)
        symbol = self.symbol if order_id is None else state.orders[order_id].symbol
        assert symbol is not None, "no instrument was declared"
        return self.exchange.state.markets[symbol].instrument

    def _instrument(self, words: list[str], expected: list[str] | None) -> None:
        symbol, *pairs = words
        given = dict(zip(pairs[::2], pairs[1::2], strict=True))
        base, _, quote = symbol.partition("-")
        base_scale, quote_scale = (int(n) for n in given.pop("scales", "8/8").split("/"))
        tick, lot = given.pop("tick"), given.pop("lot")
        price_scale = len(tick.partition(".")[2])
        tick_step = parse_decimal(tick, price_scale)
        lot_units = parse_decimal(lot, base_scale)
        band = given.pop("band", None)

        def between(name: str, scale: int, step: int) -> tuple[int, int]:
            low, _, high = given.pop(name, "..").partition("..")
            return (
                parse_decimal(low, scale) // step if low else 1,
                parse_decimal(high, scale) // step if high else UNBOUNDED,
            )

        def ppm(name: str, default: str) -> int:
            return int(given.pop(name, default).removesuffix("ppm"))

        prices = between("price", price_scale, tick_step)
        quantities = between("quantity", base_scale, lot_units)
        notionals = between("notional", quote_scale, 1)
        market_max = given.pop("market-max", None)
        instrument = Instrument(
            symbol=Symbol(symbol),
            base=AssetName(base),
            quote=AssetName(quote),
            base_scale=base_scale,
            quote_scale=quote_scale,
            price_scale=price_scale,
            tick_step=tick_step,
            lot_units=lot_units,
            min_price_ticks=prices[0],
            max_price_ticks=prices[1],
            min_quantity_lots=quantities[0],
            max_quantity_lots=quantities[1],
            max_market_quantity_lots=(
                parse_decimal(market_max, base_scale) // lot_units if market_max else UNBOUNDED
            ),
            min_notional_units=0 if notionals[0] == 1 else notionals[0],
            max_notional_units=notionals[1],
            buy_band_up_ppm=ppm("buy-up", band or str(UNBOUNDED)),
            buy_band_down_ppm=ppm("buy-down", band or "1000000"),
            sell_band_up_ppm=ppm("sell-up", band or str(UNBOUNDED)),
            sell_band_down_ppm=ppm("sell-down", band or "1000000"),
            maker_fee_ppm=ppm("maker", "0"),
            taker_fee_ppm=ppm("taker", "0"),
            max_open_orders=int(given.pop("orders", "1000")),
            **market_options(given, base_scale, lot_units),
        )
        mark = given.pop("mark", instrument.format_price(instrument.min_price_ticks))
        assert not given, f"unknown words: {given}"
        self._asset(base, base_scale)
        self._asset(quote, quote_scale)
        self._tell(
            lambda: ListInstrument(instrument=instrument, request_id=""), "instrument", expected
        )
        self.symbol = instrument.symbol
        if mark != "none" and expected is None:
            self._tell(lambda: self._mark(instrument.symbol, mark), "mark", None)

    def _change(self, words: list[str], expected: list[str] | None) -> None:
        symbol, *pairs = words
        known = self.exchange.state.market(Symbol(symbol)).instrument
        changed = changed_instrument(known, pairs)
        self._tell(lambda: ChangeInstrument(instrument=changed, request_id=""), "change", expected)

    def _limits(self, words: list[str], expected: list[str] | None) -> None:
        name, _, orders, *notional = words
        limits: list[tuple[AssetName, int]] = []
        if notional:
            _, amount, asset = notional
            listed = self._asset(asset)
            limits.append((listed.name, parse_decimal(amount, listed.scale)))
        purse = None if name == "default" else self.purse(name)
        self._tell(
            lambda: SetRiskLimits(
                purse=purse,
                max_open_orders=int(orders),
                max_order_notional_units=tuple(limits),
                request_id="",
            ),
            "limits",
            expected,
        )

    def _mark(self, symbol: Symbol, price: str) -> SetMark:
        instrument = self.exchange.state.market(symbol).instrument
        ticks = price_ticks_of(instrument, price)
        return SetMark(symbol=symbol, price_ticks=ticks, source="script", request_id="")

    def purse(self, name: str) -> Purse:
        account, _, sub = name.partition("/")
        purse = make_purse(account, sub)
        if purse not in self.exchange.state.purses and not name.startswith("?"):
            self.apply(OpenPurse(purse=purse, simulated=False, request_id=""))
            for amount, asset in self.endowment:
                self.apply(self.command("deposit", [name, amount, asset])())
        return purse

    def _endow(self, words: list[str]) -> None:
        self.endowment = list(zip(words[::2], words[1::2], strict=True))

    def _scope(self, name: str) -> RiskScope:
        if name == "house" or name.startswith(("market:", "?")):
            return RiskScope(name)
        kind, _, whose = name.partition(":")
        purse = self.purse(whose)
        return purse_scope(purse) if kind == "purse" else account_scope(account_of(purse))

    def _bounds(self, words: list[str]) -> RiskBounds:
        given = dict(zip(words[::2], words[1::2], strict=True))
        asset = self._asset(given.pop("in", "USDT"))

        def amounts(word: str) -> tuple[tuple[AssetName, int], ...]:
            amount = given.pop(word, None)
            return () if amount is None else ((asset.name, parse_decimal(amount, asset.scale)),)

        orders = given.pop("orders", None)
        bounds = RiskBounds(
            max_open_orders=None if orders is None else int(orders),
            max_order_notional_units=amounts("size"),
            max_position_units=amounts("position"),
            max_notional_per_minute_units=amounts("minute"),
            max_daily_loss_units=amounts("loss"),
            max_drawdown_units=amounts("drawdown"),
        )
        assert not given, f"unknown words: {given}"
        return bounds

    def _asset(self, name: str, scale: int = 8) -> Asset:
        asset = self.exchange.state.assets.get(AssetName(name))
        if asset is None:
            asset = Asset(AssetName(name), scale)
            self.apply(ListAsset(asset=asset, request_id=""))
            self.limit_notionals[asset.name] = UNBOUNDED
            self.apply(
                SetRiskLimits(
                    purse=None,
                    max_open_orders=1_000,
                    max_order_notional_units=tuple(self.limit_notionals.items()),
                    request_id="",
                )
            )
        return asset

    # --- telling the exchange, and its answer ---------------------------------------------------

    def _tell(self, make: Callable[[], Command], verb: str, expected: list[str] | None) -> None:
        before = self.exchange.snapshot()
        refused: Rejection | None = None
        try:
            self.events = self.apply(make())
        except Rejection as rejection:
            refused = rejection
        if refused is not None:
            assert self.exchange.snapshot() == before, "a refused command changed something"
            check_refusal(refused, expected or [])
            return
        assert not expected or expected[0] != "refused", "was not refused"
        if verb in ("order", "replace", "cancel"):
            if expected is not None:
                self._check_status(expected)
        elif verb == "flatten":
            markets = self.exchange.state.markets
            rules = {symbol: market.instrument for symbol, market in markets.items()}
            told = left_after(self.events, rules)
            assert told == (expected or []), told
        elif verb in ("cancel-all", "clock", "delist"):
            ended = [e.client_order_id for e in self.events if isinstance(e, OrderEnded)]
            assert ended == (expected or []), ended
        else:
            assert expected is None, f"{verb} answers nothing"

    def apply(self, command: Command) -> tuple[Event, ...]:
        """Decide and apply one command and what becomes due; advance the clock by 1 ns."""
        seq, at_ns = self.seq + 1, self.now_ns + 1
        events: list[Event] = []
        step: Command | None = command
        while step is not None:
            decided = self.exchange.decide(step, seq, at_ns)
            assert self.exchange.decide(step, seq, at_ns) == decided, "deciding had an effect"
            for event in decided:
                self.exchange.apply(event, seq, at_ns)
            events += decided
            step = self.exchange.next_due() if decided else None
        if events:
            self.seq, self.now_ns = seq, at_ns
            self.rows.append((seq, at_ns, tuple(events)))
        return tuple(events)

    def _check_status(self, expected: list[str]) -> None:
        accepted = next((e for e in self.events if isinstance(e, OrderAccepted)), None)
        final = next(
            event
            for event in self.events
            if isinstance(event, OrderRested | OrderEnded | OrderParked)
            and (accepted is None or event.order_id == accepted.order_id)
        )
        instrument = self.exchange.state.markets[final.symbol].instrument
        if not isinstance(final, OrderEnded):
            order = self.exchange.state.orders[final.order_id]
            got = outcome_of(order.status, EndReason.NONE, order.executed_lots, instrument)
            whole = order.quantity_lots
        else:
            got = outcome_of(final.status, final.reason, final.executed_lots, instrument)
            whole = final.executed_lots if accepted is None else accepted.quantity_lots
        assert got == expected_outcome(expected, instrument.format_quantity(whole)), got

    # --- statements -----------------------------------------------------------------------------

    def _balance(self, words: list[str]) -> None:
        name, asset, *pairs = words
        listed, ledger = self._asset(asset), self.exchange.state.ledger
        purse = self.purse(name)
        for what, amount in zip(pairs[::2], pairs[1::2], strict=True):
            units = {"available": ledger.available_units, "held": ledger.held_units}[what](
                purse, listed.name
            )
            assert units == parse_decimal(amount, listed.scale), (
                f"{what} {format_units(units, listed.scale)}"
            )

    def _hold(self, words: list[str]) -> None:
        name, client_id, amount = words
        order_id = self.exchange.state.purses[self.purse(name)].by_client_id[client_id]
        hold = self.exchange.state.ledger.hold_of(order_id)
        scale = self.exchange.state.assets[hold.asset].scale
        assert hold.units == parse_decimal(amount, scale), format_units(hold.units, scale)

    def _position(self, words: list[str]) -> None:
        name, symbol, *pairs = words
        instrument = self.exchange.state.market(Symbol(symbol)).instrument
        position = self.exchange.state.purses[self.purse(name)].position(Symbol(symbol))
        got = {
            "quantity": instrument.format_quantity(position.quantity_lots),
            "cost": instrument.format_quote(position.cost_units),
            "realised": instrument.format_quote(position.realised_units),
        }
        expected = dict(zip(pairs[::2], pairs[1::2], strict=True))
        assert {name: got[name] for name in expected} == expected, got

    def _book(self, words: list[str]) -> None:
        symbol, bids_word, *levels = words
        at = levels.index("asks")
        assert bids_word == "bids"
        market = self.exchange.state.market(Symbol(symbol))
        for side, expected in ((Side.BUY, levels[:at]), (Side.SELL, levels[at + 1 :])):
            depth: dict[int, int] = {}
            for _, ticks, lots in market.book.queue(side):
                depth[ticks] = depth.get(ticks, 0) + lots
            got = [at_price(market.instrument, lots, ticks) for ticks, lots in depth.items()]
            assert got == expected, (side.name, got)

    def _queue(self, words: list[str]) -> None:
        symbol, side, *expected = words
        book = self.exchange.state.market(Symbol(symbol)).book
        orders = self.exchange.state.orders
        got = [orders[order_id].client_order_id for order_id, _, _ in book.queue(Side[side])]
        assert got == expected, got

    def _leaves(self, words: list[str]) -> None:
        name, client_id, quantity = words
        order_id = self.exchange.state.purses[self.purse(name)].by_client_id[client_id]
        order = self.exchange.state.orders[order_id]
        instrument = self.exchange.state.markets[order.symbol].instrument
        got = instrument.format_quantity(order.leaves_lots)
        assert order.leaves_lots == instrument.parse_quantity(quantity), got

    def _open(self, words: list[str]) -> None:
        name, *expected = words
        got = [order.client_order_id for order in self.exchange.open_orders(self.purse(name))]
        assert got == expected, got

    def _fees(self, words: list[str]) -> None:
        asset, amount = words
        listed = self._asset(asset)
        units = self.exchange.state.ledger.fees_units(listed.name)
        assert units == parse_decimal(amount, listed.scale), format_units(units, listed.scale)

    def _sum(self, words: list[str]) -> None:
        asset, amount = words
        listed = self._asset(asset)
        units = self.exchange.state.ledger.sum_units(listed.name)
        assert units == parse_decimal(amount, listed.scale), units

    def _last(self, words: list[str]) -> None:
        symbol, expected = words
        market = self.exchange.state.market(Symbol(symbol))
        ticks = market.last_ticks
        got = "none" if ticks is None else market.instrument.format_price(ticks)
        assert got == expected, got

    def _trades(self, expected: list[str]) -> None:
        got: list[str] = []
        for event in self.events:
            if not isinstance(event, Traded):
                continue
            instrument = self.exchange.state.markets[event.symbol].instrument
            told = at_price(instrument, event.quantity_lots, event.price_ticks)
            told += f":{self.client_id(event.maker_order_id)}"
            if len(got) < len(expected) and expected[len(got)].count(":") == 2:
                taker = instrument.format_quote(event.taker_fee_units)
                maker = instrument.format_quote(event.maker_fee_units)
                told += f":{taker}/{maker}"
            got.append(told)
        assert got == expected, got

    def _prevented(self, expected: list[str]) -> None:
        got = [
            at_price(
                self.exchange.state.markets[event.symbol].instrument,
                event.quantity_lots,
                event.price_ticks,
            )
            + f":{self.client_id(event.maker_order_id)}"
            for event in self.events
            if isinstance(event, MatchPrevented)
        ]
        assert got == expected, got

    def _transferred(self, expected: list[str]) -> None:
        got = [
            at_price(
                self.exchange.state.markets[event.symbol].instrument,
                event.quantity_lots,
                event.price_ticks,
            )
            + f":{self.client_id(event.maker_order_id)}"
            for event in self.events
            if isinstance(event, SelfTransferred)
        ]
        assert got == expected, got

    def _ended(self, words: list[str]) -> None:
        client_id, *expected = words
        event = next(
            event
            for event in self.events
            if isinstance(event, OrderEnded) and event.client_order_id == client_id
        )
        instrument = self.exchange.state.markets[event.symbol].instrument
        got = outcome_of(event.status, event.reason, event.executed_lots, instrument)
        assert got == expected_outcome(expected, got[-1]), got

    def _restart(self, _words: list[str]) -> None:
        check_followers(self.exchange, self.followed_from, self.rows)
        self.exchange = Exchange.restore(self.exchange.snapshot())
        self.followed_from = Start.now(self.exchange, self.seq, len(self.rows))

    def client_id(self, order_id: int) -> str:
        for _, _, events in self.rows:
            for event in events:
                if isinstance(event, OrderAccepted) and event.order_id == order_id:
                    return event.client_order_id
        raise AssertionError(f"never accepted: {order_id}")

    def _check_invariants(self) -> None:
        self.exchange.check()
        for asset in self.exchange.state.assets:
            assert self.exchange.state.ledger.sum_units(asset) == 0, asset

    def _check_replay(self) -> None:
        replayed = Exchange()
        for seq, at_ns, events in self.rows:
            for event in events:
                replayed.apply(event, seq, at_ns)
        snapshot = self.exchange.snapshot()
        assert replayed.snapshot() == snapshot, "replay differs"
        assert Exchange.restore(snapshot).snapshot() == snapshot, "restoring differs"


STATEMENTS: dict[str, Callable[[Script, list[str]], None]] = {
    "balance": Script._balance,
    "hold": Script._hold,
    "position": Script._position,
    "book": Script._book,
    "queue": Script._queue,
    "leaves": Script._leaves,
    "open": Script._open,
    "fees": Script._fees,
    "sum": Script._sum,
    "last": Script._last,
    "trades": Script._trades,
    "prevented": Script._prevented,
    "transferred": Script._transferred,
    "ended": Script._ended,
    "restart": Script._restart,
    "endow": Script._endow,
    **WAITING_STATEMENTS,
}
