"""What the hostile relayer sends to SignPsbt, and the code that every kernel must answer with.

1. Most attacks are the good draft, which every kernel would sign, with one thing changed.
2. The others are drafts that a kernel itself constructed (constructing promises nothing), at odds with
   the record or the policy.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from clients.attestor.attestor import sign_statements
from clients.demo.forge import Forgery
from clients.demo.scene import FEE, Scene
from clients.messages import attestation_message
from clients.relayer.coins import VaultCoin
from clients.relayer.draft import Draft, Fee
from pegwarden.v1 import types_pb2
from signer.bitcoin.hashes import sha256
from signer.bitcoin.psbt import fields
from signer.bitcoin.script import OP_RETURN, push_data
from signer.bitcoin.transaction import OutPoint, Transaction, Txid, TxIn, TxOut, parse_transaction
from signer.bitcoin.units import Height, Sats
from signer.core.evidence import CoinTerms

PAYMENT, CHANGE = 0, 1
"""Where ConstructWithdrawalTx puts the outputs of a transaction with one payment."""
THIEF = b"\x00\x14" + sha256(b"thief")[:20]
DEAR, BUMPED = 60_000, 39_000
"""Fees in satoshi: above the policy's cap of 40,000; below it, but above what is left of the day."""
SIGHASHES = {"NONE": 2, "SINGLE": 3, "ALL|ANYONECANPAY": 0x81}


@dataclass(frozen=True, slots=True)
class Attack:
    """One hostile request."""

    story: str
    code: str
    draft: Callable[[Scene], Draft]


def _forged(change: Callable[[Forgery, Scene], None]) -> Callable[[Scene], Draft]:
    """The good draft with its PSBT changed."""

    def draft(scene: Scene) -> Draft:
        forgery = Forgery(scene.good.psbt)
        change(forgery, scene)
        return replace(scene.good, psbt=bytes(forgery))

    return draft


def _changed_destination(forgery: Forgery, _: Scene) -> None:
    forgery.change_output(PAYMENT, lambda txout: txout._replace(script_pubkey=THIEF))


def _changed_amount(forgery: Forgery, _: Scene) -> None:
    forgery.change_output(PAYMENT, lambda txout: txout._replace(amount=Sats(txout.amount + 1)))
    forgery.change_output(CHANGE, lambda txout: txout._replace(amount=Sats(txout.amount - 1)))


