"""The English and the JSON say what the policy says, and the example is what its comment says."""

import hashlib
import json
from pathlib import Path

from coincurve import PrivateKey
from embit import bip32, ec, script
from embit.networks import NETWORKS

from policies.explain import as_json, render
from policies.explain_ways import told_routes
from policies.load import load_policy
from policies.universal import UNIVERSAL_RULES
from signer.bitcoin.network import network_named
from signer.bitcoin.taproot import unspendable_xpub
from tests.policies.boundaries import HEAD, THOUSAND_WAYS, policy_saying
from tests.policies.world import BRIDGE, BRIDGE_TEXT, FEDERATION, TEXT, policy_text

EVERYTHING = load_policy((Path(__file__).parent / "everything.toml").read_bytes())
TEXT_OF_EVERYTHING = "\n".join(render(EVERYTHING))

WITHDRAWALS = """\
Withdrawal from peg: any one of 4 ways.
  In every way:
    1. the fee is at most 0.002 BTC
    2. the fee rate is 1 sat/vB to 200 sat/vB
  Way 1 (rule 7), when also:
    1. 3 of the 3 keys in watchers attest the id, amount and script of each withdrawal not on record yet
    2. with it at most 1 BTC leave the vault within any 1d, fees included
    3. the client that asks is relayer-1
    Who must agree: 3 of the 3 keys in watchers attest.
  Way 2 (rule 1), when also:
    1. 2 of the 3 keys in watchers attest the id, amount and script of each withdrawal not on record yet
    2. each payment is at most 1 BTC
    3. with it at most 10 BTC leave the vault within any 1d, fees included
    4. no payment goes to one of the 1 addresses in exchange
    Who must agree: 2 of the 3 keys in watchers attest.
  Way 3 (rule 7), when also:
    1. 3 of the 3 keys in watchers attest the id, amount and script of each withdrawal not on record yet
    2. each payment is at most 1 BTC
    3. each payment is at least 2 BTC
    4. with it at most 1 BTC leave the vault within any 1d, fees included
    Dead: its limits exclude each other, so that no spend goes this way.
    Who must agree: 3 of the 3 keys in watchers attest.
  Way 4 (rule 1), when also:
    1. 2 of the 3 keys in watchers attest the id, amount and script of each withdrawal not on record yet
    2. with it at most 100 BTC leave the vault within any 1d, fees included
    3. 2 of the 3 officers in officers approved it
    4. 6h passed since a request first brought the attestations for exactly this withdrawal
    5. it is mon-fri, from 08:00 to 18:00 UTC
    Who must agree: 2 of the 3 keys in watchers attest; and 2 of the 3 officers in officers approve.
    Time: 6h passed since a request first brought the attestations for exactly this withdrawal.
    Time: it is mon-fri, from 08:00 to 18:00 UTC.

Anchor from peg: one way.
  Way 1 (rule 2), when:
"""
GOVERNANCE = """\
Governance: 2 of the 3 officers in officers.
  A change is agreed to by 2 of the 3 officers in officers and waits 2d.
  One that is proven to allow nothing more takes effect at once by one officer's word. It lapses after 1d \
unless 2 of the 3 officers in officers confirm it; meanwhile that officer cannot repeat it, and the quorum \
can revert it without delay.
  One officer can hold a withdrawal or a destination for at most 1d.

This policy expires at 2027-01-31T00:00:00Z. From then on no rule above holds.
  Fallback: sweeps and rotations from every vault to every vault above, when:
    2 of the 3 officers in officers approved it

Definition normal_fee: and(fee_rate_between(1 sat/vB, 200 sat/vB), fee_at_most(0.002 BTC))
Group officers, 3 keys:
"""


def test_every_way_in_numbered_english() -> None:
    """Two blocks of one route are one `or`; a way that contains another is not told."""
    assert WITHDRAWALS in TEXT_OF_EVERYTHING


