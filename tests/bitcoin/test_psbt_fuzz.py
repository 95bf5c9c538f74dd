"""Mutated PSBTs. Invariant: a mutant is refused as Malformed with a code of the catalogue, or it is
written again byte for byte and read by an independent library as the same transaction.
"""

from collections import Counter

from btclib_wallet.psbt import Psbt

from signer.bitcoin.errors import Malformed
from signer.bitcoin.psbt.combine import combine
from signer.bitcoin.psbt.model import UnverifiedPsbt
from signer.bitcoin.psbt.reader import parse_psbt
from signer.bitcoin.psbt.writer import serialize_psbt, with_our_signatures
from signer.core.catalogue import CATALOGUE
from tests.bitcoin.psbt_mutation import mutants, seeds
from tests.bitcoin.psbt_readings import btclib_reading, our_reading

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
        "psbt-version-0-field",
        "psbt-field-missing",
        "psbt-locktime-conflict",
        "psbt-unsigned-tx",
        "psbt-previous-transaction",
        "transaction-malformed",
    }


def test_mutants_are_deterministic() -> None:
    assert list(mutants(seed=3, count=50)) == list(mutants(seed=3, count=50))
    assert list(mutants(seed=3, count=50)) != list(mutants(seed=4, count=50))


def test_differential_against_btclib() -> None:
    both: Counter[int] = Counter()
    for data in (*seeds(), *mutants(seed=2, count=2_000)):
        ours = read(data)
        if isinstance(ours, str):
            continue
        theirs = btclib_reading(data)
        if isinstance(theirs, str):
            assert any(reason in theirs for reason in STRICTER_ORACLE), theirs
            continue
        both[ours.version] += 1
        assert theirs == our_reading(ours)
        assert_same_claims(ours, Psbt.parse(data))
    assert both[0] > 200
    assert both[2] > 100


def assert_same_claims(ours: UnverifiedPsbt, theirs: Psbt) -> None:
    """What is in the maps beside the transaction and the coins."""
    assert theirs.version == ours.version
    assert (theirs.tx_modifiable or 0) == ours.modifiable
    for one, other in zip(ours.inputs, theirs.inputs, strict=True):
        assert (one.redeem_script or b"") == other.redeem_script
        assert (one.witness_script or b"") == other.witness_script
        signatures = {each.pubkey: each.signature for each in one.partial_signatures}
        assert signatures == dict(other.partial_sigs)
