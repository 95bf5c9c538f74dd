"""Requests of a long history that are refused, each for a reason of its own (tests/kernel/histories.py).

A fault is a function History -> the request; whether the kernel refuses it, and how, is the kernel's to say.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from pegwarden.v1 import kernel_pb2 as pb
from pegwarden.v1 import types_pb2 as t
from signer.bitcoin.psbt import fields
from signer.bitcoin.transaction import TxOut
from signer.bitcoin.units import Sats
from signer.core.payment import WithdrawalTerms
from tests.attacks.bridge import PEG, Maps, maps_of, offered
from tests.core.spends import previous_transaction
from tests.kernel.history_world import BANNED, RATE, SMALL, Asked, Owned, Sent

if TYPE_CHECKING:
    from tests.kernel.histories import History

Fault = Callable[["History"], Asked | None]


def wrong(history: "History") -> None:
    """Ask for something that the kernel should not sign, and sometimes for it again."""
    random = history.world.random
    asked = random.choice(FAULTS)(history)
    if asked is None:
        return
    history.ask(asked)
    if random.random() < 0.1:
        history.ask(asked)


def with_evidence(asked: Asked, evidence: list[t.Attestation]) -> Asked:
    del asked.message.attestations[:]
    asked.message.attestations.extend(evidence)
    return asked


def with_maps(asked: Asked, change: Callable[[Maps], Maps]) -> Asked:
    asked.message.psbt = change(maps_of(asked.message.psbt)).psbt
    return asked


# --- evidence


def _one_watcher(history: "History") -> Asked:
    payments, coin = history.world.withdrawals(), history.world.coin()
    return history.pay((coin,), payments, watchers=1)


def _old_words(history: "History") -> Asked:
    payments, coin = history.world.withdrawals(), history.world.coin()
    evidence = history.words(
        PEG, *payments, coin.terms, age=history.world.random.choice((1_800, 9_000))
    )
    return with_evidence(history.pay((coin,), payments), evidence)


def _words_of_tomorrow(history: "History") -> Asked:
    payments, coin = history.world.withdrawals(), history.world.coin()
    evidence = history.words(PEG, *payments, coin.terms, age=-5_000)
    return with_evidence(history.pay((coin,), payments), evidence)


def _forged(history: "History") -> Asked:
    asked = history.fresh()
    word = history.world.random.choice(asked.message.attestations)
    word.signature = word.signature[:-1] + bytes([word.signature[-1] ^ 1])
    return asked


def _unproven_coin(history: "History") -> Asked:
    asked = history.fresh()
    return with_evidence(asked, history.words(PEG, *asked.sent.payments))


def _another_amount_attested(history: "History") -> Asked:
    asked = history.fresh()
    said = [replace(each, amount=Sats(each.amount + 1)) for each in asked.sent.payments]
    return with_evidence(
        asked, history.words(PEG, *said, *(each.terms for each in asked.sent.coins))
    )


# --- pins and limits


def _terms_changed(history: "History") -> Asked | None:
    sent = history.recent()
    if sent is None:
        return None
    changed = [WithdrawalTerms(each.withdrawal_id, Sats(each.amount + 1_000), each.script_pubkey)
               for each in sent.payments]  # fmt: skip
    return history.pay(sent.coins, tuple(changed))


def _another_coin(history: "History") -> Asked | None:
    sent = history.recent()
    return None if sent is None else history.pay((history.world.coin(),), sent.payments)


def _pin_stolen(history: "History") -> Asked | None:
    sent = history.recent()
    return None if sent is None else history.pay(sent.coins, history.world.withdrawals())


def _twin(history: "History") -> Asked | None:
    sent = history.recent()
    if sent is None:
        return None
    like = sent.payments[0]
    terms = history.world.withdrawal(like.amount, like.script_pubkey)
    return history.pay((history.world.coin(),), (terms,))


def _told_otherwise(history: "History") -> Asked | None:
    """A transaction on record, said to settle other withdrawals."""
    sent = history.recent()
    if sent is None or sent.change is None or len(sent.payments) < 2:
        return None
    asked = history.pay(sent.coins, sent.payments, rate=sent.rate, index=sent.change[1])
    first, second = asked.message.payments[0], asked.message.payments[1]
    first.vout, second.vout = second.vout, first.vout
    return asked


def _banned(history: "History") -> Asked:
    return history.pay((history.world.coin(),), (history.world.withdrawal(script=BANNED),))


def _dear(history: "History") -> Asked:
    return history.pay((history.world.coin(),), history.world.withdrawals(), rate=70_000)


def _far_change(history: "History") -> Asked:
    return history.pay((history.world.coin(),), history.world.withdrawals(), index=100_000)


def _too_large(history: "History") -> Asked:
    """Pending: officers are not asked here."""
    coin = history.world.coin(least=2 * SMALL)
    return history.pay((coin,), (history.world.withdrawal(SMALL + 1),))


def _all_of_the_day(history: "History") -> Asked:
    coins = tuple(history.world.coin(least=120_000_000) for _ in range(6))
    payments = [history.world.withdrawal(SMALL - number) for number in range(22)]
    return history.pay(coins, tuple(payments))


# --- the transaction


def _stranger_paid(history: "History") -> Asked:
    out = TxOut(Sats(1_000), BANNED)
    return with_maps(history.pay((history.world.coin(),), history.world.withdrawals()),
                     lambda maps: maps.with_output(out, len(maps.transaction.outputs) - 1))  # fmt: skip


def _unknown_field(history: "History") -> Asked:
    return with_maps(history.fresh(), lambda maps: maps.plus(0, (b"\x77", b"?")))


def _no_previous(history: "History") -> Asked:
    kind = fields.IN_NON_WITNESS_UTXO
    return with_maps(history.fresh(), lambda maps: maps.without(1, kind))


def _no_derivation(history: "History") -> Asked:
    kind = fields.IN_BIP32_DERIVATION
    return with_maps(history.fresh(), lambda maps: maps.without(1, kind))


def _old_version(history: "History") -> Asked:
    return with_maps(history.fresh(), lambda maps: maps.with_transaction(version=1))


def _timed(history: "History") -> Asked:
    return with_maps(history.fresh(), lambda maps: maps.with_transaction(locktime=1_700_000_000))


def _not_ours(history: "History") -> Asked:
    """A coin that is no vault's."""
    real = history.world.coin()
    previous = previous_transaction(BANNED, real.amount, history.world.number())
    coin = Owned(PEG, 0, real.index, previous, 1)
    asked = history.pay((real,), history.world.withdrawals())
    kind = fields.IN_NON_WITNESS_UTXO
    pair = (kind, previous.serialize())
    inputs = tuple(
        replace_previous(each, coin) for each in maps_of(asked.message.psbt).transaction.inputs
    )
    return with_maps(
        asked, lambda maps: maps.with_transaction(inputs=inputs).without(1, kind).plus(1, pair)
    )


