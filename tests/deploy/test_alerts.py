"""Alerts and dashboard name what there is: each metric, each refusal code, each section of the runbook."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from prometheus_client import generate_latest

from pegwarden.v1 import control_pb2 as pb
from pegwarden.v1 import header_chain_pb2 as hb
from pegwarden.v1 import types_pb2 as t
from scripts.code_scan import ROOT
from signer.core.caller import Caller
from signer.core.catalogue import CATALOGUE
from signer.edge.heartbeat import Heartbeat
from signer.edge.metrics import EdgeMetrics
from signer.edge.roles import ROLES
from signer.edge.tls import CertificateDays, Renewal
from tests.edge.lobby import setting

RULES = ROOT / "deploy" / "prometheus" / "pegwarden.rules.yml"
DASHBOARD = ROOT / "deploy" / "grafana" / "pegwarden.json"
RUNBOOK = ROOT / "docs" / "runbook.md"
RULE = re.compile(
    r'      - alert: (?P<name>\w+)\n        expr: (?P<expr>".*")\n        for: (?P<wait>\d+[mh])\n'
    r"        labels:\n          scope: (?P<scope>\S+)\n          severity: (?P<severity>\S+)\n"
    r'        annotations:\n          summary: (?P<summary>".*")\n          runbook: (?P<runbook>\S+)\n'
)
OUTCOMES = {"ok", "fault", "cancelled"}
TOLD = pb.GetStatusResponse(
    policy_expires_unix=1,
    custody=t.Custody(keys=[t.KeyCustody(kind="file", has_caps=True)]),
    chain=hb.GetTipResponse(sources=[hb.HeaderSource(name="indexer", brought_unix=1)]),
)


@dataclass(frozen=True)
class Alert:
    """One rule."""

    name: str
    expr: str
    scope: str
    severity: str
    runbook: str


def alerts() -> tuple[Alert, ...]:
    text = RULES.read_text()
    found = list(RULE.finditer(text))
    assert len(found) == text.count("- alert:"), "a rule of another form"
    rest = RULE.sub("", text).splitlines()
    assert {line.strip() for line in rest if not line.startswith("#")} == {
        *("groups:", "rules:", "- name: pegwarden-member", "- name: pegwarden-federation")
    }
    return tuple(
        Alert(
            each["name"], json.loads(each["expr"]), each["scope"], each["severity"], each["runbook"]
        )
        for each in found
    )


def expressions() -> Iterator[str]:
    yield from (each.expr for each in alerts())
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        yield from (target["expr"] for target in panel["targets"])


@pytest.fixture(scope="module")
def exposed() -> set[str]:
    """The names of all series that an edge tells of a kernel that answers."""
    metrics = EdgeMetrics()
    metrics.observe("SignPsbt", "ok", 0.1)

    def answer(_: str, __: Caller, ___: bytes) -> bytes:
        return TOLD.SerializeToString()

    metrics.registry.register(Heartbeat(answer))
    renewal = Renewal(setting().tls, lambda: setting().tls)
    metrics.registry.register(CertificateDays(renewal, {}))
    lines = generate_latest(metrics.registry).decode().splitlines()
    return {re.split(r"[ {]", line)[0] for line in lines if not line.startswith("#")}


def names_in(expr: str) -> set[str]:
    return set(re.findall(r"\bpegwarden_[a-z_]+", expr))


def test_every_metric_that_is_named_is_told(exposed: set[str]) -> None:
    wanted = set().union(*map(names_in, expressions()))
    assert wanted - exposed == set()
    assert len(wanted) > 10
    for expr in expressions():
        others = re.findall(r"\b([a-z_]+)(?=\{)", expr)
        assert set(others) - names_in(expr) <= {"up"}, expr


def test_every_gauge_is_on_the_dashboard(exposed: set[str]) -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    shown = set().union(*(names_in(each["expr"]) for panel in panels for each in panel["targets"]))
    histogram = {name for name in exposed if name.startswith("pegwarden_call_seconds_")}
    created = {name for name in exposed if name.endswith("_created")}
    assert exposed - shown - histogram - created == set()


def test_every_code_that_is_matched_is_in_the_catalogue() -> None:
    codes = {
        code
        for expr in expressions()
        for matcher in re.findall(r'\bcode(?:=~|!=|=)"([^"]*)"', expr)
        for code in matcher.split("|")
    }
    assert codes - CATALOGUE.keys() <= OUTCOMES
    assert len(codes) > 10
    methods = {m for expr in expressions() for m in re.findall(r'\bmethod="([^"]*)"', expr)}
    assert methods <= ROLES.keys()


def anchors() -> set[str]:
    heads = re.findall(r"^## (.*)$", RUNBOOK.read_text(), re.M)
    return {re.sub(r"[^a-z0-9 -]", "", head.lower()).replace(" ", "-") for head in heads}


def test_every_alert_says_whose_it_is_and_what_to_open() -> None:
    found = alerts()
    assert len({each.name for each in found}) == len(found) > 20
    assert {each.scope for each in found} == {"member-local", "federation-wide"}
    assert {each.severity for each in found} == {"page", "ticket"}
    sections = {f"docs/runbook.md#{anchor}" for anchor in anchors()}
    assert {each.runbook for each in found} - sections == set()


def test_days_left_alert_at_30_7_and_1() -> None:
    for name in ("pegwarden_certificate_days_left", "pegwarden_policy_days_left"):
        limits = [re.findall(rf"^{name} < (\d+)$", each.expr) for each in alerts()]
        assert [limit for each in limits for limit in each] == ["30", "7", "1"]


def test_the_dashboard_has_no_place_of_its_own() -> None:
    board = json.loads(DASHBOARD.read_text())
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    for panel in board["panels"]:
        assert panel["datasource"]["uid"] == "${source}"
        assert all('instance=~"$instance"' in each["expr"] for each in panel["targets"])
