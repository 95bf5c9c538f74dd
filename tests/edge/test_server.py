"""Start, health, logs, metrics, end."""

import asyncio
import json
import logging
import socket
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import grpc
import pytest
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from signer.core.errors import Fault, Objection, VerificationError, malformed
from signer.edge.address import Address, parse_address
from signer.edge.logs import JsonFormatter
from signer.edge.metrics import EdgeMetrics, serve_metrics
from signer.edge.roles import SERVICES
from signer.edge.server import Edge
from tests.edge.lobby import (
    INDEXER,
    RELAYER,
    STRANGER,
    EchoKernel,
    FailingKernel,
    RefusingKernel,
    WaitingKernel,
    served,
    setting,
)

HEALTH = "/grpc.health.v1.Health/Check"


@pytest.mark.parametrize(
    ("service", "state"),
    [
        ("", "SERVING"),
        *((service, "SERVING") for service in SERVICES),
        ("another.Service", "SERVICE_UNKNOWN"),
    ],
)
def test_health_is_told_to_every_known_caller(service: str, state: str) -> None:
    request = health_pb2.HealthCheckRequest(service=service).SerializeToString()
    with served(EchoKernel()) as lobby:
        answer = health_pb2.HealthCheckResponse.FromString(lobby.call(INDEXER, HEALTH, request))
    assert health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status) == state


def test_health_is_not_told_to_strangers() -> None:
    with served(EchoKernel()) as lobby:
        assert lobby.refused(STRANGER, HEALTH).code == "caller-unknown"
        assert lobby.refused(RELAYER, HEALTH, b"\xff").code == "request-malformed"


def test_reflection_is_not_served_unless_it_is_asked_for() -> None:
    path = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
    request = reflection_pb2.ServerReflectionRequest(list_services="").SerializeToString()
    with served(EchoKernel(), replace(setting(), reflection=True)) as lobby:
        answer = reflection_pb2.ServerReflectionResponse.FromString(
            lobby.call(RELAYER, path, request)
        )
    assert set(SERVICES) <= {each.name for each in answer.list_services_response.service}
    with served(EchoKernel()) as lobby:
        assert lobby.refused(RELAYER, path, request).status is grpc.StatusCode.UNIMPLEMENTED


def test_a_method_that_nobody_named_is_not_served() -> None:
    with served(EchoKernel()) as lobby:
        told = lobby.refused(RELAYER, "SignDigest")
    assert told.status is grpc.StatusCode.UNIMPLEMENTED


def test_a_busy_port_is_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        async def start() -> None:
            edge = Edge(replace(setting(), listen=Address("127.0.0.1", port)), EchoKernel())
            try:
                await edge.start()
            finally:
                await edge.stop()

        with pytest.raises(Fault, match=rf"cannot listen on 127\.0\.0\.1:{port}: another process"):
            asyncio.run(start())


def test_two_kernels_never_share_a_port() -> None:
    """Without so_reuseport=0 both would bind, and the system would choose who answers."""
    with served(EchoKernel()) as lobby:

        async def start() -> None:
            listen = Address("127.0.0.1", lobby.port)
            edge = Edge(replace(setting(), listen=listen), EchoKernel())
            try:
                await edge.start()
            finally:
                await edge.stop()

        with pytest.raises(Fault):
            asyncio.run(start())


def test_calls_in_flight_are_drained() -> None:
    kernel = WaitingKernel()
    limits = replace(setting().limits, drain_seconds=10)
    with ThreadPoolExecutor(1) as client:
        with served(kernel, replace(setting(), limits=limits)) as lobby:
            answer = client.submit(lobby.call, RELAYER, "SignPsbt", b"in flight")
            assert kernel.started.acquire(timeout=10)
            threading.Timer(0.2, kernel.release.set).start()
        assert answer.result(10) == b"in flight"


def test_a_call_is_one_json_line_without_its_contents(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("pegwarden")
    logger.addHandler(caplog.handler)
    caplog.set_level(logging.INFO, "pegwarden")
    try:
        with served(
            RefusingKernel(VerificationError(Objection("input-foreign", "secret")))
        ) as lobby:
            lobby.refused(RELAYER, "SignPsbt", b"payload")
    finally:
        logger.removeHandler(caplog.handler)
    line = json.loads(JsonFormatter().format(caplog.records[0]))
    told = {"request", "method", "caller", "code", "ms"}
    assert set(line) == {"time", "level", "log", "event", "PRIORITY", "SYSLOG_IDENTIFIER"} | told
    said = (line["event"], line["method"], line["caller"], line["code"])
    assert said == ("call", "SignPsbt", "relayer", "input-foreign")
    assert "secret" not in json.dumps(line)


def test_a_fault_is_logged_with_its_incident_and_without_its_text(
    caplog: pytest.LogCaptureFixture,
) -> None:
    logger = logging.getLogger("pegwarden")
    logger.addHandler(caplog.handler)
    try:
        with served(FailingKernel(RuntimeError("xprv9s21ZrQH143K"))) as lobby:
            told = lobby.refused(RELAYER, "SignPsbt")
    finally:
        logger.removeHandler(caplog.handler)
    lines = [json.loads(JsonFormatter().format(record)) for record in caplog.records]
    fault = next(line for line in lines if line["event"] == "fault")
    assert told.message == f"incident {fault['incident']}"
    assert "RuntimeError" in fault["cause"][0]
    assert "xprv" not in json.dumps(lines)


def test_metrics_count_by_method_and_code() -> None:
    with served(RefusingKernel(malformed("psbt-magic", "no"))) as lobby:
        lobby.refused(RELAYER, "SignPsbt")
        lobby.refused(STRANGER, "SignPsbt")
        registry = lobby.edge.metrics.registry

        def count(code: str) -> float | None:
            labels = {"method": "SignPsbt", "code": code}
            return registry.get_sample_value("pegwarden_calls_total", labels)

        assert (count("psbt-magic"), count("caller-unknown"), count("ok")) == (1, 1, None)


def test_metrics_are_served_and_a_busy_port_is_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Fault, match=f"metrics cannot listen on 127.0.0.1:{port}"):
            serve_metrics(EdgeMetrics(), "127.0.0.1", port)
    metrics = EdgeMetrics()
    metrics.observe("GetInfo", "ok", 0.001)
    stop = serve_metrics(metrics, "127.0.0.1", port)
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            assert b'pegwarden_calls_total{code="ok",method="GetInfo"} 1.0' in answer.read()
    finally:
        stop()


@pytest.mark.parametrize(
    "text",
    [
        "localhost:1",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:65536",
        "::1:5",
        "127.0.0.1:01",
        ":5",
        "",
    ],
)
def test_what_is_no_ip_address_and_port(text: str) -> None:
    assert parse_address(text) is None


@pytest.mark.parametrize(
    ("text", "loopback"), [("127.0.0.1:50551", True), ("[::1]:1", True), ("0.0.0.0:5", False)]
)
def test_an_address_is_written_as_it_is_read(text: str, loopback: bool) -> None:
    address = parse_address(text)
    assert address is not None
    assert str(address) == text
    assert address.is_loopback is loopback
