"""The English and the JSON say what the policy says, and the example is what its comment says."""

import hashlib
import json

from coincurve import PrivateKey
from embit import bip32, ec, script
from embit.networks import NETWORKS

from policies.explain import as_json, render
from policies.load import load_policy
from tests.policies.world import FEDERATION, TEXT, policy_text

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
    for number in range(2):
        key = ec.PrivateKey(seed(f"exchange {number}")).get_public_key()
        assert script.p2wpkh(key).address(regtest) in TEXT
