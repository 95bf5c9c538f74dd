"""Real spends from generated miniscripts: coins, signatures, and whether nodes would take them."""

from dataclasses import dataclass, replace
from functools import cached_property
from random import Random

from signer.bitcoin.hashes import sha256
from signer.bitcoin.miniscript.encode import script_bytes
from signer.bitcoin.miniscript.model import Context
from signer.bitcoin.miniscript.satisfy import Assets, satisfy
from signer.bitcoin.script import p2wsh, witness_script_pubkey
from signer.bitcoin.sighash import SegwitV0Sighash
from signer.bitcoin.taproot import UNSPENDABLE_H, TapLeaf, tap_tree, tweak
from signer.bitcoin.taproot_sighash import TaprootSighash
from signer.bitcoin.transaction import OutPoint, Transaction, Txid, TxIn, TxOut
from signer.bitcoin.units import Sats
from signer.consensus import verify_consensus
from signer.core.errors import Refusal
from signer.core.standard import verify_standard
from tests.bitcoin.miniscript.generator import Generated, secret

SOMEWHERE = OutPoint(Txid(sha256(b"a coin")), 0)
AMOUNT = Sats(100_000)
FEE = Sats(50_000)
NO_LOCK = 0xFFFFFFFD
OLDER = (0, 1, 17, 144, 65_535, 1 << 22 | 144, 1 << 22 | 65_535)
AFTER = (0, 17, 800_000, 499_999_999, 1_700_000_000, 2**31 - 1)

Witness = tuple[bytes, ...]


@dataclass(frozen=True)
class Coin:
    """One output under a generated script, alone in its tree if it is a leaf."""

    generated: Generated
    outpoint: OutPoint = SOMEWHERE

    @cached_property
    def script(self) -> bytes:
        return script_bytes(self.generated.script, self.generated.keys)

    @cached_property
    def in_tapscript(self) -> bool:
        return self.generated.script.context is Context.TAPSCRIPT

    @cached_property
    def _placed(self) -> tuple[bytes, bytes, bytes]:
        """Output key, leaf hash, control block."""
        tree = tap_tree((TapLeaf(0, self.script),))
        output_key, parity = tweak(UNSPENDABLE_H, tree.merkle_root)
        (leaf,) = tree.leaves
        return output_key, leaf.leaf_hash, leaf.control_block(UNSPENDABLE_H, parity)

    @property
    def prevout(self) -> TxOut:
        if self.in_tapscript:
            return TxOut(AMOUNT, witness_script_pubkey(1, self._placed[0]))
        return TxOut(AMOUNT, p2wsh(self.script))

    @property
    def shown(self) -> Witness:
        """What stands above the items."""
        return (self.script, self._placed[2]) if self.in_tapscript else (self.script,)

    def digest(self, unsigned: Transaction) -> bytes:
        if self.in_tapscript:
            return TaprootSighash(unsigned, (self.prevout,)).digest(0, 0, self._placed[1])
        return SegwitV0Sighash(unsigned).digest(0, self.script, AMOUNT)


@dataclass(frozen=True)
class Spend:
    """One transaction that spends one coin."""

    coin: Coin
    unsigned: Transaction
    assets: Assets
    items: Witness | None
    """What `satisfy` makes of them."""

    def with_witness(self, witness: Witness) -> Transaction:
        return replace(self.unsigned, witnesses=(witness,))

    @property
    def witness(self) -> Witness:
        assert self.items is not None
        return (*self.items, *self.coin.shown)

    @property
    def published(self) -> frozenset[bytes]:
        """The signatures that everybody can see."""
        return frozenset(self.assets.signatures.values()).intersection(self.items or ())


def unsigned_spend(coin: Coin, older: int, after: int) -> Transaction:
    """To an output of the same script, with these locks."""
    output = TxOut(Sats(AMOUNT - FEE), coin.prevout.script_pubkey)
    txin = TxIn(coin.outpoint, b"", older or NO_LOCK)
    return Transaction(2, (txin,), (output,), after)


def spend(coin: Coin, older: int, after: int, random: Random) -> Spend:
    """With the signatures and preimages of some, at random."""
    unsigned = unsigned_spend(coin, older, after)
    digest = coin.digest(unsigned)
    share = random.choice((0.4, 0.7, 0.9, 1.0))
    signers = [place for place in coin.generated.script.places if random.random() < share]
    known = {
        image: preimage
        for image, preimage in coin.generated.preimages.items()
        if random.random() < share
    }
    signatures = {place: _sign(coin, place, digest) for place in signers}
    assets = Assets(signatures, known, older, after)
    return Spend(
        coin, unsigned, assets, satisfy(coin.generated.script, coin.generated.keys, assets)
    )


def _sign(coin: Coin, place: int, digest: bytes) -> bytes:
    key = secret(coin.generated.number(place))
    if coin.in_tapscript:
        return key.sign_schnorr(digest, aux_randomness=None)
    return key.sign(digest, hasher=None) + b"\x01"


def consensus_accepts(transaction: Transaction, prevout: TxOut) -> bool:
    """Whether Core's consensus code does."""
    try:
        verify_consensus(transaction, (prevout,))
    except Refusal as refusal:
        if refusal.code != "consensus-refused":
            raise
        return False
    return True


def standard_for_us(transaction: Transaction, prevout: TxOut) -> bool:
    """Whether our standardness rules do."""
    try:
        verify_standard(transaction, (prevout,))
    except Refusal as refusal:
        if refusal.code != "transaction-not-standard":
            raise
        return False
    return True