def replace_previous(txin, coin: Owned):
    return txin._replace(previous=coin.outpoint)


def _claimed_twice(history: "History") -> Asked:
    asked = history.fresh()
    asked.message.payments.append(asked.message.payments[0])
    return asked


def _claim_without_output(history: "History") -> Asked:
    asked = history.fresh()
    asked.message.payments[0].vout = 99
    return asked


def _paid_to_the_vault(history: "History") -> Asked:
    script = PEG.script(0, 3).script_pubkey
    asked = history.fresh()
    first, *others = maps_of(asked.message.psbt).transaction.outputs
    outputs = (first._replace(script_pubkey=script), *others)
    return with_maps(asked, lambda maps: maps.with_transaction(outputs=outputs))


# --- anchors


def _wrong_batch(history: "History") -> Asked | None:
    """Another root of the last batch, one far ahead, or one without a word."""
    world = history.world
    said = world.random.choice(
        (world.last_batch(b"\x66" * 32), world.last_batch(), world.next_batch(ahead=7))
    )
    coin = world.coin()
    built = pb.ConstructAnchorTxResponse.FromString(
        history.running.call(
            "ConstructAnchorTx",
            pb.ConstructAnchorTxRequest(
                vault_id="peg",
                magic=said.magic,
                batch_id=said.batch,
                state_root=said.root,
                eth_tx_hash=said.eth_tx_hash,
                coins=[offered(coin)],
                fee_rate_sat_per_kvb=RATE,
            ),
        )
    )
    heard = [coin.terms] if world.random.random() < 0.3 else [coin.terms, said]
    message = pb.SignPsbtRequest(
        vault_id="peg", psbt=built.psbt, attestations=history.words(PEG, *heard)
    )
    return Asked(message, Sent((coin,), (), RATE, None, said))


FAULTS: tuple[Fault, ...] = (
    _one_watcher,
    _old_words,
    _words_of_tomorrow,
    _forged,
    _unproven_coin,
    _another_amount_attested,
    _terms_changed,
    _another_coin,
    _pin_stolen,
    _twin,
    _told_otherwise,
    _banned,
    _dear,
    _far_change,
    _too_large,
    _all_of_the_day,
    _stranger_paid,
    _unknown_field,
    _no_previous,
    _no_derivation,
    _old_version,
    _timed,
    _not_ours,
    _claimed_twice,
    _claim_without_output,
    _paid_to_the_vault,
    _wrong_batch,
)