def test_governance_expiry_fallback_and_definitions() -> None:
    assert GOVERNANCE in TEXT_OF_EVERYTHING
    assert "  ssh-ed25519 AAAAC3NzaC1lZDI1NTE5" in TEXT_OF_EVERYTHING


def test_what_there_is_not_is_said_too() -> None:
    text = "\n".join(render(policy_saying("path(primary)")))
    assert "Governance: none. This policy can never change, and no officer can hold" in text
    assert "This policy does not expire." in text
    assert "Anchor from peg: never." in text


def test_a_policy_that_ends_in_nothing() -> None:
    head = HEAD.replace("version = 1\n", 'version = 1\nexpires = "2027-01-31T00:00:00Z"\n')
    when = 'spend = "withdrawal"\nfrom = "peg"\nwhen = "attested(1, watchers)"\n'
    lines = render(load_policy(f"{head}\n[[allow]]\n{when}".encode()))
    at = lines.index(
        "This policy expires at 2027-01-31T00:00:00Z. From then on no rule above holds."
    )
    assert lines[at + 1] == "  Nothing is signed then."


def test_what_proves_a_coin_is_told_as_a_tree() -> None:
    rule = 'coins = "or(attested(3, watchers), and(attested(1, watchers), attested(2, officers)))"'
    head = HEAD.replace('coins = "attested(2, watchers)"', rule)
    when = 'spend = "withdrawal"\nfrom = "peg"\nwhen = "attested(1, watchers)"\n'
    lines = render(load_policy(f"{head}\n[[allow]]\n{when}".encode()))
    at = lines.index("    any of:")
    seen = " attest that the coin is confirmed and unspent, within the hour"
    assert lines[at + 1 : at + 5] == [
        f"      1. 3 of the 3 keys in watchers{seen}",
        "      2. all of:",
        f"        2.1. 1 of the 3 keys in watchers{seen}",
        f"        2.2. 2 of the 3 keys in officers{seen}",
    ]


def test_a_recovery_path_by_height() -> None:
    head = HEAD.replace("older(4320)", "after(900000)").replace(
        "weaker_after = 4032", "weaker_from = 890000"
    )
    when = 'spend = "withdrawal"\nfrom = "peg"\nwhen = "attested(1, watchers)"\n'
    lines = render(load_policy(f"{head}\n[[allow]]\n{when}".encode()))
    assert (
        "  No fewer members, and nobody else, can move a coin before the height is 890000." in lines
    )


def test_universal_rules_are_listed_all_the_same() -> None:
    for rule in UNIVERSAL_RULES:
        assert f"  {rule.promise} {rule.name}: {rule.english}" in render(EVERYTHING)


def test_english() -> None:
    text = "\n".join(render(FEDERATION))
    assert "Default: no." in text
    assert f"Policy id {FEDERATION.policy_id.hex()}" in text
    assert "f = 0: no withdrawal is paid twice while at most that many are dishonest." in text
    for said in (
        "wsh(sortedmulti(2,@0/**,@1/**,@2/**))",
        FEDERATION.vaults[0].fingerprint.hex(),
        "  in words rovoj vaduz nuhoz hobik ",
        *FEDERATION.vault_definitions[0].keys,
        *(key.hex() for key in FEDERATION.attestors),
        "bcrt1qz32twfx4t3csxdlnu3w8989saam3zm8c86586f",
        "Rollup main: magic 50475744, batches from 1, contiguous",
        "attest that the coin is confirmed and unspent, within the hour",
        "1000 above the highest index seen",
        "its pin struck, by a transaction with 100 confirmations (`coins` proves it).",
    ):
        assert said in text


