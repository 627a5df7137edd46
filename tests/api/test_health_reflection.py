"""The two standard services: health, and reflection in both of its versions."""

from __future__ import annotations

import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import grpc
import pytest
import trio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)
from xache.v1 import market_pb2

from tests.api.edge import PATIENCE_S, Doorman, error_of, in_thread
from xached.api.errors import Interceptor
from xached.api.grpc_server import Server
from xached.api.health import HealthService
from xached.api.reflection import reflection_services
from xached.api.routes import Call, Responses, Routes, Service
from xached.runtime.world import RealWorld

GRPCURL = Path(sys.executable).parent / "grpcurl"
MARKET = market_pb2.DESCRIPTOR.services_by_name["MarketService"]
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
AUTHORIZATION, HTTP_RULE = 50100, 72295728


async def _one(_call: Call, request: object) -> object:
    return market_pb2.ListInstrumentsResponse()


async def _many(_call: Call, request: object, responses: Responses[object]) -> None:
    pass


def _market() -> object:
    """The least that serves the market service, whatever methods it has."""
    return SimpleNamespace(
        **{
            re.sub(r"(?<=[a-z])(?=[A-Z])", "_", method.name).lower(): (
                _many if method.server_streaming else _one
            )
            for method in MARKET.methods
        }
    )


@asynccontextmanager
async def open_house() -> AsyncIterator[tuple[HealthService, str, grpc.Channel]]:
    world = RealWorld()
    health = HealthService([MARKET.full_name])
    services = [Service(descriptor=MARKET, handlers=_market()), health.service()]
    routes = Routes([*services, *reflection_services(services)], Doorman())
    server = Server(routes, Interceptor(world, lambda *_: None), world)
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    with trio.fail_after(PATIENCE_S):
        async with trio.open_nursery() as nursery:
            await nursery.start(server.serve)
            with grpc.insecure_channel(address) as channel:
                yield health, address, channel
            server.stop(grace_s=0)


async def test_health_is_not_serving_until_told_so_and_after_the_drain() -> None:
    async with open_house() as (health, _, channel):
        stub = health_pb2_grpc.HealthStub(channel)

        async def check(service: str = "") -> int:
            request = health_pb2.HealthCheckRequest(service=service)
            status: int = (await in_thread(stub.Check, request)).status
            return status

        assert await check() == NOT_SERVING
        health.serve()
        assert await check() == SERVING
        assert await check("xache.v1.MarketService") == SERVING
        listed = await in_thread(stub.List, health_pb2.HealthListRequest())
        assert {name: answer.status for name, answer in listed.statuses.items()} == {
            "": SERVING,
            "xache.v1.MarketService": SERVING,
        }
        health.drain()
        health.serve()
        assert await check() == NOT_SERVING

        unknown = health_pb2.HealthCheckRequest(service="nobody")
        assert (await error_of(stub.Check, unknown)).code() is grpc.StatusCode.NOT_FOUND


async def test_a_watcher_hears_of_every_change_and_is_let_go_at_the_drain() -> None:
    async with open_house() as (health, _, channel):
        stub = health_pb2_grpc.HealthStub(channel)
        watch = stub.Watch(health_pb2.HealthCheckRequest())
        unknown = stub.Watch(health_pb2.HealthCheckRequest(service="nobody"))
        assert (await in_thread(next, watch)).status == NOT_SERVING
        assert (
            await in_thread(next, unknown)
        ).status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
        health.serve()
        assert (await in_thread(next, watch)).status == SERVING
        health.drain()
        assert (await in_thread(next, watch)).status == NOT_SERVING
        assert (await error_of(next, watch)).code() is grpc.StatusCode.UNAVAILABLE
        assert (await error_of(list, unknown)).code() is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
async def test_reflection_lists_and_finds(version: str) -> None:
    async with open_house() as (_, _, channel):
        database = await in_thread(_Database, channel, version)
        assert await in_thread(database.get_services) == [
            "grpc.health.v1.Health",
            "grpc.reflection.v1.ServerReflection",
            "grpc.reflection.v1alpha.ServerReflection",
            "xache.v1.MarketService",
        ]
        file = await in_thread(database.FindFileContainingSymbol, "xache.v1.MarketService")
        assert file.name == "xache/v1/market.proto"
        options = "google.protobuf.MethodOptions"
        assert await in_thread(database.FindAllExtensionNumbers, options) == [
            AUTHORIZATION,
            HTTP_RULE,
        ]
        # Files of services that are not on this listener are nobody's business here.
        for missing in ("xache.v1.AdminService", "xache.v1.Nothing"):
            with pytest.raises(KeyError):
                await in_thread(database.FindFileContainingSymbol, missing)


async def test_grpcurl_lists_describes_and_calls() -> None:
    async with open_house() as (health, address, _):
        health.serve()

        async def grpcurl(*arguments: str) -> str:
            done = await trio.run_process(
                [GRPCURL, "-plaintext", address, *arguments], capture_stdout=True
            )
            return done.stdout.decode()

        assert "xache.v1.MarketService" in await grpcurl("list")
        assert "access:ACCESS_PUBLIC" in await grpcurl("describe", "xache.v1.MarketService")
        described = await grpcurl("describe", "grpc.reflection.v1.ServerReflection")
        assert "stream .grpc.reflection.v1.ServerReflectionRequest" in described
        assert "SERVING" in await grpcurl("grpc.health.v1.Health/Check")
        assert "{" in await grpcurl("xache.v1.MarketService/ListInstruments")


class _Database(ProtoReflectionDescriptorDatabase):  # type: ignore[misc] # it has no types
    """grpcio's own reflection client; v1 differs in nothing but the path."""

    def __init__(self, channel: grpc.Channel, version: str) -> None:
        super().__init__(_Renamed(channel, f"grpc.reflection.{version}."))


class _Renamed:
    def __init__(self, channel: grpc.Channel, package: str) -> None:
        self._channel = channel
        self._package = package

    def stream_stream(self, path: str, *arguments: object, **options: object) -> object:
        path = path.replace("grpc.reflection.v1alpha.", self._package)
        return self._channel.stream_stream(path, *arguments, **options)
