"""docs/vectors, computed again from the byte layout in docs/integrate.md.

Nothing of the kernel takes part: hashlib, embit (BIP-32, BIP-340, BIP-341's tweak) and cryptography do.
"""

import hashlib
import json
import re
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from embit import ec, script
from embit.bip32 import HDKey
from embit.descriptor.checksum import add_checksum
from embit.networks import NETWORKS

from scripts import generate_vectors
from tests.foreign.toolchain import SECONDS, node_command
from tests.vectors import ROOT

FOLDER = ROOT / "docs" / "vectors"
GENESIS = bytes.fromhex("0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206")[::-1]
"""Of regtest, in internal byte order; the display form is the one known to all."""


def cases(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((FOLDER / name).read_text())["cases"]
    return found


def sha256(preimage: bytes) -> bytes:
    return hashlib.sha256(preimage).digest()


def tagged(tag: str, message: bytes) -> bytes:
    return sha256(sha256(tag.encode()) * 2 + message)


def u(size: int, value: int | str) -> bytes:
    return int(value).to_bytes(size, "big")


def sized(value: bytes) -> bytes:
    return u(2, len(value)) + value


def unhex(value: str) -> bytes:
    return bytes.fromhex(value)


STATEMENTS: dict[str, Callable[[dict[str, Any]], bytes]] = {
    "withdrawal": lambda it: (
        unhex(it["withdrawal_id"]) + u(8, it["amount_sat"]) + sized(unhex(it["script_pubkey"]))
    ),
    "coin": lambda it: (
        unhex(it["txid"])
        + u(4, it["vout"])
        + u(8, it["amount_sat"])
        + u(4, it["confirmed_height"])
        + sized(unhex(it["script_pubkey"]))
    ),
    "anchor": lambda it: (
        unhex(it["magic"])
        + u(8, it["previous_batch_id"])
        + unhex(it["previous_state_root"])
        + u(8, it["batch_id"])
        + unhex(it["state_root"])
        + unhex(it["eth_tx_hash"])
    ),
    "sweep": lambda it: (
        u(1, it["kind"])
        + unhex(it["to_vault_fingerprint"])
        + u(1, it["path_index"])
        + u(8, it["max_fee_sat"])
        + unhex(it["nonce"])
    ),
    "spent": lambda it: (
        unhex(it["txid"])
        + u(4, it["vout"])
        + unhex(it["spending_txid"])
        + u(4, it["confirmed_height"])
        + u(4, it["tip_height"])
    ),
}
SIZES = {
    "anchor": 4 + 8 + 32 + 8 + 32 + 32,
    "sweep": 1 + 32 + 1 + 8 + 16,
    "spent": 32 + 4 + 32 + 4 + 4,
}
"""Of the kinds without a script."""


@pytest.mark.parametrize("case", cases("withdrawal_ids.json"))
def test_withdrawal_ids(case: dict[str, Any]) -> None:
    preimage = u(4, case["l2_chain_id"]) + unhex(case["contract"]) + u(32, case["burn_counter"])
    assert len(preimage) == 56
    assert (preimage.hex(), sha256(preimage).hex()) == (case["preimage"], case["withdrawal_id"])


@pytest.fixture(scope="module")
def policy() -> dict[str, Any]:
    text = (ROOT / "policies" / "examples" / "bridge.toml").read_text()
    return tomllib.loads(text)["vaults"]


@pytest.mark.parametrize("case", cases("vaults.json"), ids=lambda case: case["vault"])
def test_canonical_texts_and_fingerprints(case: dict[str, Any], policy: dict[str, Any]) -> None:
    vault = policy[case["vault"]]
    text = vault["template"].strip().replace("/**", "/<0;1>/*")
    text = re.sub(r"@(\d)", lambda match: vault["keys"][int(match[1])], text)
    assert case["canonical_text"] == text
    assert case["descriptor"] == add_checksum(text)
    assert case["fingerprint"] == sha256(text.encode()).hex()


@pytest.mark.parametrize("case", cases("vaults.json"), ids=lambda case: case["vault"])
def test_scripts_and_addresses(case: dict[str, Any], policy: dict[str, Any]) -> None:
    keys = [HDKey.from_string(key.split("]")[-1]) for key in policy[case["vault"]]["keys"]]
    made = {"peg": wsh, "next": tr}[case["vault"]]
    assert len(case["scripts"]) == 3
    for row in case["scripts"]:
        branch, index = map(int, row["derivation"][1:].split("/"))
        found = made(keys, branch, index)
        assert found.hex() == row["script_pubkey"]
        assert script.Script(found).address(NETWORKS["regtest"]) == row["address"]


def wsh(keys: list[HDKey], branch: int, index: int) -> bytes:
    """2 <key> <key> <key> 3 OP_CHECKMULTISIG, the keys in lexicographic order."""
    points = sorted(key.derive([branch, index]).key.sec() for key in keys)
    body = b"".join(b"\x21" + point for point in points)
    return b"\x00\x20" + sha256(b"\x52" + body + b"\x53\xae")


def tr(keys: list[HDKey], branch: int, index: int) -> bytes:
    """The internal key tweaked by two leaves: 2 of 3; 1 of 3 after 4320 blocks by the next branches."""
    primary = multi_a(2, keys[1:], branch, index)
    recovery = b"\x02\xe0\x10\xb2\x69" + multi_a(1, keys[1:], branch + 2, index)
    leaves = [tagged("TapLeaf", b"\xc0" + u(1, len(leaf)) + leaf) for leaf in (primary, recovery)]
    root = tagged("TapBranch", b"".join(sorted(leaves)))
    internal = ec.PublicKey.from_xonly(keys[0].derive([branch, index]).key.xonly())
    return b"\x51\x20" + internal.taproot_tweak(root).xonly()


def multi_a(threshold: int, keys: list[HDKey], branch: int, index: int) -> bytes:
    """<key> OP_CHECKSIG <key> OP_CHECKSIGADD ... k OP_NUMEQUAL."""
    points = [key.derive([branch, index]).key.xonly() for key in keys]
    first, *rest = (b"\x20" + point for point in points)
    return (
        first
        + b"\xac"
        + b"".join(each + b"\xba" for each in rest)
        + u(1, 0x50 + threshold)
        + b"\x9c"
    )


@pytest.mark.parametrize("case", cases("attestations.json"), ids=lambda case: case["kind"])
def test_attestations(case: dict[str, Any]) -> None:
    kind = case["kind"]
    statements = [STATEMENTS[kind](each) for each in case["statements"]]
    assert [each.hex() for each in statements] == case["statement_bytes"]
    assert kind not in SIZES or {len(each) for each in statements} == {SIZES[kind]}
    digest = tagged(f"pegwarden/{kind}/v1", attested(case, statements))
    assert digest.hex() == case["digest"]
    assert ec.PrivateKey(unhex(case["attestor_secret"])).xonly().hex() == case["attestor"]
    assert verifies(case, digest)
    assert not verifies(case, tagged("pegwarden/other/v1", attested(case, statements)))


def attested(case: dict[str, Any], statements: list[bytes]) -> bytes:
    assert unhex(case["genesis_hash"]) == GENESIS
    bound = GENESIS + fingerprint(case) + u(8, case["expiry_unix"])
    return bound + u(4, len(statements)) + b"".join(statements)


def fingerprint(case: dict[str, Any]) -> bytes:
    (vault,) = (each for each in cases("vaults.json") if each["vault"] == case["vault"])
    assert vault["fingerprint"] == case["vault_fingerprint"]
    return unhex(vault["fingerprint"])


def verifies(case: dict[str, Any], digest: bytes) -> bool:
    signature = ec.SchnorrSig.parse(unhex(case["signature"]))
    key = ec.PublicKey.from_xonly(unhex(case["attestor"]))
    answer: bool = key.schnorr_verify(signature, digest)
    return answer


def test_every_kind_of_statement_stands_in_the_vectors() -> None:
    assert {case["kind"] for case in cases("attestations.json")} == set(STATEMENTS)
    stated = {(case["kind"], case["vault"]) for case in cases("kernel_statements.json")}
    assert stated == {(kind, vault) for kind in FIELDS for vault in ("peg", "next")}
    assert {case["kind"] for case in cases("payloads.json")} == {"deposit", "anchor"}


FIELDS: dict[str, Callable[[dict[str, Any]], bytes]] = {
    "address": lambda it: (
        sized(it["address"].encode())
        + sized(unhex(it["script_pubkey"]))
        + u(4, it["branch"])
        + u(4, it["index"])
        + sized(it["derivation"].encode())
    ),
    "deposit": lambda it: (
        sized(it["vault_address"].encode())
        + sized(unhex(it["vault_script_pubkey"]))
        + u(4, it["vault_vout"])
        + u(8, it["amount_sat"])
        + u(4, it["index"])
        + sized(unhex(it["payload"]))
    ),
}


@pytest.mark.parametrize("case", cases("kernel_statements.json"), ids=lambda case: case["kind"])
def test_kernel_statements(case: dict[str, Any]) -> None:
    domain = f"pegwarden/{case['kind']}/v1".encode() + b"\x00"
    digest = sha256(domain + GENESIS + fingerprint(case) + FIELDS[case["kind"]](case["fields"]))
    assert digest.hex() == case["digest"]
    key = Ed25519PublicKey.from_public_bytes(unhex(case["statement_key"]))
    key.verify(unhex(case["signature"]), digest)
    with pytest.raises(InvalidSignature):
        key.verify(unhex(case["signature"]), sha256(digest))


def action_of(case: dict[str, Any]) -> str:
    line: str = case["text"].split("\n")[1]
    return line.removeprefix("action: ")


@pytest.mark.parametrize("case", cases("officer_acts.json"), ids=action_of)
def test_officers_texts(case: dict[str, Any]) -> None:
    digest = tagged("pegwarden/officer/v1", case["text"].encode())
    assert digest.hex() == case["digest"]
    key = ec.PrivateKey(unhex(case["officer_secret"]))
    assert key.xonly().hex() == case["officer"]
    assert verifies(case | {"attestor": case["officer"]}, digest)
    lines = case["text"].split("\n")
    assert lines[2:4] == ["network: regtest", f"genesis: {GENESIS[::-1].hex()}"]
    assert lines[-2:] == ["expires: 2027-01-15T08:00:00Z", ""]


def test_every_action_stands_in_the_vectors() -> None:
    assert sorted(map(action_of, cases("officer_acts.json"))) == [
        "approve policy",
        "approve rotation",
        "approve withdrawal",
        "confirm pause",
        "hold destination",
        "hold withdrawal",
        "lift holds",
        "lock",
        "new epoch",
        "pause",
        "reject withdrawal",
        "release withdrawal",
        "release withdrawal",
        "resume",
        "unlock",
    ]


@pytest.mark.parametrize("case", cases("officer_acts.json"), ids=action_of)
def test_openssh_itself_verifies_the_officer_s_signature(
    case: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "allowed").write_text(f"officer {case['ssh_key']}\n")
    (tmp_path / "text.sig").write_text(case["ssh_signature"])
    command = ["ssh-keygen", "-Y", "verify", "-f", "allowed", "-I", "officer", "-n", "pegwarden"]
    command += ["-s", "text.sig"]

    def verdict(text: str) -> int:
        done = subprocess.run(
            command, input=text.encode(), cwd=tmp_path, capture_output=True, check=False
        )
        return done.returncode

    assert verdict(case["text"]) == 0
    assert verdict(case["text"] + "\n") != 0


@pytest.mark.parametrize("case", cases("receipts.json"), ids=lambda case: case["verdict"])
def test_receipts(case: dict[str, Any]) -> None:
    log_key = unhex(case["log_key"])
    text = (
        "pegwarden/receipt/v1\n"
        f"log: pegwarden/{GENESIS.hex()}/{sha256(log_key).hex()}\n"
        f"decision: {case['decision_id']}\n"
        f"verdict: {case['verdict']}\n"
        f"request: {case['request_digest']}\n"
        f"txid: {case['txid'] or 'none'}\n"
        f"size: {case['size']}\n"
        f"root: {case['root']}\n"
    )
    assert text == case["text"]
    key = Ed25519PublicKey.from_public_bytes(log_key)
    key.verify(unhex(case["signature"]), text.encode())
    with pytest.raises(InvalidSignature):
        key.verify(unhex(case["signature"]), text.encode() + b"\n")


@pytest.mark.parametrize("case", cases("payloads.json"), ids=lambda case: case["kind"])
def test_payloads(case: dict[str, Any]) -> None:
    it = case["fields"]
    if case["kind"] == "deposit":
        rest = b"\x01\x01" + u(4, it["l2_chain_id"]) + unhex(it["l2_address"])
        prefix = b"\x6a\x1e"
    else:
        rest = b"\x01\x02" + u(8, it["batch_id"]) + unhex(it["state_root"] + it["eth_tx_hash"])
        prefix = b"\x6a\x4c\x4e"
    payload = unhex(it["magic"]) + rest
    assert payload.hex() == case["payload"]
    assert (prefix + payload).hex() == case["script_pubkey"]


@pytest.mark.parametrize("case", cases("deposit_attestations.json"), ids=lambda it: str(it["vout"]))
def test_deposit_attestations(case: dict[str, Any]) -> None:
    said = (
        GENESIS
        + unhex(case["vault_fingerprint"])
        + unhex(case["txid"])
        + u(4, case["vout"])
        + u(8, case["amount_sat"])
        + unhex(case["magic"])
        + u(4, case["l2_chain_id"])
        + unhex(case["l2_address"])
        + unhex(case["block_hash"])
        + u(4, case["height"])
    )
    assert said.hex() == case["bytes"]
    digest = tagged("pegwarden/deposit-attested/v1", said)
    assert digest.hex() == case["digest"]
    secret = ec.PrivateKey(unhex(case["attestation_secret"]))
    assert secret.xonly().hex() == case["attestation_key"]
    by = {"attestor": case["attestation_key"], "signature": case["signature"]}
    assert verifies(by, digest)
    assert not verifies(by, tagged("pegwarden/deposit/v1", said))


def test_the_vectors_are_what_the_generator_makes() -> None:
    made = generate_vectors.render()
    assert {path.name: path.read_text() for path in FOLDER.glob("*.json")} == made


def test_node_computes_the_same() -> None:
    command, environment = node_command()
    done = subprocess.run(
        [*command, "vectors", str(FOLDER)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {name: len(cases(name)) for name in generate_vectors.FILES}


def test_node_notices_a_changed_vector(tmp_path: Any) -> None:
    command, environment = node_command()
    text = (FOLDER / "attestations.json").read_text()
    (tmp_path / "attestations.json").write_text(text.replace('"vout": 1,', '"vout": 2,'))
    done = subprocess.run(
        [*command, "vectors", str(tmp_path)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert done.returncode == 1
    assert "AssertionError" in done.stderr