def test_english_of_every_kind() -> None:
    lines = TEXT_OF_EVERYTHING.splitlines()
    for said in (
        "Sweep from peg to peg: one way.",
        "Rotation from peg to next: one way.",
        "Anchor from next: never.",
        "  Path primary: any 2 of @0, @1, @2 sign.",
        "  Nobody can spend by the key path: the internal key is unspendable.",
        "  Path primary: any 2 of @1, @2, @3 sign.",
        "  Path recovery: any 1 of @1, @2, @3 sign, 4320 blocks after the coin, to sweep or rotate.",
        "  No fewer members, and nobody else, can move a coin before it is 4032 blocks old.",
        "Rollup games: magic 47414d45, batches from 1000, increasing",
        "    5. the attested batch before is the one that this batch may follow in its rollup",
    ):
        assert said in lines
    assert sum("key path" in line for line in lines) == 1


def test_each_route_is_told_once_and_each_way_names_its_rules() -> None:
    again = TEXT + TEXT[TEXT.index("[[allow]]") :]
    lines = render(load_policy(again.encode()))
    assert sum(line.startswith("Withdrawal from peg") for line in lines) == 1
    assert any(line.startswith("  Way 1 (rules 1, 2)") for line in lines)


def test_ways_that_share_nothing_and_a_way_with_nothing_of_its_own() -> None:
    """The second route is absorbed to what stands in every way; the first shares nothing."""
    apart = policy_saying("or(path(primary), fee_at_most(1 sat))")
    assert "  Way 1 (rule 1), when also:" in render(apart)
    block = 'spend = "withdrawal"\nfrom = "peg"\nwhen = "or(attested(1, watchers), attested(2, watchers))"'
    lines = render(load_policy(f"{HEAD}\n[[allow]]\n{block}\n".encode()))
    assert "  Way 1 (rule 1), when:" in lines


def test_a_thousand_ways_are_told_with_their_numbers() -> None:
    loaded = policy_saying(THOUSAND_WAYS)
    (told,) = told_routes(loaded)
    assert [way.number for way in told.ways] == list(range(1, 1_001))
    ways = as_json(loaded)["routes"][0]["ways"]  # type: ignore[index]
    assert [set(way["when"]) for way in ways] == [
        {predicate.text for predicate in way} for way in loaded.ways_of(told.route)
    ]
    assert sum(line.startswith("  Way ") for line in render(loaded)) == 1_000


def test_json_of_every_kind() -> None:
    shown = json.loads(json.dumps(as_json(EVERYTHING)))
    peg, following = shown["vaults"]
    assert (peg["weaker_after"], following["weaker_after"]) == (None, 4032)
    assert (peg["weaker_from"], following["weaker_from"]) == (None, None)
    assert peg["fingerprint_words"].startswith("rovoj vaduz")
    assert peg["paths"] == [
        {"name": "primary", "threshold": 2, "keys": [0, 1, 2], "older": None, "after": None}
    ]
    assert following["paths"][1] == {
        "name": "recovery",
        "threshold": 1,
        "keys": [1, 2, 3],
        "older": 4320,
        "after": None,
    }
    assert [(rule["spend"], rule["from"], rule["to"]) for rule in shown["rules"]] == [
        ("withdrawal", "peg", None),
        ("anchor", "peg", None),
        ("sweep", "peg", "peg"),
        ("rotation", "peg", "next"),
        ("withdrawal", "next", None),
        ("sweep", "next", "next"),
        ("withdrawal", "peg", None),
    ]
    assert [rollup["sequence"] for rollup in shown["rollups"]] == ["contiguous", "increasing"]


