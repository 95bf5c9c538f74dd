"""Core's Taproot script assets: wherever a signature is checked, our digest is the one that consensus used.

1. Every signature that a success witness makes consensus check verifies under our digest: on the key path
   under the output key, on a script path under the key that the executed opcode takes.
2. An annex and OP_CODESEPARATOR are never ours to sign: the digests with them are BIP-341's, written here.
3. Where a failure witness fails by a signature, it fails under our digest too.
"""

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from signer.bitcoin.codec import Reader, u32, var_bytes
from signer.bitcoin.errors import Malformed
from signer.bitcoin.hashes import sha256
from signer.bitcoin.script import ScriptType, script_items, script_type
from signer.bitcoin.secp import BadSignature, verify_schnorr
from signer.bitcoin.taproot import LEAF_VERSION, verify_control_block
from signer.bitcoin.taproot_sighash import SIGHASH_DEFAULT, SIGHASH_TYPES, TaprootSighash
from signer.bitcoin.transaction import Transaction, TxOut, parse_transaction, read_output
from tests.bitcoin.tapscript_run import NO_SEPARATOR, Failed, SignatureCheck, is_op_success, run
from tests.vectors import vector_path

DEFAULT_OR_ALL = (0x00, 0x01)
VERIFIED = {
    "key path, DEFAULT or ALL": 93,
    "key path, another type": 188,
    "script path, DEFAULT or ALL": 933,
    "script path, another type": 912,
    "annex or separator": 684,
    "leaves run": 407,
    "leaves that check nothing": 47,
    "anyone may spend: nothing is checked": 1_621,
}
REFUSED = {"signature of the key path": 298, "signature in a leaf": 314, "another rule": 1_711}


class Spend(NamedTuple):
    """One input of a row with one of its two witnesses."""

    transaction: Transaction
    prevouts: tuple[TxOut, ...]
    index: int
    items: tuple[bytes, ...]
    """Without the annex."""
    annex: bytes | None

    @property
    def output_key(self) -> bytes:
        return self.prevouts[self.index].script_pubkey[2:]


def rows() -> Iterator[dict[str, Any]]:
    """Those of the Taproot rules whose input spends a Taproot output."""
    with gzip.open(vector_path("btcd/taproot_ref/script_assets_test.jsonl.gz"), "rt") as lines:
        for line in lines:
            row = json.loads(line)
            spent = bytes.fromhex(row["prevouts"][row["index"]])[9:]
            if "TAPROOT" in row["flags"] and script_type(spent) is ScriptType.P2TR:
                yield row


def spend_of(row: dict[str, Any], name: str) -> Spend:
    prevouts = tuple(read_output(Reader(bytes.fromhex(each), "t")) for each in row["prevouts"])
    items = tuple(bytes.fromhex(each) for each in row[name]["witness"])
    annexed = len(items) >= 2 and items[-1][:1] == b"\x50"
    transaction = parse_transaction(bytes.fromhex(row["tx"]))
    annex = items[-1] if annexed else None
    return Spend(transaction, prevouts, row["index"], items[:-1] if annexed else items, annex)


def kind_of(signature: bytes) -> int:
    """The type of a signature of 64 or 65 bytes. Raises BadSignature where BIP-341 knows none."""
    if len(signature) == 64:
        return SIGHASH_DEFAULT
    if len(signature) != 65 or signature[64] not in SIGHASH_TYPES - {SIGHASH_DEFAULT}:
        raise BadSignature("no such type")
    return signature[64]


def digest_of(spend: Spend, kind: int, leaf_hash: bytes | None, separator: int) -> bytes:
    """Ours; with an annex or a separator, what ours would be if it knew them."""
    ours = TaprootSighash(spend.transaction, spend.prevouts)
    if spend.annex is None and separator == NO_SEPARATOR:
        return ours.digest(spend.index, kind, leaf_hash)
    head = ours._heads[kind].copy()
    annexed = spend.annex is not None
    head.update(bytes((2 * (leaf_hash is not None) + annexed,)) + ours._input(spend.index, kind))
    head.update(sha256(var_bytes(spend.annex)) if spend.annex is not None else b"")
    head.update(ours._single(spend.index) if kind & 3 == 3 else b"")
    head.update(leaf_hash + b"\x00" + u32(separator) if leaf_hash is not None else b"")
    return head.digest()


def verify(spend: Spend, leaf_hash: bytes | None, check: SignatureCheck) -> str:
    """What was verified, in the words that are counted. Raises BadSignature or Malformed."""
    kind = kind_of(check.signature)
    digest = digest_of(spend, kind, leaf_hash, check.separator)
    verify_schnorr(check.pubkey, digest, check.signature[:64])
    if spend.annex is not None or check.separator != NO_SEPARATOR:
        return "annex or separator"
    path = "key path" if leaf_hash is None else "script path"
    return f"{path}, {'DEFAULT or ALL' if kind in DEFAULT_OR_ALL else 'another type'}"


def verifies(spend: Spend, leaf_hash: bytes | None, check: SignatureCheck) -> bool:
    try:
        return bool(verify(spend, leaf_hash, check))
    except (BadSignature, Malformed):
        return False


def key_path(spend: Spend) -> SignatureCheck:
    return SignatureCheck(spend.output_key, spend.items[0], NO_SEPARATOR)


def leaf_script(spend: Spend) -> bytes | None:
    """The leaf that is run: none where its version or an opcode makes any witness good (BIP-342)."""
    *_, script, control = spend.items
    if control and control[0] & 0xFE != LEAF_VERSION:
        return None
    try:
        opcodes = [opcode for opcode, _ in script_items(script)]
    except Malformed:  # undecodable behind an OP_SUCCESSx
        return None
    return None if any(map(is_op_success, opcodes)) else script


def test_every_signature_that_consensus_checks_verifies_under_our_digest() -> None:
    counted: Counter[str] = Counter()
    for row in rows():
        spend = spend_of(row, "success")
        if len(spend.items) == 1:
            counted[verify(spend, None, key_path(spend))] += 1
            continue
        script = leaf_script(spend)
        if script is None:
            counted["anyone may spend: nothing is checked"] += 1
            continue
        leaf_hash = verify_control_block(spend.output_key, spend.items[-1], script)
        checks = run(script, spend.items[:-2], lambda check: True)
        counted.update(verify(spend, leaf_hash, check) for check in checks)
        counted["leaves run"] += 1
        counted["leaves that check nothing"] += not checks
    assert counted == VERIFIED


def test_signatures_that_consensus_refuses_do_not_verify() -> None:
    counted: Counter[str] = Counter()
    for row in rows():
        if "failure" in row:
            counted[why_it_fails(spend_of(row, "failure"))] += 1
    assert counted == REFUSED


def why_it_fails(spend: Spend) -> str:
    """Where a signature is at fault, says so; limits and other rules are not this file's."""
    if len(spend.items) == 1:
        assert not verifies(spend, None, key_path(spend))
        return "signature of the key path"
    script = leaf_script(spend) if spend.items else None
    if script is None:
        return "another rule"
    try:
        leaf_hash = verify_control_block(spend.output_key, spend.items[-1], script)
        run(script, spend.items[:-2], lambda check: verifies(spend, leaf_hash, check))
    except Failed as failure:
        return str(failure) if str(failure) == "signature in a leaf" else "another rule"
    except Malformed:
        pass  # the control block
    return "another rule"
