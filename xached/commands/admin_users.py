"""``xached admin users``: accounts, their roles, what stands against them, and their purses."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from cyclopts import App, Parameter
from xache.v1 import admin_pb2, options_pb2, staff_pb2

from xached.commands.door import (
    AT_HOME,
    Door,
    call,
    moment,
    number_of,
    print_json,
    print_table,
    show_done,
    word_of,
)

users = App(name="users", help="Accounts: roles, impediments, sessions, keys.")
purses = App(name="purses", help="Purses of accounts: money, freezes, limits.")

RoleName: TypeAlias = Literal["user", "support", "compliance", "operator", "admin"]
ImpedimentName: TypeAlias = Literal["unverified", "frozen", "suspended"]

Account = Annotated[str, Parameter(help="Account id; `xached admin users find` tells it.")]
Subaccount = Annotated[str, Parameter(help="Its purse; main if none is named.")]
RequestId = Annotated[str, Parameter(help="Makes a repeat safe; one is made up if none is given.")]


def some_text(_hint: object, text: str) -> None:
    """Refuse a text of blanks. Raises: ValueError."""
    if not text.strip():
        raise ValueError("It must say something.")


Cause = Annotated[str, Parameter(help="Why; kept in the journal.", validator=some_text)]


@users.command(name="list")
def list_(
    *,
    role: Annotated[RoleName | None, Parameter(help="Only those with this role.")] = None,
    impediment: Annotated[
        ImpedimentName | None, Parameter(help="Only those against which this stands.")
    ] = None,
    limit: Annotated[int, Parameter(help="At most so many, up to 500.")] = 100,
    after: Annotated[str, Parameter(help="Go on after this account.")] = "",
    door: Door = AT_HOME,
) -> None:
    """List the accounts, without looking at a person."""
    request = admin_pb2.ListAccountsRequest(page_size=limit, page_token=after)
    if role is not None:
        request.role = number_of(options_pb2.Role, "ROLE_", role)  # type: ignore[assignment]
    if impediment is not None:
        request.impediment = number_of(  # type: ignore[assignment]
            options_pb2.Impediment, "IMPEDIMENT_", impediment
        )
    answer = call(door, request)
    if door.as_json:
        print_json(answer)
        return
    rows = [
        (
            each.account_id,
            ", ".join(word_of(options_pb2.Role, "ROLE_", one) for one in each.roles),
            ", ".join(
                word_of(options_pb2.Impediment, "IMPEDIMENT_", one) for one in each.impediments
            )
            or "-",
            moment(each.created_at_ns),
            f"{each.sessions}",
        )
        for each in answer.accounts
    ]
    print_table(("account", "roles", "against it", "opened", "sessions"), rows)
    if answer.next_page_token:
        print(f"There are more: --after {answer.next_page_token}")


@users.command
def count(*, door: Door = AT_HOME) -> None:
    """Count the accounts and what waits for somebody."""
    answer = call(door, admin_pb2.GetUserMetricsRequest())
    if door.as_json:
        print_json(answer)
        return
    for field in answer.DESCRIPTOR.fields:
        if field.name != "roles":
            print(f"{field.name.replace('_', ' '):16}  {getattr(answer, field.name)}")
    for each in answer.roles:
        print(f"{word_of(options_pb2.Role, 'ROLE_', each.role):16}  {each.accounts}")


@users.command
def find(
    account: Annotated[str, Parameter(help="Account id or e-mail address.")],
    *,
    door: Door = AT_HOME,
) -> None:
    """Find an account by its id or its address. That you looked is written down."""
    by = {"email": account} if "@" in account else {"account_id": account}
    found = call(door, staff_pb2.FindAccountRequest(**by))
    if door.as_json:
        print_json(found)
        return
    roles = ", ".join(word_of(options_pb2.Role, "ROLE_", role) for role in found.roles)
    for name, text in (
        ("account", found.account_id),
        ("e-mail", found.email or "-"),
        ("roles", roles),
        ("opened", moment(found.created_at_ns)),
        ("sessions", f"{found.sessions}"),
        ("open cases", f"{found.open_cases}"),
        ("purses", f"{found.purses}, {found.frozen_purses} frozen"),
        ("erased", moment(found.erasure_due_at_ns)),
    ):
        print(f"{name:12}  {text}")


@users.command
def role(
    account: Account,
    role_name: Annotated[RoleName, Parameter(name="ROLE", help="Which.")],
    *,
    take: Annotated[bool, Parameter(negative="", help="Take it away.")] = False,
    door: Door = AT_HOME,
) -> None:
    """Give somebody a role of the house, or take it away."""
    request = admin_pb2.SetRoleRequest(account_id=account, granted=not take)
    request.role = number_of(options_pb2.Role, "ROLE_", role_name)  # type: ignore[assignment]
    answer = call(door, request)
    left = ", ".join(word_of(options_pb2.Role, "ROLE_", each) for each in answer.roles)
    show_done(door, answer, f"{account} is {left or 'nothing'}")


@users.command
def impede(
    account: Account,
    impediment: Annotated[ImpedimentName, Parameter(help="What stands against it.")],
    *,
    lift: Annotated[bool, Parameter(negative="", help="It stands no more.")] = False,
    door: Door = AT_HOME,
) -> None:
    """Freeze or suspend an account, at once and everywhere; or let it act again."""
    request = admin_pb2.SetImpedimentRequest(account_id=account, stands=not lift)
    request.impediment = number_of(  # type: ignore[assignment]
        options_pb2.Impediment, "IMPEDIMENT_", impediment
    )
    show_done(door, call(door, request), f"{account} is {'not ' if lift else ''}{impediment}")


@users.command
def end_sessions(account: Account, *, door: Door = AT_HOME) -> None:
    """End all sessions of an account."""
    answer = call(door, admin_pb2.EndSessionsRequest(account_id=account))
    show_done(door, answer, f"the sessions of {account} have ended")


@users.command
def new_keys(account: Account, *, door: Door = AT_HOME) -> None:
    """Give a person new keys, and seal what the house keeps of them anew."""
    answer = call(door, admin_pb2.RotateUserKeysRequest(account_id=account))
    show_done(door, answer, f"{account} has new keys")


@users.command
def group(
    account: Account,
    name: Annotated[str, Parameter(help="The group; empty takes the account out of its own.")] = "",
    *,
    cause: Cause,
    request_id: RequestId = "",
    door: Door = AT_HOME,
) -> None:
    """Put an account into a trade group, whose orders do not trade with each other."""
    request = admin_pb2.SetTradeGroupRequest(
        account_id=account, group=name, cause=cause, request_id=request_id
    )
    show_done(door, call(door, request), f"{account} is in {name or 'no group'}")


@purses.command(name="open")
def open_(
    account: Account,
    subaccount: Annotated[str, Parameter(help="Its name.")],
    *,
    simulated: Annotated[bool, Parameter(negative="", help="Its orders are simulated.")] = False,
    request_id: RequestId = "",
    door: Door = AT_HOME,
) -> None:
    """Open a purse of an account."""
    request = admin_pb2.OpenPurseRequest(
        account_id=account, subaccount=subaccount, simulated=simulated, request_id=request_id
    )
    show_done(door, call(door, request), f"{account}/{subaccount} is open")


@purses.command
def freeze(
    account: Account,
    subaccount: Subaccount = "",
    *,
    cause: Cause,
    lift: Annotated[bool, Parameter(negative="", help="It is frozen no more.")] = False,
    request_id: RequestId = "",
    door: Door = AT_HOME,
) -> None:
    """Freeze a purse: it can only cancel. Or lift the freeze."""
    request = admin_pb2.FreezePurseRequest(
        account_id=account,
        subaccount=subaccount,
        frozen=not lift,
        cause=cause,
        request_id=request_id,
    )
    text = f"{account}/{subaccount or 'main'} is {'not ' if lift else ''}frozen"
    show_done(door, call(door, request), text)


@purses.command
def limits(
    account: Account,
    subaccount: Subaccount = "",
    *,
    max_open_orders: Annotated[int, Parameter(help="Over all instruments.")],
    max_order_notional: Annotated[
        list[str] | None, Parameter(negative=(), help="The largest order: USDT=1000; repeat it.")
    ] = None,
    request_id: RequestId = "",
    door: Door = AT_HOME,
) -> None:
    """Set the limits of a purse, all of them."""
    request = admin_pb2.SetRiskLimitsRequest(
        account_id=account,
        subaccount=subaccount,
        max_open_orders=max_open_orders,
        max_order_notional=amounts(max_order_notional),
        request_id=request_id,
    )
    show_done(door, call(door, request), f"the limits of {account}/{subaccount or 'main'} are set")


@purses.command
def deposit(
    account: Account,
    asset: Annotated[str, Parameter(help="Such as USDT.")],
    amount: Annotated[str, Parameter(help="How much.")],
    *,
    subaccount: Subaccount = "",
    request_id: RequestId = "",
    door: Door = AT_HOME,
) -> None:
    """Credit money that came in from outside."""
    request = admin_pb2.DepositRequest(
        account_id=account,
        subaccount=subaccount,
        asset=asset,
        amount=amount,
        request_id=request_id,
    )
    text = f"{amount} {asset} credited to {account}/{subaccount or 'main'}"
    show_done(door, call(door, request), text)


def amounts(given: list[str] | None) -> dict[str, str]:
    """Amounts by asset, of texts such as USDT=1000. Ends the program where one is none."""
    found = dict(each.partition("=")[::2] for each in given or ())
    for asset, amount in found.items():
        if not asset or not amount:
            raise SystemExit(f"xached: {asset!r}: an amount is written as USDT=1000")
    return found
