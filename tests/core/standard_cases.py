"""Pairs of spends, one change apart: a standard one, and one that nodes refuse.

Each pair says what consensus makes of the bad one: where it agrees, only standardness stands in between.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from btclib.script.sig_hash import segwit_v0
from btclib.tx.tx import Tx
from coincurve import PrivateKey

from signer.bitcoin.hashes import hash160, sha256
from signer.bitcoin.script import p2wsh, push_data, witness_script_pubkey
from signer.bitcoin.secp import ORDER
from signer.bitcoin.sighash import SegwitV0Sighash
from signer.bitcoin.taproot import LEAF_VERSION, UNSPENDABLE_H, TapLeaf, tap_tree, tweak
from signer.bitcoin.taproot_sighash import TaprootSighash
from signer.bitcoin.transaction import OutPoint, Transaction, Txid, TxIn, TxOut
from signer.bitcoin.units import Sats
from tests.bitcoin.test_script_assets import Spend, digest_of

AMOUNT = Sats(100_000)
NO_AUXILIARY = bytes(32)
"""Randomness for BIP-340: none, so that the same spend is the same bytes."""
PAID = TxOut(Sats(30_000), b"\x00\x14" + b"\x0a" * 20)
ALICE, BOB, CAROL = (PrivateKey(bytes((number,)) * 32) for number in (21, 22, 23))
A, B, C = (push_data(key.public_key.format()) for key in (ALICE, BOB, CAROL))
IF, NOTIF, ELSE, ENDIF, NOP1 = b"\x63", b"\x64", b"\x67", b"\x68", b"\xb0"
CHECKSIG, CHECKSIGVERIFY, CHECKMULTISIG, BOOLOR, BOOLAND = (
    b"\xac",
    b"\xad",
    b"\xae",
    b"\x9b",
    b"\x9a",
)
SWAP, NOT_ZERO, DUP_HASH160, EQUALVERIFY, SHA256 = b"\x7c", b"\x92", b"\x76\xa9", b"\x88", b"\xa8"

Sign = Callable[[PrivateKey], bytes]
Unlock = Callable[[Sign], tuple[bytes, ...]]


@dataclass(frozen=True)
class Candidate:
    """Outputs to be spent, all alike, and their spend."""

    script_pubkey: bytes
    spend: Callable[[tuple[OutPoint, ...]], Transaction]
    coins: int = 1

    def prevouts(self) -> tuple[TxOut, ...]:
        return (TxOut(AMOUNT, self.script_pubkey),) * self.coins

    def imagined(self) -> Transaction:
        """Spends coins that no chain has."""
        return self.spend(tuple(OutPoint(Txid(sha256(b"coin")), n) for n in range(self.coins)))


@dataclass(frozen=True)
class Case:
    """A pair."""

    name: str
    good: Candidate
    bad: Candidate
    consensus: bool
    """Whether consensus accepts the bad one."""


def unsigned(
    outpoints: tuple[OutPoint, ...], outputs: tuple[TxOut, ...] = (PAID,), version: int = 2
) -> Transaction:
    inputs = tuple(TxIn(outpoint, b"", 0xFFFFFFFD) for outpoint in outpoints)
    return Transaction(version, inputs, outputs, 0)


def wsh(
    script: bytes,
    unlock: Unlock = lambda sign: (sign(ALICE),),
    outputs: tuple[TxOut, ...] = (PAID,),
    version: int = 2,
    coins: int = 1,
) -> Candidate:
    """Coins of a witness script, spent with type ALL."""

    def spend(outpoints: tuple[OutPoint, ...]) -> Transaction:
        transaction = unsigned(outpoints, outputs, version)
        sighash = SegwitV0Sighash(transaction)
        stacks = []
        for index in range(coins):
            digest = sighash.digest(index, script, AMOUNT)
            stacks.append((*unlock(signer(digest)), script))
        return replace(transaction, witnesses=tuple(stacks))

    return Candidate(p2wsh(script), spend, coins)


def signer(digest: bytes) -> Sign:
    return lambda key: key.sign(digest, hasher=None) + b"\x01"


def leaf_spend(
    script: bytes,
    items: tuple[bytes, ...] = (),
    version: int = LEAF_VERSION,
    annex: bytes | None = None,
) -> Candidate:
    """A Taproot coin of one leaf, which ends in a check of Alice's signature."""
    tree = tap_tree((TapLeaf(0, script, version),))
    output, parity = tweak(UNSPENDABLE_H, tree.merkle_root)
    control = tree.leaves[0].control_block(UNSPENDABLE_H, parity)
    script_pubkey = witness_script_pubkey(1, output)

    def spend(outpoints: tuple[OutPoint, ...]) -> Transaction:
        transaction, prevouts = unsigned(outpoints), (TxOut(AMOUNT, script_pubkey),)
        subject = Spend(transaction, prevouts, 0, (), annex)
        digest = digest_of(subject, 0, tree.leaves[0].leaf_hash, 0xFFFFFFFF)
        stack = (ALICE.sign_schnorr(digest, NO_AUXILIARY), *items, script, control)
        return replace(transaction, witnesses=((*stack, annex) if annex else stack,))

    return Candidate(script_pubkey, spend)