def test_json_of_ways_governance_and_ending() -> None:
    shown = json.loads(json.dumps(as_json(EVERYTHING)))
    ways = shown["routes"][0]["ways"]
    assert [(way["way"], way["rules"], way["dead"]) for way in ways] == [
        (1, [7], False),
        (2, [1], False),
        (3, [7], True),
        (4, [1], False),
    ]
    assert ways[3]["who"] == [
        "2 of the 3 keys in watchers attest",
        "2 of the 3 officers in officers approve",
    ]
    assert "aged(6h)" in ways[3]["when"]
    assert len(ways[3]["time"]) == 2
    assert shown["governance"] == {
        "group": "officers",
        "officers": 3,
        "quorum": 2,
        "delay_seconds": 172_800,
        "confirm_within_seconds": 86_400,
        "hold_at_most_seconds": 86_400,
    }
    assert shown["expires_unix"] == 1_801_353_600
    assert shown["fallback"]["predicate"] == "approved(2, officers)"
    assert [rule["name"] for rule in shown["universal"]] == [rule.name for rule in UNIVERSAL_RULES]
    plain = as_json(policy_saying("path(primary)"))
    assert (plain["governance"], plain["expires_unix"], plain["fallback"]) == (None, None, None)


def test_the_examples_internal_key_is_the_documented_one() -> None:
    written = unspendable_xpub().text(BRIDGE.network)
    assert BRIDGE.vault_definitions[1].keys[0] == written
    manual = (Path(__file__).parents[2] / "docs" / "policy.md").read_text()
    assert written in manual
    assert unspendable_xpub().text(network_named("mainnet")) in manual


def test_who_must_agree_is_read_from_the_ways() -> None:
    when = "and(attested(1, watchers), or(attested(3, watchers), path(primary)))"
    text = "\n".join(render(load_policy(policy_text(when).encode())))
    assert "    Who must agree: 1 of the 3 keys in watchers attest.\n" in text
    both = "1 of the 3 keys in watchers attest; and 3 of the 3 keys in watchers attest"
    assert f"    Who must agree: {both}.\n" in text


def test_json() -> None:
    shown = json.loads(json.dumps(as_json(FEDERATION)))
    assert shown["policy_id"] == FEDERATION.policy_id.hex()
    assert shown["default"] == "refuse"
    (vault,) = shown["vaults"]
    assert (vault["threshold"], vault["members"], vault["tolerated"]) == (2, 3, 0)
    assert vault["descriptor"].startswith("wsh(sortedmulti(2,[6143f0f6/48'")
    assert vault["coins"]["predicate"] == "attested(2, watchers)"
    rule = shown["rules"][0]
    assert (rule["spend"], rule["from"]) == ("withdrawal", "peg")
    assert rule["when"]["at_least"] == 4
    assert rule["when"]["of"][2]["codes"] == ["fee-too-high"]
    assert shown["lists"]["exchange"] == [
        "bcrt1qt3jq0dk5pt55pym6x6ejvgncj93dm8qenylxea",
        "bcrt1qz32twfx4t3csxdlnu3w8989saam3zm8c86586f",
    ]
    assert shown["groups"]["watchers"] == sorted(key.hex() for key in FEDERATION.attestors)
    assert shown["rollups"] == [
        {"name": "main", "magic": "50475744", "first_batch": 1, "sequence": "contiguous"}
    ]


def seed(text: str) -> bytes:
    return hashlib.sha256(f"pegwarden example {text}".encode()).digest()


def test_the_examples_keys_are_those_that_its_comment_tells() -> None:
    regtest = NETWORKS["regtest"]
    for number in range(3):
        root = bip32.HDKey.from_seed(seed(f"member {number}"))
        account = root.derive("m/48h/1h/0h/2h").to_public().to_base58(version=regtest["xpub"])
        assert f"[{root.my_fingerprint.hex()}/48'/1'/0'/2']{account}" in TEXT
        watcher = PrivateKey(seed(f"watcher {number}")).public_key_xonly.format().hex()
        assert watcher in TEXT
        root = root.derive("m/48h/1h/1h/2h").to_public()
        assert root.to_base58(version=regtest["xpub"]) in BRIDGE_TEXT
    for number in range(2):
        key = ec.PrivateKey(seed(f"exchange {number}")).get_public_key()
        assert script.p2wpkh(key).address(regtest) in TEXT
