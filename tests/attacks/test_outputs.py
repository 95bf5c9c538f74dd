"""Money that goes where it should not. Each attack stands beside its honest twin, one field away."""

from dataclasses import replace

import pytest

from pegwarden.v1 import kernel_pb2 as pb
from pegwarden.v1 import types_pb2 as t
from signer.bitcoin.psbt import fields
from signer.bitcoin.transaction import TxOut
from signer.bitcoin.units import Sats
from signer.core.opreturn import Anchor, Deposit, encode_payload, op_return_script
from tests.attacks.bridge import (
    MAIN,
    PEG,
    RECOVERY,
    TAP,
    Maps,
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
from tests.core.spends import USER_SCRIPT
from tests.kernel.room import Running

THIEF = b"\x00\x14" + b"\x66" * 20
P2A = bytes.fromhex("51024e73")


def payload(of: Anchor | Deposit) -> bytes:
    return op_return_script(encode_payload(of))


FORGED_ANCHOR = payload(Anchor(MAIN, 1, root(9), b"\x22" * 32))
FORGED_DEPOSIT = payload(Deposit(MAIN, 1, b"\x33" * 20))


def test_a_payment_to_the_thief_rides_on_an_anchor(kernel: Running) -> None:
    """A valid anchor, and beside it a payment to me: judged as an anchor, nobody would ask who owes me.
    Unclaimed it has no purpose, claimed it makes the transaction two things at once."""
    honest = anchor(kernel, coin(0), batch(1))
    maps = maps_of(honest.psbt).with_output(TxOut(Sats(50_000_000), THIEF), 1)
    evil = with_psbt(honest, maps.psbt)
    assert refused(kernel, evil) == "output-unexplained"
    evil.payments.append(claim(1, 2))
    assert refused(kernel, evil) == "mixed-purposes"
    assert kernel.sign(honest).signatures == 1


def test_an_anchor_rides_on_a_payment(kernel: Running) -> None:
    """A withdrawal that is owed, with a root of mine beside it: a withdrawal's consent would publish it.
    One transaction is one thing."""
    honest = pay(kernel, (coin(0),), ((1, 60_000_000),))
    forged = with_psbt(
        honest, maps_of(honest.psbt).with_output(TxOut(Sats(0), FORGED_ANCHOR), 1).psbt
    )
    assert refused(kernel, forged) == "mixed-purposes"
    assert kernel.sign(honest).signatures == 1


@pytest.mark.parametrize(
    "script", [FORGED_ANCHOR, FORGED_DEPOSIT, b"\x6a", P2A, b"\x52\x20" + b"\x07" * 32]
)
def test_a_withdrawal_to_a_script_that_is_no_address(kernel: Running, script: bytes) -> None:
    """I burn on L2 towards an OP_RETURN that is an anchor, or to a script that anyone can spend, and the
    vault itself publishes my forgery. The attestors may even agree: such scripts are never paid."""
    honest = pay(kernel, (coin(0),), ((1, 60_000_000),))
    maps = maps_of(honest.psbt)
    outputs = maps.transaction.outputs
    evil = maps.with_transaction(outputs=(outputs[0]._replace(script_pubkey=script), *outputs[1:]))
    evidence = words(owed(1, 60_000_000, script), coin(0).terms)
    assert refused(kernel, with_evidence(with_psbt(honest, evil.psbt), evidence)) == (
        "payment-script-refused"
    )
    assert kernel.sign(honest).signatures == 1


def test_the_vault_writes_a_deposit(kernel: Running) -> None:
    """An OP_RETURN with a deposit for my L2 address in the vault's own transaction would mint from
    nothing. A deposit never comes from a vault coin."""
    honest = anchor(kernel, coin(0), batch(1))
    maps = maps_of(honest.psbt)
    outputs = maps.transaction.outputs
    evil = maps.with_transaction(outputs=(TxOut(Sats(0), FORGED_DEPOSIT), *outputs[1:]))
    assert refused(kernel, with_psbt(honest, evil.psbt)) == "output-unexplained"
    assert kernel.sign(honest).signatures == 1


@pytest.mark.parametrize(
    "script",
    [
        PEG.script(0, 3).script_pubkey,
        PEG.script(1, 3).script_pubkey,
        TAP.script(0, 3).script_pubkey,
    ],
)
def test_a_withdrawal_to_a_vault(kernel: Running, script: bytes) -> None:
    """I let the vault pay the vault: the coin counts as my deposit and I withdraw it again.
    No registered vault's address is paid, whatever the attestors say."""
    honest = pay(kernel, (coin(0),), ((1, 60_000_000),))
    maps = maps_of(honest.psbt)
    outputs = maps.transaction.outputs
    evil = maps.with_transaction(outputs=(outputs[0]._replace(script_pubkey=script), *outputs[1:]))
    evidence = words(owed(1, 60_000_000, script), coin(0).terms)
    assert (
        refused(kernel, with_evidence(with_psbt(honest, evil.psbt), evidence)) == "payment-to-vault"
    )
    assert kernel.sign(honest).signatures == 1


def change_of(maps: Maps) -> int:
    return len(maps.maps) - 1


def test_the_thiefs_output_wears_the_label_of_change(kernel: Running) -> None:
    """The compromised edge swaps the change script for mine and keeps the derivations that say "change".
    The kernel derives the script itself and compares."""
    honest = pay(kernel, (coin(0),), ((1, 60_000_000),))
    maps = maps_of(honest.psbt)
    outputs = maps.transaction.outputs
    evil = maps.with_transaction(outputs=(outputs[0], outputs[1]._replace(script_pubkey=THIEF)))
    assert refused(kernel, with_psbt(honest, evil.psbt)) == "output-unexplained"
    assert kernel.sign(honest).signatures == 1


def test_change_that_nobody_will_find_again(kernel: Running) -> None:
    """Change at index two thousand million is the vault's and lost all the same: a wallet restored from
    the seeds never looks there, and I sell the index. Only the window that the record opens is accepted."""
    far = 2**31 - 1
    honest = pay(kernel, (coin(0),), ((1, 60_000_000),))
    asked = pay(kernel, (coin(0),), ((1, 60_000_000),), change_index=far)
    assert refused(kernel, asked) == "change-index-too-high"
    assert refused(kernel, pay(kernel, (coin(0),), ((1, 60_000_000),), change_index=20)) == (
        "change-index-too-high"
    )
    assert kernel.sign(honest).signatures == 1


def test_dust_to_the_far_index_does_not_open_the_way_there(kernel: Running) -> None:
    """I pay dust to the vault's address 2^31 - 1 and have it spent: if that moved the window on, the next
    change could be lost there. The coin is spent like any other, and the window stays where it was."""
    lure = replace(coin(0), index=2**31 - 1, branch=1)
    assert kernel.sign(pay(kernel, (lure,), ((1, 60_000_000),))).signatures == 1
    assert kernel.info().vaults[0].change_index_end == 21
    far = pay(kernel, (coin(1),), ((2, 60_000_001),), change_index=2**31 - 1)
    assert refused(kernel, far) == "change-index-too-high"
    assert kernel.sign(pay(kernel, (coin(1),), ((2, 60_000_001),), change_index=20)).signatures == 1


def test_a_recovery_that_pays(kernel: Running) -> None:
    """A withdrawal with the sequence of `older(144)` is signed by one member where two are needed: the
    same outputs, fewer keys. What enables the recovery path is a recovery, and a recovery never pays."""
    honest = pay(kernel, (coin(0, TAP),), ((1, 60_000_000),))
    maps = maps_of(honest.psbt)
    spent = maps.transaction.inputs[0]
    early = with_psbt(honest, maps.with_transaction(inputs=(spent._replace(sequence=144),)).psbt)
    assert refused(kernel, early) == "recovery-may-not-pay"
    other = with_psbt(honest, maps.with_transaction(inputs=(spent._replace(sequence=143),)).psbt)
    assert refused(kernel, other) == "sequence-refused"
    assert kernel.sign(honest).signatures == 1


def test_a_recovery_by_the_quorum_of_everyday(kernel: Running) -> None:
    """Two attestors suffice for a refresh, and I ask them for the weaker path "because it is cheaper".
    The policy asks all three before one member alone may move a coin; the statement names the path."""
    asked = sweep(kernel, (coin(0, TAP),), moving(1, 1, TAP, RECOVERY), watchers=2)
    assert refused(kernel, asked) == "path-refused"
    refresh = words(moving(1, 1, TAP), coin(0, TAP).terms, vault=TAP, watchers=3)
    assert refused(kernel, with_evidence(asked, refresh)) == ("attestation-missing")
    assert kernel.sign(sweep(kernel, (coin(0, TAP),), moving(1, 1, TAP, RECOVERY))).signatures == 1


def test_a_recovery_that_we_have_no_key_for(kernels: tuple[Running, ...]) -> None:
    """I fill the third member's record, and use up its statement, with a recovery in which it has no key.
    It records nothing that it could not sign."""
    a, _, c = kernels
    asked = sweep(a, (coin(0, TAP),), moving(1, 1, TAP, RECOVERY))
    assert refused(c, asked) == "path-without-our-key"
    assert a.sign(asked).signatures == 1


def test_a_refresh_before_the_weaker_path_opens(kernels: tuple[Running, ...]) -> None:
    """Coins that are left to age come within reach of one member alone. A sweep to the same vault makes
    them young again, with the keys of everyday."""
    a, b, _ = kernels
    asked = sweep(a, (coin(0, TAP), coin(1, TAP)), moving(1, 1, TAP), watchers=2)
    final = extracted(b, [a.sign(asked).psbt, b.sign(asked).psbt], TAP)
    assert final.complete
    short = with_evidence(asked, words(moving(2, 1, TAP), coin(0, TAP).terms, vault=TAP))
    assert a.sign(short).signatures == 2, "a retry is on record and asks no evidence again"
    again = sweep(a, (coin(2, TAP),), moving(1, 1, TAP), watchers=2)
    assert refused(a, again) == "sweep-statement-used"


def test_a_rotation_to_the_thiefs_vault(kernel: Running) -> None:
    """The attestors allow the move to the next vault, and I let it pay me, or the next vault's change
    branch that nobody watches. Only a registered vault's receive window is a rotation."""
    honest = sweep(kernel, (coin(0),), moving(1, 2, TAP))
    maps = maps_of(honest.psbt).but(2, ())
    paid = maps.transaction.outputs[0]
    for script in (THIEF, TAP.script(1, 0).script_pubkey, TAP.script(0, 20).script_pubkey):
        outputs = (paid._replace(script_pubkey=script),)
        evil = with_psbt(honest, maps.with_transaction(outputs=outputs).psbt)
        assert refused(kernel, evil) == "output-unexplained"
    far = pb.ConstructSweepTxRequest(
        vault_id="peg",
        to_vault_id="tap",
        index=20,
        coins=[offered(coin(0))],
        fee_rate_sat_per_kvb=2_000,
    )
    assert refused(kernel, far, "ConstructSweepTx") == "address-index-too-high"
    far.index = 19
    assert kernel.call("ConstructSweepTx", far)
    assert kernel.sign(honest).signatures == 1


def test_a_rotation_shows_a_false_tree(kernel: Running) -> None:
    """The PSBT shows reviewers a friendlier tree, or keys of mine, for the next vault's address than it
    has. What is shown of it must be what the registered descriptor gives."""
    honest = sweep(kernel, (coin(0),), moving(1, 2, TAP))
    maps = maps_of(honest.psbt)
    bare = maps.without(2, fields.OUT_TAP_TREE)
    tree = with_psbt(honest, bare.plus(2, (fields.OUT_TAP_TREE, b"\x00\xc0\x01\x51")).psbt)
    assert refused(kernel, tree) == "output-script-mismatch"
    elsewhere = maps_of(sweep(kernel, (coin(0),), moving(1, 1, PEG)).psbt).maps[2]
    assert (
        refused(kernel, with_psbt(honest, maps.but(2, elsewhere).psbt)) == "output-script-mismatch"
    )
    key, value = maps.pairs(2, fields.OUT_TAP_BIP32_DERIVATION)[0]
    moved = maps.but(2, tuple(each for each in maps.maps[2] if each[0] != key))
    index = (int.from_bytes(value[-4:], "little") + 1).to_bytes(4, "little")
    assert refused(kernel, with_psbt(honest, moved.plus(2, (key, value[:-4] + index)).psbt)) == (
        "derivation-mismatch"
    )
    assert kernel.sign(with_psbt(honest, bare.psbt)).signatures == 1


def test_a_sweep_statement_for_another_vault(kernel: Running) -> None:
    """Three attestors allowed the move to the next vault; I replay their word for a sweep, and a word
    for the Taproot vault in the other one. Statements name destination, kind and path, and their realm."""
    sweeping = sweep(kernel, (coin(0),), moving(1))
    rotation = words(moving(1, 2, TAP), coin(0).terms, watchers=3)
    assert refused(kernel, with_evidence(sweeping, rotation)) == "attestation-missing"
    foreign = [*words(moving(1), vault=TAP, watchers=3), *words(coin(0).terms)]
    assert refused(kernel, with_evidence(sweeping, foreign)) == "attestation-invalid"
    assert kernel.sign(sweeping).signatures == 1


def test_one_sweep_statement_for_two_sweeps(kernel: Running) -> None:
    """One allowed move, and I move the rest of the vault with the same word, fee by fee.
    The nonce is used up by the transaction that it allowed."""
    assert kernel.sign(sweep(kernel, (coin(0),), moving(1))).signatures == 1
    assert refused(kernel, sweep(kernel, (coin(1),), moving(1))) == "sweep-statement-used"
    assert kernel.sign(sweep(kernel, (coin(1),), moving(2))).signatures == 1


def test_a_sweep_that_burns_the_vault_in_fees(kernel: Running) -> None:
    """I am a miner, and sweep the vault to itself for a fee of a whole bitcoin.
    The statement bounds the fee."""
    honest = sweep(kernel, (coin(0), coin(1)), moving(1))
    maps = maps_of(honest.psbt)
    paid = maps.transaction.outputs[0]
    outputs = (paid._replace(amount=Sats(paid.amount - 99_000_000)),)
    evil = with_psbt(honest, maps.with_transaction(outputs=outputs).psbt)
    assert refused(kernel, evil) == "attestation-missing"
    assert kernel.sign(honest).signatures == 2


def test_a_transaction_that_is_money_for_the_miner(kernel: Running) -> None:
    """I leave out the change of an honest withdrawal, and the rest of the coin goes to the miner.
    The fee is inputs minus outputs, and bounded."""
    honest = pay(kernel, (coin(0),), ((1, 60_000_000),))
    maps = maps_of(honest.psbt)
    outputs = maps.transaction.outputs
    lost = outputs[1]._replace(amount=Sats(outputs[1].amount - 1_000_000))
    evil = with_psbt(honest, maps.with_transaction(outputs=(outputs[0], lost)).psbt)
    assert refused(kernel, evil) == "fee-too-high"
    assert kernel.sign(honest).signatures == 1


def test_a_strangers_anchor(kernel: Running) -> None:
    """I write the rollup's magic and a root of mine in a transaction of my own, and show it as the
    bridge's. An anchor counts only where an input is proven to spend a vault coin."""
    honest = anchor(kernel, coin(0), batch(1))
    said = batch(1)
    expected = pb.ExpectedAnchor(
        magic=said.magic, batch_id=1, state_root=said.root, eth_tx_hash=said.eth_tx_hash
    )

    def asked(psbt: bytes, wanted: pb.ExpectedAnchor) -> pb.ValidateOpReturnResponse:
        question = pb.ValidateOpReturnRequest(vault_id="peg", psbt=psbt, expected_anchor=wanted)
        return pb.ValidateOpReturnResponse.FromString(kernel.call("ValidateOpReturn", question))

    answer = asked(honest.psbt, expected)
    assert (answer.anchor_valid, answer.from_vault, answer.payload_matches) == (True, True, True)
    mine = replace(coin(0), vault=PEG).previous
    foreign = maps_of(honest.psbt).with_transaction(
        inputs=(
            maps_of(honest.psbt).transaction.inputs[0]._replace(previous=mine.inputs[0].previous),
        )
    )
    stranger = foreign.without(1, fields.IN_NON_WITNESS_UTXO).without(1, fields.IN_WITNESS_UTXO)
    answer = asked(stranger.psbt, expected)
    assert (answer.anchor_valid, answer.from_vault) == (False, False)
    assert [reason.code for reason in answer.reasons] == ["anchor-not-from-vault"]
    other = pb.ExpectedAnchor.FromString(expected.SerializeToString())
    other.state_root = root(99)
    answer = asked(honest.psbt, other)
    assert (answer.anchor_valid, answer.payload_matches, answer.from_vault) == (False, False, True)
    assert [reason.code for reason in answer.reasons] == ["anchor-mismatch"]


def test_the_address_is_somebody_elses(kernel: Running) -> None:
    """I sit in the relayer and swap the user's address for mine; amount and id stay.
    A quorum's statement is for exactly this id, amount and script."""
    honest = pay(kernel, (coin(0),), ((1, 60_000_000),))
    maps = maps_of(honest.psbt)
    outputs = maps.transaction.outputs
    evil = maps.with_transaction(outputs=(outputs[0]._replace(script_pubkey=THIEF), *outputs[1:]))
    assert refused(kernel, with_psbt(honest, evil.psbt)) == "attestation-missing"
    assert outputs[0].script_pubkey == USER_SCRIPT
    assert kernel.sign(honest).signatures == 1


def test_no_payment_and_no_word(kernel: Running) -> None:
    """I name nothing as a payment and bring no attestation: the output to me might pass as change.
    What nobody named and the descriptor does not give has no purpose."""
    honest = pay(kernel, (coin(0),), ((1, 60_000_000),))
    assert refused(kernel, request(honest.psbt, list(honest.attestations))) == "output-unexplained"
    nobody = request(honest.psbt, list[t.Attestation](), tuple(honest.payments))
    assert refused(kernel, nobody) == "coin-unproven"
    assert kernel.sign(honest).signatures == 1
