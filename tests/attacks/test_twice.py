"""Paid twice, rooted twice: what one request, one crash or one hostile relayer could try."""

from dataclasses import replace
from pathlib import Path

import pytest

from pegwarden.v1 import kernel_pb2 as pb
from signer.bitcoin.psbt import fields
from signer.bitcoin.transaction import TxOut
from signer.bitcoin.units import Sats
from signer.core.errors import Fault, Refusal
from tests.attacks.bridge import (
    GAMES,
    MAIN,
    TAP,
    Guard,
    anchor,
    batch,
    claim,
    coin,
    extracted,
    maps_of,
    moving,
    offered,
    owed,
    pay,
    refused,
    request,
    root,
    sweep,
    with_evidence,
    with_psbt,
    words,
)
from tests.core.spends import NOW, Coin, withdrawal_id
from tests.kernel.room import Running

BURN = 60_000_000


def test_paid_again_from_another_coin(kernels: tuple[Running, ...]) -> None:
    """I have the withdrawal paid from one coin by two members and from another coin by the next two.
    Its pin is spent if and only if it is paid."""
    for kernel in kernels:
        assert kernel.sign(pay(kernel, (coin(0),), ((1, BURN),))).signatures == 1
        assert refused(kernel, pay(kernel, (coin(1),), ((1, BURN),))) == "withdrawal-pinned"
        assert kernel.sign(pay(kernel, (coin(0), coin(1)), ((1, BURN),))).signatures == 2


def test_paid_again_from_another_vault(kernel: Running) -> None:
    """The attestors state the same burn for both vaults, after a rotation perhaps, and I collect in both.
    J1 is keyed by the id alone."""
    assert kernel.sign(pay(kernel, (coin(0),), ((1, BURN),))).signatures == 1
    assert refused(kernel, pay(kernel, (coin(1, TAP),), ((1, BURN),))) == "withdrawal-pinned"
    assert kernel.sign(pay(kernel, (coin(1, TAP),), ((2, BURN),))).signatures == 1


def test_a_word_for_one_vault_in_another(kernel: Running) -> None:
    """I replay the attestations that were given for one vault with the coins of the other.
    A signature binds genesis and vault."""
    mine = pay(kernel, (coin(1, TAP),), ((1, BURN),))
    assert refused(kernel, with_evidence(mine, words(owed(1, BURN), coin(1, TAP).terms))) == (
        "attestation-invalid"
    )
    assert kernel.sign(mine).signatures == 1


def test_inputs_of_two_vaults(kernel: Running) -> None:
    """One transaction with a coin of each vault: whose windows, whose policy?
    One vault per transaction."""
    honest = pay(kernel, (coin(0),), ((1, BURN),))
    other = pay(kernel, (coin(1, TAP),), ((1, BURN),))
    maps, foreign = maps_of(honest.psbt), maps_of(other.psbt)
    both = (*maps.transaction.inputs, *foreign.transaction.inputs)
    mixed = maps.with_transaction(inputs=both)
    joined = replace(mixed, maps=(*mixed.maps[:2], foreign.maps[1], *mixed.maps[2:]))
    assert refused(kernel, with_psbt(honest, joined.psbt)) == "psbt-field-not-understood"
    bare = tuple(each for each in foreign.maps[1] if each[0] in (b"\x00", b"\x01"))
    joined = replace(mixed, maps=(*mixed.maps[:2], bare, *mixed.maps[2:]))
    assert refused(kernel, with_psbt(honest, joined.psbt)) == "input-foreign"
    assert kernel.sign(honest).signatures == 1


def test_a_small_withdrawal_grows_in_a_fee_bump(kernel: Running) -> None:
    """W1 of a thousand satoshi is signed; its "fee bump" adds withdrawals of the whole vault, and only
    the fee would be charged. Each id counts in full when its first version is signed."""
    rich = coin(0, amount=200_000_000_000)
    assert kernel.sign(pay(kernel, (rich,), ((1, 1_000),))).signatures == 1
    both = (rich, coin(1))
    grown = pay(kernel, both, ((1, 1_000), (2, 50_000_000_000)))
    assert refused(kernel, grown) == "outflow-exceeded"
    assert kernel.sign(pay(kernel, both, ((1, 1_000), (2, 999_000_000)))).signatures == 2