def key_spend(suffix: bytes = b"") -> Candidate:
    """A Taproot coin of Alice's key alone."""
    script_pubkey = witness_script_pubkey(1, ALICE.public_key_xonly.format())

    def spend(outpoints: tuple[OutPoint, ...]) -> Transaction:
        transaction = unsigned(outpoints)
        sighash = TaprootSighash(transaction, (TxOut(AMOUNT, script_pubkey),))
        digest = sighash.digest(0, int.from_bytes(suffix, "big"), None)
        signature = ALICE.sign_schnorr(digest, NO_AUXILIARY)
        return replace(transaction, witnesses=((signature + suffix,),))

    return Candidate(script_pubkey, spend)


def high_s(signature: bytes) -> bytes:
    """The other signature that consensus accepts: S replaced by the order minus S."""
    at = 4 + signature[3]
    s = int.from_bytes(signature[at + 2 : -1], "big")
    other = (ORDER - s).to_bytes(33, "big")
    body = signature[2:at] + b"\x02\x21" + other
    return b"\x30" + bytes((len(body),)) + body + signature[-1:]


def typed(kind: int) -> Candidate:
    """Alice's coin, signed with another sighash type, as consensus reads it."""
    script = A + CHECKSIG

    def spend(outpoints: tuple[OutPoint, ...]) -> Transaction:
        transaction = unsigned(outpoints)
        foreign = Tx.parse(transaction.serialize(), check_validity=False)
        digest = segwit_v0(script, foreign, 0, kind, AMOUNT)
        signature = ALICE.sign(digest, hasher=None) + bytes((kind,))
        return replace(transaction, witnesses=((signature, script),))

    return Candidate(p2wsh(script), spend)


def stranger(sign: Sign) -> bytes:
    """A well-formed signature that is good for no key of the script."""
    return sign(CAROL)


PK = A + CHECKSIG
OR_I = IF + A + CHECKSIG + ELSE + B + CHECKSIG + ENDIF
OR_NOT = NOTIF + A + CHECKSIG + ELSE + B + CHECKSIG + ENDIF
OR_B = A + CHECKSIG + SWAP + B + CHECKSIG + BOOLOR
OR_MULTI = A + CHECKSIG + b"\x6b" + b"\x51" + A + B + b"\x52" + CHECKMULTISIG + b"\x6c" + BOOLOR
COUNTED = A + CHECKSIGVERIFY + NOT_ZERO
PREIMAGES = {size: bytes(size) for size in (80, 81)}


def hash_lock(size: int, key: bytes = A) -> bytes:
    return SHA256 + push_data(sha256(PREIMAGES[size])) + EQUALVERIFY + key + CHECKSIG


def pk_h(pubkey: bytes) -> bytes:
    return DUP_HASH160 + push_data(hash160(pubkey)) + EQUALVERIFY + CHECKSIG


