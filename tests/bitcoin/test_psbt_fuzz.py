"""Mutated PSBTs. Invariant: a mutant is refused as Malformed with a code of the catalogue, or it is
written again byte for byte and read by an independent library as the same transaction.
"""

from collections import Counter

from btclib.exceptions import BTClibValueError
from btclib_wallet.psbt import Psbt

from signer.bitcoin.errors import Malformed
from signer.bitcoin.psbt.combine import combine
from signer.bitcoin.psbt.model import UnverifiedPsbt
from signer.bitcoin.psbt.reader import parse_psbt
from signer.bitcoin.psbt.writer import serialize_psbt, with_our_signatures
from signer.bitcoin.transaction import parse_transaction
from signer.core.catalogue import CATALOGUE
from tests.bitcoin.psbt_mutation import mutants, seeds

STRICTER_ORACLE = (
    # What the other library refuses and we read: claims that `verify` compares with facts.
    "Duplicated key origin values in hd_key_paths",
    "invalid public key: not a point",
    "mismatched witness utxo / non-witness utxo output",
    "invalid sig_hash type",
    "invalid partial signature",
    # Unknown pairs to us; `verify` refuses every unknown pair, and every type that it does not use.
    "is not allowed in a v0 psbt",
    "preimage",
    # Keys in fields that `verify` always refuses: of these we read the form only.
    "invalid musig2",
)


def read(data: bytes) -> UnverifiedPsbt | str:
    try:
        return parse_psbt(data)
    except Malformed as error:
        return error.code


def read_by_oracle(data: bytes) -> Psbt | str:
    try:
        return Psbt.parse(data)
    except BTClibValueError as error:
        return str(error)


def test_mutants() -> None:
    verdicts: Counter[str] = Counter()
    for mutant in mutants(seed=1, count=3_000):
        psbt = read(mutant)
        if isinstance(psbt, str):
            assert psbt in CATALOGUE
            verdicts[psbt] += 1
            continue
        verdicts["read"] += 1
        assert serialize_psbt(psbt) == mutant
        combined = parse_psbt(combine((psbt, psbt)))
        assert combine((combined, psbt)) == serialize_psbt(combined)
        parse_psbt(with_our_signatures(psbt, ()))
    # The mutator is worth its name only while it reaches these.
    assert verdicts["read"] > 300
    assert {code for code, count in verdicts.items() if count >= 3} >= {
        "psbt-magic",
        "psbt-malformed",
        "psbt-duplicate-key",
        "psbt-key-malformed",
        "psbt-value-malformed",
        "psbt-version-unsupported",
        "psbt-version-2-field",
        "psbt-unsigned-tx",
        "psbt-previous-transaction",
        "transaction-malformed",
    }


def test_mutants_are_deterministic() -> None:
    assert list(mutants(seed=3, count=50)) == list(mutants(seed=3, count=50))
    assert list(mutants(seed=3, count=50)) != list(mutants(seed=4, count=50))


def test_differential_against_btclib() -> None:
    both = 0
    for data in (*seeds(), *mutants(seed=2, count=2_000)):
        ours = read(data)
        if isinstance(ours, str):
            continue
        theirs = read_by_oracle(data)
        if isinstance(theirs, str):
            assert any(reason in theirs for reason in STRICTER_ORACLE), theirs
            continue
        both += 1
        assert_same(ours, theirs)
    assert both > 200


def assert_same(ours: UnverifiedPsbt, theirs: Psbt) -> None:
    transaction = ours.transaction
    assert theirs.tx.id[::-1] == transaction.txid
    assert theirs.lock_time == transaction.locktime
    assert [(out.value, out.script_pub_key.script) for out in theirs.tx.vout] == [
        (txout.amount, txout.script_pubkey) for txout in transaction.outputs
    ]
    assert [each.sequence for each in theirs.tx.vin] == [
        each.sequence for each in transaction.inputs
    ]
    for one, other in zip(ours.inputs, theirs.inputs, strict=True):
        previous, prevout = other.non_witness_utxo, other.witness_utxo
        assert (previous and previous.id[::-1]) == (
            one.non_witness_utxo and parse_transaction(one.non_witness_utxo).txid
        )
        assert (prevout and (prevout.value, prevout.script_pub_key.script)) == (
            one.witness_utxo and (one.witness_utxo.amount, one.witness_utxo.script_pubkey)
        )
        assert (one.redeem_script or b"") == other.redeem_script
        assert (one.witness_script or b"") == other.witness_script
        signatures = {each.pubkey: each.signature for each in one.partial_signatures}
        assert signatures == dict(other.partial_sigs)