def test_the_pin_is_swept_from_under_its_withdrawal(kernel: Running) -> None:
    """The signed payment waits in my drawer; I have its coin swept, collect a payment from another coin,
    and nothing tells who was first. Whoever spends a pin pays what is pinned to it."""
    assert kernel.sign(pay(kernel, (coin(0),), ((1, BURN),))).signatures == 1
    assert refused(kernel, sweep(kernel, (coin(0), coin(1)), moving(1))) == "pin-spent-unpaid"
    assert refused(kernel, anchor(kernel, coin(0), batch(1))) == "pin-spent-unpaid"
    assert refused(kernel, pay(kernel, (coin(0),), ((2, BURN + 1),))) == "pin-spent-unpaid"
    assert kernel.sign(sweep(kernel, (coin(1),), moving(1))).signatures == 1


def test_a_pin_that_another_transaction_may_take_away(kernel: Running) -> None:
    """An anchor that is signed and not sent may still spend its coin. A withdrawal pinned to that coin
    would wait for ever: a pin is a coin that no recorded transaction spends without paying."""
    assert kernel.sign(anchor(kernel, coin(0), batch(1))).signatures == 1
    assert refused(kernel, pay(kernel, (coin(0),), ((1, BURN),))) == "no-coin-to-pin"
    assert kernel.sign(pay(kernel, (coin(0), coin(1)), ((1, BURN),))).signatures == 2


def test_other_terms_for_an_id_on_record(kernel: Running) -> None:
    """The attestors are shown a reorganised L2 and now state another amount for the same id.
    The first terms stay."""
    assert kernel.sign(pay(kernel, (coin(0),), ((1, BURN),))).signatures == 1
    assert refused(kernel, pay(kernel, (coin(0),), ((1, BURN + 1),))) == "withdrawal-terms-changed"
    assert kernel.sign(pay(kernel, (coin(0),), ((1, BURN),), min_fee_sat=5_000)).signatures == 1


def test_a_phantom_coin(kernel: Running) -> None:
    """A previous transaction that never existed proves its own amount and pins a withdrawal for ever.
    Existence is the attestors' word, and a new pin always wants a fresh one."""
    honest = pay(kernel, (coin(0),), ((1, BURN),))
    assert refused(kernel, with_evidence(honest, words(owed(1, BURN)))) == "coin-unproven"
    lied = replace(coin(0).terms, amount=Sats(100_000_001))
    assert refused(kernel, with_evidence(honest, words(owed(1, BURN), lied))) == "coin-unproven"
    assert kernel.sign(honest).signatures == 1


def test_a_stale_coin(kernel: Running) -> None:
    """A coin that is on record and was spent long ago looks known, and I pin the next withdrawal to it.
    Fresh evidence is asked for each new pin, and after an hour a word about a coin is stale."""
    assert kernel.sign(anchor(kernel, coin(0), batch(1))).signatures == 1
    joined = pay(kernel, (coin(0), coin(1)), ((1, BURN),))
    stale = words(owed(1, BURN), coin(1).terms)
    assert refused(kernel, with_evidence(joined, stale)) == "coin-unproven"
    ahead = words(owed(1, BURN), coin(0).terms, coin(1).terms, now=NOW + 3_600)
    assert refused(kernel, with_evidence(joined, ahead)) == "coin-unproven"
    assert kernel.sign(joined).signatures == 2


def test_three_payments_for_two_equal_burns(kernels: tuple[Running, ...]) -> None:
    """Two burns have equal amount and address, and nothing in a transaction says which one it settles.
    I tell each pair of members another story and collect three times; open twins share their pins."""
    a, b, c = kernels
    first = pay(a, (coin(0),), ((1, BURN),))
    assert extracted(a, [a.sign(first).psbt, b.sign(first).psbt]).complete
    second = pay(a, (coin(1),), ((2, BURN),))
    retold = pay(c, (coin(1),), ((1, BURN),))
    assert second.psbt == retold.psbt
    assert refused(a, second) == "withdrawal-twin-open"
    assert c.sign(retold).signatures == 1
    third = pay(b, (coin(2),), ((2, BURN),))
    assert refused(b, third) == "withdrawal-twin-open"
    assert refused(c, third) == "withdrawal-twin-open"
    together = pay(a, (coin(0), coin(1)), ((1, BURN), (2, BURN)))
    assert extracted(
        a, [a.sign(together).psbt, b.sign(together).psbt, c.sign(together).psbt]
    ).complete
    assert a.sign(pay(a, (coin(3),), ((3, BURN + 1),))).signatures == 1