def never_taken(filler: bytes) -> bytes:
    return A + CHECKSIG + b"\x00" + IF + filler + ENDIF


def filler_of(size: int) -> bytes:
    """Pushes that make a script of that size."""
    left = size - len(never_taken(b""))
    pushes, rest = divmod(left, 76)
    return push_data(b"\xff" * 75) * pushes + push_data(b"\xff" * (rest - 1))


def paying(*outputs: TxOut) -> Candidate:
    return wsh(PK, outputs=outputs)


def carrier(script: bytes) -> TxOut:
    return TxOut(Sats(0), b"\x6a" + script)


UNCOMPRESSED = ALICE.public_key.format(compressed=False)
COMPRESSED = ALICE.public_key.format()
XONLY = push_data(ALICE.public_key_xonly.format())
MULTISIG_OPS = 195
"""Consensus counts at most 201 operations in a script, whether they are executed or not."""

CASES = (
    Case(
        "the item of IF is not 01",
        wsh(OR_I, lambda sign: (sign(ALICE), b"\x01")),
        wsh(OR_I, lambda sign: (sign(ALICE), b"\x02")),
        consensus=True,
    ),
    Case(
        "the item of IF is a zero of one byte",
        wsh(OR_I, lambda sign: (sign(BOB), b"")),
        wsh(OR_I, lambda sign: (sign(BOB), b"\x00")),
        consensus=True,
    ),
    Case(
        "the item of NOTIF is not 01",
        wsh(OR_NOT, lambda sign: (sign(BOB), b"\x01")),
        wsh(OR_NOT, lambda sign: (sign(BOB), bytes(31) + b"\x01")),
        consensus=True,
    ),
    Case(
        "a wrong signature for an empty one",
        wsh(OR_B, lambda sign: (b"", sign(ALICE))),
        wsh(OR_B, lambda sign: (stranger(sign), sign(ALICE))),
        consensus=True,
    ),
    Case(
        "a wrong signature for an empty one of CHECKMULTISIG",
        wsh(OR_MULTI, lambda sign: (b"", b"", sign(ALICE))),
        wsh(OR_MULTI, lambda sign: (b"", stranger(sign), sign(ALICE))),
        consensus=True,
    ),
    Case(
        "high S",
        wsh(PK, lambda sign: (sign(ALICE),)),
        wsh(PK, lambda sign: (high_s(sign(ALICE)),)),
        consensus=True,
    ),
    Case("a sighash type that nobody defined", typed(1), typed(4), consensus=True),
    Case(
        "an uncompressed key",
        wsh(pk_h(COMPRESSED), lambda sign: (sign(ALICE), COMPRESSED)),
        wsh(pk_h(UNCOMPRESSED), lambda sign: (sign(ALICE), UNCOMPRESSED)),
        consensus=True,
    ),
    Case("a push that is not minimal", wsh(PK), wsh(b"\x4c" + PK), consensus=True),
    Case(
        "a number that is not minimal",
        wsh(COUNTED, lambda sign: (b"\x01", sign(ALICE))),
        wsh(COUNTED, lambda sign: (b"\x01\x00", sign(ALICE))),
        consensus=True,
    ),
    Case("an opcode kept for later", wsh(PK), wsh(NOP1 + PK), consensus=True),
    Case(
        "an item of 81 bytes",
        wsh(hash_lock(80), lambda sign: (sign(ALICE), PREIMAGES[80])),
        wsh(hash_lock(81), lambda sign: (sign(ALICE), PREIMAGES[81])),
        consensus=True,
    ),
    Case(
        "101 items",
        wsh(PK + BOOLAND * 99, lambda sign: (*[b"\x01"] * 99, sign(ALICE))),
        wsh(PK + BOOLAND * 100, lambda sign: (*[b"\x01"] * 100, sign(ALICE))),
        consensus=True,
    ),
    Case(
        "a script of 3,601 bytes",
        wsh(never_taken(filler_of(3_600))),
        wsh(never_taken(filler_of(3_601))),
        consensus=True,
    ),
    Case(
        "signature operations",
        wsh(never_taken(CHECKMULTISIG * MULTISIG_OPS), coins=4),
        wsh(never_taken(CHECKMULTISIG * MULTISIG_OPS), coins=5),
        consensus=True,
    ),
    Case(
        "an annex",
        leaf_spend(XONLY + CHECKSIG),
        leaf_spend(XONLY + CHECKSIG, annex=b"\x50"),
        consensus=True,
    ),
    Case(
        "a leaf version kept for later",
        leaf_spend(XONLY + CHECKSIG),
        leaf_spend(XONLY + CHECKSIG, version=0xC2),
        consensus=True,
    ),
    Case(
        "an item of 81 bytes in a leaf",
        leaf_spend(hash_lock(80, XONLY), (PREIMAGES[80],)),
        leaf_spend(hash_lock(81, XONLY), (PREIMAGES[81],)),
        consensus=True,
    ),
    Case("version 4", wsh(PK), wsh(PK, version=4), consensus=True),
    Case(
        "dust",
        paying(PAID, PAID._replace(amount=Sats(294))),
        paying(PAID, PAID._replace(amount=Sats(293))),
        consensus=True,
    ),
    Case(
        "an output that is no standard script",
        paying(PAID, TxOut(Sats(1_000), b"\x00\x14" + bytes(20))),
        paying(PAID, TxOut(Sats(1_000), b"\x00\x14" + bytes(20) + b"\x51")),
        consensus=True,
    ),
    Case(
        "an OP_RETURN with an operation",
        paying(PAID, carrier(b"\x02ab")),
        paying(PAID, carrier(b"\x02ab\xac")),
        consensus=True,
    ),
    Case(
        "an OP_RETURN with a push that has no end",
        paying(PAID, carrier(b"\x02ab")),
        paying(PAID, carrier(b"\x03ab")),
        consensus=True,
    ),
    Case(
        "64 bytes without witness",
        paying(carrier(b"\x03abc")),
        paying(carrier(b"\x02ab")),
        consensus=True,
    ),
    Case(
        "no fee",
        paying(PAID._replace(amount=Sats(AMOUNT - 1_000))),
        paying(PAID._replace(amount=AMOUNT)),
        consensus=True,
    ),
    Case(
        "more than 400,000 weight units",
        paying(*[PAID._replace(amount=Sats(294))] * 300),
        paying(*[carrier(b"")] * 10_000),
        consensus=True,
    ),
    Case(
        "the condition of IF is missing",
        wsh(OR_I, lambda sign: (sign(ALICE), b"\x01")),
        wsh(OR_I, lambda sign: ()),
        consensus=False,
    ),
    Case(
        "an empty witness",
        wsh(PK),
        Candidate(p2wsh(PK), unsigned),
        consensus=False,
    ),
)

STRICTER_THAN_CORE = (
    Case("version 3", wsh(PK), wsh(PK, version=3), consensus=True),
    Case("version 1", wsh(PK), wsh(PK, version=1), consensus=True),
    Case("a type other than ALL", typed(1), typed(0x81), consensus=True),
    Case(
        "an OP_RETURN of 84 bytes",
        paying(PAID, carrier(push_data(bytes(80)))),
        paying(PAID, carrier(push_data(bytes(81)))),
        consensus=True,
    ),
    Case(
        "two OP_RETURNs",
        paying(PAID, carrier(b"\x01a")),
        paying(carrier(b"\x01a"), carrier(b"\x01b"), PAID),
        consensus=True,
    ),
    Case(
        "an OP_RETURN of value",
        paying(PAID, carrier(b"\x01a")),
        paying(PAID, carrier(b"\x01a")._replace(amount=Sats(1))),
        consensus=True,
    ),
    Case(
        "a witness version of the future",
        paying(PAID),
        paying(PAID, TxOut(Sats(1_000), b"\x52\x20" + bytes(32))),
        consensus=True,
    ),
)
"""Core relays the bad ones too."""
