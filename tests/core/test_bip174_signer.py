"""BIP-174's vectors that a signer must refuse: well-formed, and nothing that we would sign."""

from signer.bitcoin.errors import Malformed
from signer.bitcoin.psbt.reader import parse_psbt, psbt_from_base64
from signer.core.errors import Refusal
from signer.core.registry import VaultRegistry
from signer.core.verify import SpendClaims, verify
from tests import federation
from tests.core.spends import good_case
from tests.vectors import load_json


def verdict(raw: bytes) -> str:
    vault = federation.vault()
    try:
        verify(SpendClaims(parse_psbt(raw), raw, ()), vault, VaultRegistry((vault,)), (0,))
    except (Refusal, Malformed) as refusal:
        return refusal.code
    return "signed"


def test_fails_signer_vectors_are_refused() -> None:
    """Their own faults (a witness UTXO for a legacy input, scripts that do not hash to what they claim) are
    refused one by one, with honest twins, in `test_verify`; here: not one of them gets a signature."""
    every = load_json("bips/bip174/psbt_vectors.json")["vectors"]
    vectors = [vector for vector in every if vector["section"] == "fails_signer"]
    assert len(vectors) == 4
    verdicts = [verdict(psbt_from_base64(vector["base64"])) for vector in vectors]
    assert "signed" not in verdicts
    twin = good_case(payments=())
    assert verdict(twin.psbt_bytes) == "signed"