def _amount_lie(forgery: Forgery, scene: Scene) -> None:
    lie = TxOut(Sats(scene.spare.amount // 2), script_of(scene.spare))
    forgery.inputs[0][fields.IN_WITNESS_UTXO] = lie.serialize()


def _no_previous_transaction(forgery: Forgery, _: Scene) -> None:
    del forgery.inputs[0][fields.IN_NON_WITNESS_UTXO]


def _another_previous_transaction(forgery: Forgery, scene: Scene) -> None:
    forgery.inputs[0][fields.IN_NON_WITNESS_UTXO] = scene.pending_coin.previous_tx


def _foreign_input(forgery: Forgery, scene: Scene) -> None:
    utxo = scene.cast.wallet.utxo(
        scene.cast.node, scene.cast.node.fund(scene.cast.wallet.address, 100_000)
    )
    point = OutPoint(parse_transaction(utxo.previous_tx).txid, utxo.vout)
    forgery.add_input(TxIn(point, b"", 0xFFFFFFFD), {fields.IN_NON_WITNESS_UTXO: utxo.previous_tx})


def _same_input_twice(forgery: Forgery, _: Scene) -> None:
    forgery.add_input(forgery.transaction.inputs[0], dict(forgery.inputs[0]))


def _extra_output(forgery: Forgery, _: Scene) -> None:
    forgery.add_output(TxOut(Sats(10_000), THIEF), {})


def _payment_to_op_return(forgery: Forgery, _: Scene) -> None:
    nobody = bytes([OP_RETURN]) + push_data(b"paid")
    forgery.change_output(PAYMENT, lambda txout: txout._replace(script_pubkey=nobody))


def _payment_to_the_vault(forgery: Forgery, scene: Scene) -> None:
    script = script_of(scene.pending_coin)
    forgery.change_output(PAYMENT, lambda txout: txout._replace(script_pubkey=script))


def _change_on_the_receive_branch(forgery: Forgery, scene: Scene) -> None:
    script = script_of(scene.spare)
    forgery.change_output(CHANGE, lambda txout: txout._replace(script_pubkey=script))
    forgery.outputs[CHANGE] = {
        fields.OUT_BIP32_DERIVATION + key[1:]: value
        for key, value in forgery.inputs[0].items()
        if key[:1] == fields.IN_BIP32_DERIVATION
    }


def _change_to_the_thief(forgery: Forgery, _: Scene) -> None:
    forgery.change_output(CHANGE, lambda txout: txout._replace(script_pubkey=THIEF))


def _sighash(kind: int) -> Callable[[Scene], Draft]:
    def change(forgery: Forgery, _: Scene) -> None:
        forgery.inputs[0][fields.IN_SIGHASH_TYPE] = kind.to_bytes(4, "little")

    return _forged(change)


def _relative_lock(forgery: Forgery, _: Scene) -> None:
    forgery.change_input(0, lambda txin: txin._replace(sequence=144))


def _proprietary_field(forgery: Forgery, _: Scene) -> None:
    forgery.inputs[0][b"\xfc\x04leak\x00"] = b"a covert channel"


def _psbt_of_two_versions(forgery: Forgery, _: Scene) -> None:
    forgery.globals[fields.GLOBAL_VERSION] = (2).to_bytes(4, "little")


def _truncated(scene: Scene) -> Draft:
    return replace(scene.good, psbt=scene.good.psbt[:-1])


def _missing_attestation(scene: Scene) -> Draft:
    first = next(each for each in scene.good.attestations if each.withdrawals)
    kept = tuple(each for each in scene.good.attestations if each is not first)
    return replace(scene.good, attestations=kept)


def _one_attestor_twice(scene: Scene) -> Draft:
    first = scene.cast.watchers.attestors[0]
    ids = tuple(claim.withdrawal_id for claim in scene.good.payments)
    earlier = replace(first, clock=lambda: first.clock() - 60)
    twice = [attestation_message(each.withdrawals(ids)) for each in (first, earlier)]
    coins = [each for each in scene.good.attestations if each.coins]
    return replace(scene.good, attestations=(*twice, *coins))


def _attestation_with_another_amount(scene: Scene) -> Draft:
    first, *others = scene.good.attestations
    forged = types_pb2.Attestation()
    forged.CopyFrom(first)
    forged.withdrawals[0].amount_sat += 1
    return replace(scene.good, attestations=(forged, *others))


def _phantom_coin(scene: Scene) -> Draft:
    """A transaction that nobody mined pays the vault; one of three attestors is corrupt."""
    terms = TxOut(Sats(50_000_000), script_of(scene.spare))
    nowhere = TxIn(OutPoint(Txid(sha256(b"nowhere")), 0), b"", 0xFFFFFFFF)
    invented = Transaction(2, (nowhere,), (terms,), 0)
    point = OutPoint(invented.txid, 0)
    coin = VaultCoin(point, scene.spare.branch, scene.spare.index, invented.serialize())
    corrupt = scene.cast.watchers.attestors[0]
    lie = CoinTerms(point, terms.amount, Height(100), terms.script_pubkey)
    word = sign_statements(corrupt.key, corrupt.realm, (lie,), corrupt.clock())
    unproven = scene.cast.relayer.unproven((scene.orders["good"],), (coin,), FEE)
    withdrawals = [each for each in scene.good.attestations if each.withdrawals]
    return replace(unproven, attestations=(*withdrawals, attestation_message(word)))


def _constructed(order: str, coin: str, fee: Fee = FEE) -> Callable[[Scene], Draft]:
    """A draft for that order of the scene from that coin of the scene."""

    def draft(scene: Scene) -> Draft:
        coins: tuple[VaultCoin, ...] = (getattr(scene, coin),)
        return scene.cast.relayer.construct((scene.orders[order],), coins, fee)

    return draft


def _unpaid(scene: Scene) -> Draft:
    """The pending order's pin beside a coin for another order: what it is pinned to is not paid."""
    coins = (scene.spare, scene.pending_coin)
    pins = tuple(coin.outpoint for coin in coins)
    return scene.cast.relayer.construct((scene.orders["good"],), coins, FEE, pins)


def _dear_bump(scene: Scene) -> Draft:
    pending, coin = scene.orders["pending"], scene.pending_coin
    fee = Fee(FEE.rate_sat_per_kvb, BUMPED)
    return scene.cast.relayer.construct((pending,), (coin,), fee, (coin.outpoint,))


def script_of(coin: VaultCoin) -> bytes:
    """What the coin pays to."""
    return parse_transaction(coin.previous_tx).outputs[coin.outpoint.vout].script_pubkey


ATTACKS = (
    Attack("the destination changed", "attestation-missing", _forged(_changed_destination)),
    Attack("one satoshi more than was burned", "attestation-missing", _forged(_changed_amount)),
    Attack("one attestation missing", "attestation-missing", _missing_attestation),
    Attack("two attestations by one attestor", "attestation-missing", _one_attestor_twice),
    Attack("an attestation edited", "attestation-invalid", _attestation_with_another_amount),
    Attack("a lie about the coin's amount", "witness-utxo-mismatch", _forged(_amount_lie)),
    Attack(
        "no previous transaction",
        "previous-transaction-missing",
        _forged(_no_previous_transaction),
    ),
    Attack(
        "another previous transaction",
        "psbt-previous-transaction",
        _forged(_another_previous_transaction),
    ),
    Attack("a coin that does not exist", "coin-unproven", _phantom_coin),
    Attack("somebody else's input", "input-foreign", _forged(_foreign_input)),
    Attack("one input twice", "input-repeated", _forged(_same_input_twice)),
    Attack("an extra output", "output-unexplained", _forged(_extra_output)),
    Attack("change to the thief", "output-unexplained", _forged(_change_to_the_thief)),
    Attack("payment to an OP_RETURN", "payment-script-refused", _forged(_payment_to_op_return)),
    Attack("payment to the vault itself", "payment-to-vault", _forged(_payment_to_the_vault)),
    Attack(
        "change on the receive branch",
        "change-wrong-branch",
        _forged(_change_on_the_receive_branch),
    ),
    *(
        Attack(f"SIGHASH_{name}", "sighash-type-refused", _sighash(kind))
        for name, kind in SIGHASHES.items()
    ),
    Attack("a relative lock", "sequence-refused", _forged(_relative_lock)),
    Attack("a proprietary field", "psbt-field-not-understood", _forged(_proprietary_field)),
    Attack("a PSBT of two versions", "psbt-version-0-field", _forged(_psbt_of_two_versions)),
    Attack("a truncated PSBT", "psbt-malformed", _truncated),
    Attack(
        "a paid withdrawal again, from other coins",
        "withdrawal-pinned",
        _constructed("first", "spare"),
    ),
    Attack(
        "a signed withdrawal again, from other coins",
        "withdrawal-pinned",
        _constructed("pending", "spare"),
    ),
    Attack("a pinned coin spent without paying", "pin-spent-unpaid", _unpaid),
    Attack("only that pinned coin", "pin-spent-unpaid", _constructed("good", "pending_coin")),
    Attack("a fee above the cap", "fee-too-high", _constructed("good", "spare", Fee(5_000, DEAR))),
    Attack("a payment above the limit", "payment-too-large", _constructed("huge", "spare")),
    Attack("more than the day's outflow", "outflow-exceeded", _constructed("large", "spare")),
    Attack(
        "the rest of it, split into a second part",
        "outflow-exceeded",
        _constructed("second part", "spare"),
    ),
    Attack("the rest of it, as fee of a bump", "outflow-exceeded", _dear_bump),
)
