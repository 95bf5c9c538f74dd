"""The English and the JSON say what the policy says, and the example is what its comment says."""

import hashlib
import json
from pathlib import Path

from coincurve import PrivateKey
from embit import bip32, ec, script
from embit.networks import NETWORKS

from policies.explain import as_json, render
from policies.load import load_policy
from signer.bitcoin.network import network_named
from signer.bitcoin.taproot import unspendable_xpub
from tests.policies.world import BRIDGE, BRIDGE_TEXT, FEDERATION, TEXT, policy_text

EXPECTED = """\
Withdrawal from peg: allowed by any one of these rules.
  Rule 1 (line 39), when:
    all of:
      1. 2 of the 3 keys in watchers attest the id, amount and script of each withdrawal not on record yet
      2. the fee rate is 1 sat/vB to 200 sat/vB
      3. the fee is at most 0.002 BTC
      4. any of:
        4.1. all of:
          4.1.1. each payment is at most 1 BTC
          4.1.2. with it at most 10 BTC leave the vault within any 1d, fees included
        4.2. all of:
          4.2.1. each payment goes to one of the 2 addresses in exchange
          4.2.2. with it at most 100 BTC leave the vault within any 1d, fees included
  Who must agree, in every case one of:
    - 2 of the 3 keys in watchers

Anchor from peg: never."""


def test_english() -> None:
    text = "\n".join(render(FEDERATION))
    assert EXPECTED in text
    assert "Default: no." in text
    assert f"Policy id {FEDERATION.policy_id.hex()}" in text
    assert "f = 0: no withdrawal is paid twice while at most that many are dishonest." in text
    for said in (
        "wsh(sortedmulti(2,@0/**,@1/**,@2/**))",
        FEDERATION.vaults[0].fingerprint.hex(),
        *FEDERATION.vault_definitions[0].keys,
        *(key.hex() for key in FEDERATION.attestors),
        "bcrt1qz32twfx4t3csxdlnu3w8989saam3zm8c86586f",
        "Rollup main: magic 50475744, batches from 1, contiguous",
        "attest that the coin is confirmed and unspent, within the hour",
        "1000 above the highest index seen",
        "release_depth is 100 blocks",
    ):
        assert said in text


SWEEP = """\
Sweep from next to next: allowed by any one of these rules.
  Rule 6 (line 84), when:
    all of:
      1. any of:
        1.1. all of:
          1.1.1. the coins are spent by the vault's primary path
          1.1.2. 2 of the 3 keys in watchers attest the vault that receives, the path and the highest fee, for one transaction
        1.2. 3 of the 3 keys in watchers attest the vault that receives, the path and the highest fee, for one transaction
      2. the fee rate is 1 sat/vB to 50 sat/vB
      3. the fee is at most 0.01 BTC
  Who must agree, in every case one of:
    - 2 of the 3 keys in watchers
    - 3 of the 3 keys in watchers

Rotation from next: never."""  # noqa: E501


def test_english_of_every_kind() -> None:
    lines = render(BRIDGE)
    text = "\n".join(lines)
    assert SWEEP in text
    for said in (
        "Anchor from peg: allowed by any one of these rules.",
        "Sweep from peg to peg: allowed by any one of these rules.",
        "Rotation from peg to next: allowed by any one of these rules.",
        "Anchor from next: never.",
        "  Path primary: any 2 of @0, @1, @2 sign.",
        "  Nobody can spend by the key path: the internal key is unspendable.",
        "  Path primary: any 2 of @1, @2, @3 sign.",
        "  Path recovery: any 1 of @1, @2, @3 sign, 4320 blocks after the coin, to sweep or rotate.",
        "  No fewer members, and nobody else, can move a coin before it is 4032 blocks old.",
        "Rollup games: magic 47414d45, batches from 1000, increasing",
        "      2. the attested batch before is the one that this batch may follow in its rollup",
    ):
        assert said in lines
    assert (
        "attest the batch, its root and Ethereum transaction, and the batch and root before" in text
    )
    assert sum("key path" in line for line in lines) == 1


def test_each_route_is_told_once() -> None:
    again = TEXT + TEXT[TEXT.index("[[allow]]") :]
    lines = render(load_policy(again.encode()))
    assert sum(line.startswith("Withdrawal from peg") for line in lines) == 1
    assert sum(line.startswith("  Rule ") for line in lines) == 2


def test_json_of_every_kind() -> None:
    shown = json.loads(json.dumps(as_json(BRIDGE)))
    peg, following = shown["vaults"]
    assert (peg["weaker_after"], following["weaker_after"]) == (None, 4032)
    assert (peg["weaker_from"], following["weaker_from"]) == (None, None)
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
    ]
    assert [rollup["sequence"] for rollup in shown["rollups"]] == ["contiguous", "increasing"]


def test_the_examples_internal_key_is_the_documented_one() -> None:
    written = unspendable_xpub().text(BRIDGE.network)
    assert BRIDGE.vault_definitions[1].keys[0] == written
    manual = (Path(__file__).parents[2] / "docs" / "policy.md").read_text()
    assert written in manual
    assert unspendable_xpub().text(network_named("mainnet")) in manual


def test_who_must_agree_is_read_from_the_ways() -> None:
    when = "and(attested(1, watchers), or(attested(3, watchers), path(primary)))"
    text = "\n".join(render(load_policy(policy_text(when).encode())))
    one = "    - 1 of the 3 keys in watchers\n"
    both = "    - 1 of the 3 keys in watchers and 3 of the 3 keys in watchers\n"
    assert one in text
    assert both in text


def test_a_rule_of_one_predicate() -> None:
    lines = render(load_policy(policy_text("attested(2, watchers)").encode()))
    assert (
        "    2 of the 3 keys in watchers attest the id, amount and script of each withdrawal not on "
        "record yet"
    ) in lines


def test_json() -> None:
    shown = json.loads(json.dumps(as_json(FEDERATION)))
    assert shown["policy_id"] == FEDERATION.policy_id.hex()
    assert shown["default"] == "refuse"
    (vault,) = shown["vaults"]
    assert (vault["threshold"], vault["members"], vault["tolerated"]) == (2, 3, 0)
    assert vault["descriptor"].startswith("wsh(sortedmulti(2,[6143f0f6/48'")
    assert vault["coins"]["predicate"] == "attested(2, watchers)"
    (rule,) = shown["rules"]
    assert (rule["spend"], rule["from"], rule["line"], len(rule["ways"])) == (
        "withdrawal",
        "peg",
        39,
        2,
    )
    assert rule["who"] == ["2 of the 3 keys in watchers"]
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
