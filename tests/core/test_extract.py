"""ExtractTx: combine, verify, finalise, standardness; and Core's consensus code at the end."""

from dataclasses import replace

import pytest

from signer.bitcoin.errors import Malformed
from signer.bitcoin.psbt.model import PartialSignature, UnverifiedPsbt
from signer.bitcoin.psbt.reader import parse_psbt
from signer.bitcoin.psbt.writer import OutputDraft, draft_psbt, with_our_signatures
from signer.bitcoin.transaction import OutPoint, TxIn, TxOut
from signer.bitcoin.units import FeeRate, Sats
from signer.consensus import verify_consensus
from signer.core.construct import construct_withdrawal
from signer.core.errors import Refusal
from signer.core.extract import MAX_PSBTS, Extracted, Incomplete, extract
from signer.core.payment import WithdrawalTerms
from signer.core.registry import VaultRegistry
from signer.core.standard import verify_standard
from signer.core.vault import Vault
from tests.core.coins import Wanted, coin, sign
from tests.federation import vault

VAULT = vault()


def withdrawal(of: Vault, coins: int = 2, amount: int = 60_000) -> bytes:
    """An unsigned withdrawal PSBT that spends that many coins."""
    offered = tuple(coin(of, 50_000, salt, salt % 2, salt) for salt in range(coins))
    request = Wanted(
        vault=of,
        payments=(WithdrawalTerms(b"\x01" * 32, Sats(amount), b"\x00\x14" + b"\x0a" * 20),),
        coins=offered,
        change_index=0,
        fee_rate=FeeRate(5_000),
        required_inputs=frozenset(each.outpoint for each in offered),
        min_fee=Sats(0),
        locktime=0,
    )
    return construct_withdrawal(request.request, VaultRegistry((of,))).psbt_bytes


PSBT = withdrawal(VAULT)
SIGNED = tuple(sign(PSBT, VAULT, position) for position in range(3))


def code_of(*psbts: UnverifiedPsbt) -> str:
    with pytest.raises((Refusal, Malformed)) as refusal:
        extract(VAULT, psbts)
    return refusal.value.code


@pytest.mark.parametrize("quorum", [(0, 1), (2, 0), (1, 2), (0, 1, 2)])
def test_any_quorum_gives_a_valid_transaction(quorum):
    found = extract(VAULT, tuple(SIGNED[position] for position in quorum))
    assert isinstance(found, Extracted)
    assert found.transaction.txid == parse_psbt(PSBT).transaction.txid
    assert {len(stack) for stack in found.transaction.witnesses} == {4}
    verify_consensus(found.transaction, found.prevouts)
    assert found.fee == 100_000 - sum(txout.amount for txout in found.transaction.outputs)


def test_the_order_of_the_psbts_does_not_matter():
    assert extract(VAULT, SIGNED) == extract(VAULT, SIGNED[::-1])


@pytest.mark.parametrize(("threshold", "members"), [(1, 1), (3, 5), (11, 15)])
def test_other_federations_and_the_worst_case_weight(threshold, members):
    """G6: the final weight never exceeds the estimate, and falls short by signature sizes only."""
    of = vault(threshold, members)
    psbt = withdrawal(of)
    found = extract(of, tuple(sign(psbt, of, position) for position in range(threshold)))
    assert isinstance(found, Extracted)
    verify_consensus(found.transaction, found.prevouts)
    estimate = 4 * len(found.transaction.stripped) + 2 + 2 * (of.input_weight() - 164)
    assert estimate - 2 * 3 * threshold <= found.transaction.weight <= estimate


def test_missing_signatures_are_named():
    found = extract(VAULT, (SIGNED[1],))
    assert isinstance(found, Incomplete)
    assert [(each.input_index, each.signed, each.needed) for each in found.missing] == [
        (0, 1, 2),
        (1, 1, 2),
    ]
    # Inputs are ascending by outpoint; the keys are those of each input's own address.
    for each, claims in zip(found.missing, SIGNED[1].inputs, strict=True):
        signer = claims.partial_signatures[0].pubkey
        keys = {derivation.pubkey for derivation in claims.bip32_derivations}
        assert set(each.without) == keys - {signer}
        assert len(each.without) == 2


