"""What `init`, `config check`, `doctor` and `status` say of the chain of headers."""

import re
from dataclasses import replace

import pytest

from pegwarden.v1 import header_chain_pb2 as hb
from pegwarden.v1 import types_pb2 as t
from signer.cli import symptoms
from signer.cli.config import _missing_chain
from signer.cli.member_directory import InitRequest, NamedCertificate, _chain_lines
from signer.cli.status_chain import chain_json, chain_lines
from signer.cli.symptoms import Grade
from signer.config import KernelConfig, load_config
from signer.config_chain import ChainConfig
from tests.cli.desk import Desk, MemberPlace

TIP = hb.GetTipResponse(
    hash_display="00ab",
    height=812,
    chain_work=(1 << 40).to_bytes(32, "big"),
    median_time_unix=1_800_000_000,
    since_unix=1_800_003_600,
    vouched_height=810,
    sources_needed=2,
    sources=[
        hb.HeaderSource(name="a", height=812, brought_unix=1_800_003_600),
        hb.HeaderSource(name="b", height=810, brought_unix=1_800_003_000, equivocations=2),
        hb.HeaderSource(name="c"),
    ],
)


def test_a_status_shows_tip_and_sources() -> None:
    assert list(chain_lines(TIP)) == [
        "chain        height 812, 00ab",
        "             up to height 810 2 of 3 sources vouch for it",
        "source       a: height 812, 2027-01-15T09:00:00Z",
        "source       b: height 810, 2027-01-15T08:50:00Z; EQUIVOCATED 2 times",
        "source       c: nothing yet",
    ]
    told = chain_json(TIP)
    assert (told["height"], told["vouched_height"], told["stale"]) == (812, 810, [])
    sources = told["sources"]
    assert isinstance(sources, dict)
    assert sources["b"] == {"height": 810, "brought_unix": 1_800_003_000, "equivocations": 2}


@pytest.mark.parametrize(
    ("observed", "limit", "shown"), [("9 s", "5 s", " (9 s, limit 5 s)"), ("", "", "")]
)
def test_a_status_says_why_a_chain_is_stale(observed: str, limit: str, shown: str) -> None:
    objection = t.Objection(
        code="header-tip-stale", detail="the tip is old", observed=observed, limit=limit
    )
    tip = hb.GetTipResponse(stale=[objection])
    assert f"             header-tip-stale: the tip is old{shown}" in list(chain_lines(tip))
    assert chain_json(tip)["stale"] == ["header-tip-stale"]


def chained(config: KernelConfig, sources_needed: int) -> KernelConfig:
    chain = ChainConfig(("a", "b"), sources_needed, 144, 0, 1, 1, None, b"", None)
    return replace(config, chain=chain)


def test_one_source_alone_is_warned_of(member: MemberPlace) -> None:
    config = load_config(member.config)
    grades = [[each.grade for each in symptoms.chain(chained(config, n))] for n in (1, 2)]
    assert grades == [[Grade.WARNING], [Grade.GOOD]]
    assert list(symptoms.chain(replace(config, chain=None))) == []


def test_a_policy_that_asks_for_headers_needs_a_chain(member: MemberPlace) -> None:
    config = load_config(member.config)
    without = replace(config, chain=None)
    assert list(_missing_chain(without)) == []
    text = config.policy.read_text()
    asking = re.sub(
        r'(coins\s*=\s*)"[^"]*"', r'\1"and(attested(2, watchers), confirmed(3 blocks))"', text
    )
    assert asking != text
    config.policy.write_text(asking)
    (said,) = _missing_chain(without)
    assert said.startswith("[chain]: ")
    assert list(_missing_chain(chained(config, 2))) == []
    config.policy.write_text("nothing")
    assert list(_missing_chain(without)) == []


def test_init_on_regtest_makes_a_chain_and_check_shows_it(
    member: MemberPlace, pegwarden: Desk
) -> None:
    found = load_config(member.config).chain
    assert found is not None
    assert (found.sources, found.sources_needed) == (("operator",), 1)
    said = pegwarden("config", "check", "--config", member.config)
    assert "headers from operator, of whom 1 must vouch, since genesis" in said.out
    text = member.config.read_text()
    member.config.write_text(text[: text.index("[chain]")])
    said = pegwarden("config", "check", "--config", member.config)
    assert "no [chain]" in said.out
    assert pegwarden("config", "check", "--config", member.config, "--json").json["chain"] is None


@pytest.mark.parametrize(
    ("network", "roles", "sources"),
    [
        ("regtest", ("relayer",), '"one"'),
        ("regtest", ("indexer", "auditor"), '"one"'),
        ("regtest", ("auditor",), None),
        ("signet", ("relayer",), None),
        ("mainnet", ("relayer",), None),
    ],
)
def test_init_names_sources_on_regtest_alone(
    network: str, roles: tuple[str, ...], sources: str | None
) -> None:
    issued = NamedCertificate("one", roles, None)
    request = InitRequest("m", network, False, "", "", (), (issued,), (), None, ())
    lines = _chain_lines(request)
    assert lines == (
        [] if sources is None else ["", "[chain]", f"sources = [{sources}]", "sources_needed = 1"]
    )
