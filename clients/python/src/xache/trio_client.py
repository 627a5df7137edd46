"""The client for programs that run on trio: every method of :class:`xache.client.Client`, awaited.

::

    async with TrioClient("127.0.0.1:7400") as house:
        await house.call(house.auth.login, "ada@example.org", password)
        placed = await house.call(
            house.trading.place_order, symbol="BTC-USDT", side=SIDE_BUY, quantity="0.001", price=1
        )
        async with house.stream(house.market.watch_trades, "BTC-USDT") as trades:
            async for told in trades:
                ...

Calls run in threads, so their arguments, answers, repeats and errors are those of the plain client,
checked by the same types.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator
from contextlib import aclosing, asynccontextmanager, closing, suppress
from types import TracebackType
from typing import Any, Final, ParamSpec, TypeVar

import trio

from xache.client import DEFAULT_TARGET, Client, Services
from xache.errors import XacheError
from xache.tokens import TokenFileError

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")
Told = TypeVar("Told")

CALLS_MAX: Final = 64
"""Calls under way at once; more wait their turn."""
BUFFERED_MAX: Final = 256
"""Messages of a stream that wait for their reader; the house is then slowed down, nothing lost."""


class TrioClient(Services):
    """A connection to one house. Groups of methods are those of the plain client.

    Takes what the plain client takes.
    """

    def __init__(self, target: str = DEFAULT_TARGET, **options: Any) -> None:
        super().__init__(Client(target, **options).connection)
        self._places = trio.CapacityLimiter(CALLS_MAX)

    async def __aenter__(self) -> TrioClient:
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every call and close the connection."""
        self.connection.close()

    async def call(
        self,
        method: Callable[Arguments, Answer],
        /,
        *arguments: Arguments.args,
        **named: Arguments.kwargs,
    ) -> Answer:
        """Make one call of this client's methods.

        One that is cancelled goes on by itself: what became of it is the caller's to find out, by
        the id it was sent with. Raises: what the method raises.
        """
        return await trio.to_thread.run_sync(
            functools.partial(method, *arguments, **named),
            abandon_on_cancel=True,
            limiter=self._places,
        )

    @asynccontextmanager
    async def stream(
        self,
        method: Callable[Arguments, Generator[Told, None, None]],
        /,
        *arguments: Arguments.args,
        **named: Arguments.kwargs,
    ) -> AsyncGenerator[AsyncIterator[Told], None]:
        """Follow one of this client's streams, which resumes as the plain one does.

        The house hears of the end at the next message, or sign of life. Raises: what the method
        raises, from the iteration.
        """
        sender, receiver = trio.open_memory_channel[Told](BUFFERED_MAX)
        token, ended = trio.lowlevel.current_trio_token(), threading.Event()
        failures: list[Exception] = []

        def read() -> None:
            try:
                with closing(method(*arguments, **named)) as messages:
                    for message in messages:
                        if ended.is_set():
                            return
                        trio.from_thread.run(sender.send, message, trio_token=token)
            except (trio.BrokenResourceError, trio.RunFinishedError, trio.Cancelled):
                return  # Nobody reads any more.
            except (XacheError, TokenFileError) as error:
                failures.append(error)
            except ValueError:
                if not ended.is_set():  # What gRPC says of a channel that was closed.
                    raise
            finally:
                with suppress(trio.RunFinishedError, trio.Cancelled):
                    trio.from_thread.run_sync(sender.close, trio_token=token)

        async def told() -> AsyncGenerator[Told, None]:
            async for message in receiver:
                yield message
            if failures:
                raise failures[0]

        # A thread and no nursery: what the body raises comes out as it is.
        threading.Thread(target=read, name="xache stream", daemon=True).start()
        with receiver:
            try:
                async with aclosing(told()) as messages:
                    yield messages
            finally:
                ended.set()