def test_a_retry_with_other_ids(kernel: Running) -> None:
    """The transaction is on record; I ask for it again and name two other withdrawals of equal terms, so
    that these count as paid. A retry must be what is recorded."""
    honest = pay(kernel, (coin(0),), ((1, 20_000_000), (2, 20_000_000)))
    assert kernel.sign(honest).signatures == 1
    retold = pay(kernel, (coin(0),), ((3, 20_000_000), (4, 20_000_000)))
    assert retold.psbt == honest.psbt
    assert refused(kernel, retold) == "retry-mismatch"
    assert kernel.sign(with_evidence(honest, [])).signatures == 1


def test_an_old_approval_carries_another_digest(kernel: Running) -> None:
    """Same txid, but the PSBT asks for another sighash type, or shows another amount: a signature for
    what nobody approved. A retry verifies in full."""
    honest = pay(kernel, (coin(0),), ((1, BURN),))
    assert kernel.sign(honest).signatures == 1
    maps = maps_of(honest.psbt)
    for kind in (0x02, 0x03, 0x81, 0x82, 0x83):
        lax = maps.plus(1, (fields.IN_SIGHASH_TYPE, kind.to_bytes(4, "little")))
        assert refused(kernel, with_psbt(honest, lax.psbt)) == "sighash-type-refused"
    cheap = TxOut(Sats(1), coin(0).derived.script_pubkey).serialize()
    lied = maps.without(1, fields.IN_WITNESS_UTXO).plus(1, (fields.IN_WITNESS_UTXO, cheap))
    assert refused(kernel, with_psbt(honest, lied.psbt)) == "witness-utxo-mismatch"
    assert kernel.sign(honest).signatures == 1


def test_each_member_signed_another_version(kernels: tuple[Running, ...]) -> None:
    """I give each member a version from another coin, so that their pins differ and no two signatures
    ever meet. A transaction that spends all the pins is a version for everyone."""
    for number, kernel in enumerate(kernels):
        assert kernel.sign(pay(kernel, (coin(number),), ((1, BURN),))).signatures == 1
    a, b, c = kernels
    assert refused(b, pay(b, (coin(0),), ((1, BURN),))) == "withdrawal-pinned"
    pins = {
        pb.GetWithdrawalResponse.FromString(
            each.call("GetWithdrawal", pb.GetWithdrawalRequest(withdrawal_id=withdrawal_id(1)))
        ).withdrawal.pin.txid
        for each in kernels
    }
    assert pins == {bytes(coin(number).outpoint.txid) for number in range(3)}
    union = pay(a, (coin(0), coin(1), coin(2)), ((1, BURN),))
    assert extracted(a, [each.sign(union).psbt for each in (b, c)]).complete


def test_the_relayer_that_forgot_everything(kernels: tuple[Running, ...]) -> None:
    """The relayer dies after one signature of two, and nobody knows what was signed: an honest successor
    might never find the pin. The members tell; the recorded PSBT goes on to the next member."""
    a, b, _ = kernels
    first = a.sign(pay(a, (coin(0),), ((1, BURN),)))
    listed = pb.ListWithdrawalsResponse.FromString(
        a.call("ListWithdrawals", pb.ListWithdrawalsRequest(vault_id="peg"))
    )
    assert [each.pin for each in listed.withdrawals] == [offered(coin(0)).outpoint]
    asked = pb.GetWithdrawalRequest(withdrawal_id=listed.withdrawals[0].withdrawal_id)
    info = pb.GetWithdrawalResponse.FromString(a.call("GetWithdrawal", asked)).withdrawal
    version = info.versions[0].psbt
    vouts = [
        vout
        for vout, txout in enumerate(maps_of(version).transaction.outputs)
        if (txout.amount, txout.script_pubkey) == (info.amount_sat, info.script_pubkey)
    ]
    again = pb.SignPsbtRequest(
        vault_id="peg",
        psbt=version,
        payments=[claim(1, vouts[0])],
        attestations=words(owed(1, BURN), coin(0).terms),
    )
    assert extracted(b, [first.psbt, b.sign(again).psbt]).complete


