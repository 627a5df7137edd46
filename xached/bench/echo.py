"""The baseline: an empty echo on stock grpc.aio, in a process of its own.

It does nothing but take a message and send it back, on the server that people would use
otherwise. What an order costs is told in multiples of what this costs.
"""

from __future__ import annotations

import asyncio

import grpc

PATH = "/xache.bench.Echo/Echo"


async def _echo(request: bytes, _context: grpc.aio.ServicerContext) -> bytes:
    return request


async def serve() -> None:
    """Serve on a free port, which is printed, until the process is ended."""
    server = grpc.aio.server()
    handlers = {PATH.rpartition("/")[2]: grpc.unary_unary_rpc_method_handler(_echo)}
    service = PATH.split("/")[1]
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"READY grpc=127.0.0.1:{port}", flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(serve())