def test_one_input_may_lack_what_another_has():
    full = extract(VAULT, SIGNED[:2])
    assert isinstance(full, Extracted)
    first = SIGNED[0].inputs[0].partial_signatures[0]
    half = parse_psbt(with_our_signatures(SIGNED[0], ((0, first),)))
    found = extract(VAULT, (half, SIGNED[1]))
    assert isinstance(found, Incomplete)
    assert [each.input_index for each in found.missing] == [1]


def test_nothing_to_combine():
    assert code_of() == "request-malformed"
    assert code_of(*[SIGNED[0]] * (MAX_PSBTS + 1)) == "request-malformed"
    assert isinstance(extract(VAULT, (SIGNED[0],) * MAX_PSBTS), Incomplete)


def test_different_transactions_are_refused():
    other = sign(withdrawal(VAULT, amount=60_001), VAULT, 1)
    assert code_of(SIGNED[0], other) == "psbt-combine-different-transactions"


def test_another_vaults_psbt_is_refused():
    foreign = vault(2, 3, 10)
    psbt = withdrawal(foreign)
    assert code_of(sign(psbt, foreign, 0)) == "input-foreign"


def resigned(position: int, index: int, partial: PartialSignature) -> UnverifiedPsbt:
    partials = [
        (number, claims.partial_signatures[0])
        for number, claims in enumerate(SIGNED[position].inputs)
        if number != index
    ]
    return parse_psbt(with_our_signatures(SIGNED[position], (*partials, (index, partial))))


def test_bad_signatures_are_refused():
    """A stranger's, another input's, another sighash type's: none of them is counted."""
    good = SIGNED[0].inputs[0].partial_signatures[0]
    other = SIGNED[0].inputs[1].partial_signatures[0]
    assert isinstance(extract(VAULT, (resigned(0, 0, good), SIGNED[1])), Extracted)
    swapped = replace(good, signature=other.signature)
    assert code_of(resigned(0, 0, swapped), SIGNED[1]) == "signature-invalid"
    stranger = replace(good, pubkey=other.pubkey)
    assert code_of(resigned(0, 0, stranger), SIGNED[1]) == "signature-foreign-key"
    single = replace(good, signature=good.signature[:-1] + b"\x03")
    assert code_of(resigned(0, 0, single), SIGNED[1]) == "sighash-type-refused"


def test_two_signatures_of_one_key_conflict():
    """G3: nothing wins because it came last."""
    good = SIGNED[0].inputs[0].partial_signatures[0]
    other = SIGNED[0].inputs[1].partial_signatures[0]
    forged = resigned(0, 0, replace(good, signature=other.signature))
    assert code_of(SIGNED[0], forged) == "psbt-combine-conflict"
    assert code_of(forged, SIGNED[0]) == "psbt-combine-conflict"


# --- what is extracted ---


def final() -> Extracted:
    found = extract(VAULT, SIGNED[:2])
    assert isinstance(found, Extracted)
    return found


def test_the_extracted_transaction_is_standard():
    found = final()
    assert verify_standard(found.transaction, found.prevouts) == found.fee


def test_a_txin_is_only_an_outpoint_here():
    """Extraction leaves scriptSig empty: P2WSH has none (BIP-141)."""
    assert all(
        txin == TxIn(OutPoint(txin.previous.txid, 1), b"", 0xFFFFFFFD)
        for txin in final().transaction.inputs
    )


def test_a_psbt_without_inputs_is_a_refusal_and_no_fault():
    empty = parse_psbt(
        draft_psbt(2, 0, (), (OutputDraft(TxOut(Sats(1_000), b"\x00\x14" + b"\x0a" * 20)),))
    )
    assert code_of(empty) == "transaction-not-standard"