def test_an_invented_root(kernel: Running) -> None:
    """I ask for the next batch with a root of mine, and the true root is locked out for ever.
    An anchor wants a quorum's statement, and what was refused binds nothing."""
    assert kernel.sign(anchor(kernel, coin(0), batch(1))).signatures == 1
    invented = anchor(kernel, coin(1), batch(2, state_root=root(99)))
    honest = anchor(kernel, coin(1), batch(2))
    for evidence in ([], words(batch(2), watchers=1), words(batch(2))):
        asked = with_evidence(invented, [*evidence, *words(coin(1).terms)])
        assert refused(kernel, asked) == "attestation-missing"
    assert kernel.sign(honest).signatures == 1


def test_two_roots_for_one_batch(kernel: Running) -> None:
    """The same batch from another vault, "for the other rollup": on chain both are the magic's.
    J2 is keyed by the magic in the script, across vaults, and even the attestors cannot undo it."""
    assert kernel.sign(anchor(kernel, coin(0), batch(1))).signatures == 1
    for each in (coin(1), coin(1, TAP)):
        second = anchor(kernel, each, batch(1, state_root=root(99)))
        assert refused(kernel, second) == "batch-root-conflict"
    assert kernel.sign(anchor(kernel, coin(1, TAP), batch(1))).signatures == 1
    assert kernel.sign(anchor(kernel, coin(1), batch(1_000, GAMES))).signatures == 1


def test_a_rollup_that_nobody_registered(kernel: Running) -> None:
    """A magic one letter away looks like the rollup's to a hasty reader, and its batch 1 is free.
    Only registered magics are anchored."""
    honest = batch(1)
    foreign = replace(honest, magic=b"PGWE")
    assert refused(kernel, anchor(kernel, coin(0), foreign)) == "rollup-unknown"
    assert kernel.sign(anchor(kernel, coin(0), honest)).signatures == 1


def test_a_history_that_forks(kernel: Running) -> None:
    """Batch 2 on top of another batch 1 than the one on chain, or long after: the chain of roots breaks
    unseen. The attested previous batch must agree with the record and be the right one."""
    assert kernel.sign(anchor(kernel, coin(0), batch(1))).signatures == 1
    fork = replace(batch(2), previous_root=root(77))
    assert refused(kernel, anchor(kernel, coin(1), fork)) == "previous-root-conflict"
    skips = replace(batch(3), previous_batch=1, previous_root=root(2))
    assert refused(kernel, anchor(kernel, coin(1), skips)) == "anchor-not-extending"
    assert kernel.sign(anchor(kernel, coin(1), batch(2))).signatures == 1
    assert refused(kernel, anchor(kernel, coin(2), batch(999, GAMES))) == "batch-before-first"


def test_an_old_batch_comes_back(kernel: Running) -> None:
    """The rollup is at batch 1002 and I anchor 1001, which it had skipped, with a root of my choice.
    Batches grow."""
    late = replace(batch(1_002, GAMES), previous_batch=1_000)
    assert kernel.sign(anchor(kernel, coin(0), batch(1_000, GAMES))).signatures == 1
    said = replace(late, previous_root=batch(1_000, GAMES).root)
    assert kernel.sign(anchor(kernel, coin(1), said)).signatures == 1
    assert refused(kernel, anchor(kernel, coin(2), batch(1_001, GAMES))) == "batch-out-of-order"
    assert kernel.sign(anchor(kernel, coin(2), batch(1_003, GAMES))).signatures == 1
    assert MAIN != GAMES


def test_the_seed_with_an_empty_journal(tmp_path: Path) -> None:
    """I provision the member again from its seed, with a fresh journal that knows no payment.
    The sealed key names the journal's first entry, and serves no other."""
    guard = Guard(tmp_path / "m", 0).init()
    kept = (guard.folder / "journal.sqlite").read_bytes()
    (guard.folder / "journal.sqlite").unlink()
    guard.new_journal(salt=99)
    with pytest.raises((Refusal, Fault)) as caught:
        guard.start()
    assert "journal-foreign" in str(caught.value)
    (guard.folder / "journal.sqlite").write_bytes(kept)
    guard.start().stop()


def test_a_restart_between_signature_and_answer(tmp_path: Path) -> None:
    """The process dies after the signature, I find the answer lost, and ask for the same payment from
    another coin. The record was durable before the key was touched."""
    guard = Guard(tmp_path / "m", 0).init()
    running = guard.start()
    honest = pay(running, (coin(0),), ((1, BURN),))
    first = running.sign(honest)
    running.stop()
    running = guard.start()
    try:
        assert refused(running, pay(running, (coin(1),), ((1, BURN),))) == "withdrawal-pinned"
        assert running.sign(with_evidence(honest, [])).decision_id == first.decision_id
    finally:
        running.stop()


def test_a_journal_set_back_that_grew_again(tmp_path: Path) -> None:
    """I restore the member's old journal and let it sign other things until it is as long as before: by
    size alone nothing is missing. A head that this history never released locks it."""
    guard = Guard(tmp_path / "m", 0).init()
    old = (guard.folder / "journal.sqlite").read_bytes()
    running = guard.start()
    honest = pay(running, (coin(0),), ((1, BURN),))
    honest.last_seen_head = running.info().journal_head
    head = running.sign(honest).head
    running.stop()
    for stale in guard.folder.glob("journal.sqlite-*"):
        stale.unlink()
    (guard.folder / "journal.sqlite").write_bytes(old)
    running = guard.start()
    try:
        assert running.sign(pay(running, (coin(1),), ((2, BURN + 1),))).signatures == 1
        assert running.sign(pay(running, (coin(2),), ((3, BURN + 2),))).signatures == 1
        asked = pay(running, (coin(3),), ((4, BURN + 3),))
        asked.last_seen_head = head
        assert refused(running, asked) == "state-rolled-back"
        asked.last_seen_head = running.info().journal_head
        assert refused(running, asked) == "state-rolled-back", (
            "it stays locked until it is restarted"
        )
    finally:
        running.stop()


def test_an_amount_lie_about_a_coin_on_record(kernel: Running) -> None:
    """A bump of what is on record needs no evidence, and in Taproot no previous transaction: I lie about
    the amount, and the worthless version's fee locks out honest ones. Coins on record keep their amount."""
    assert kernel.sign(pay(kernel, (coin(0, TAP),), ((1, BURN),))).signatures == 1
    bump = with_evidence(pay(kernel, (coin(0, TAP),), ((1, BURN),), min_fee_sat=5_000), [])
    maps = maps_of(bump.psbt).without(1, fields.IN_NON_WITNESS_UTXO)
    rich = TxOut(Sats(900_000_000), coin(0, TAP).derived.script_pubkey).serialize()
    lied = maps.without(1, fields.IN_WITNESS_UTXO).plus(1, (fields.IN_WITNESS_UTXO, rich))
    assert refused(kernel, with_psbt(bump, lied.psbt)) == "coin-not-as-recorded"
    assert kernel.sign(with_psbt(bump, maps.psbt)).signatures == 1


def test_an_anchor_that_takes_every_coin(kernel: Running) -> None:
    """One anchor that spends all coins and is never sent: none of them can be a pin, and no withdrawal
    is paid any more. An anchor takes few coins."""
    few, many = tuple(coin(n) for n in range(8)), tuple(coin(n) for n in range(9))

    def from_coins(coins: tuple[Coin, ...]) -> pb.SignPsbtRequest:
        asked = pb.ConstructAnchorTxRequest(
            vault_id="peg",
            magic=MAIN,
            batch_id=1,
            state_root=batch(1).root,
            eth_tx_hash=batch(1).eth_tx_hash,
            coins=[offered(each) for each in coins],
            required_inputs=[offered(each).outpoint for each in coins],
            fee_rate_sat_per_kvb=2_000,
        )
        built = pb.ConstructAnchorTxResponse.FromString(kernel.call("ConstructAnchorTx", asked))
        return request(built.psbt, words(batch(1), *(each.terms for each in coins)))

    assert refused(kernel, from_coins(many)) == "anchor-too-many-inputs"
    assert kernel.sign(from_coins(few)).signatures == 8
