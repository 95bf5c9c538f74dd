"""Evidence of the journal: bytes that no kernel wrote are refused."""

import pytest

from signer.bitcoin.errors import Malformed
from signer.core.evidence_codec import decode_evidence, encode_evidence
from signer.core.fields import pack, unpack
from tests.core.spends import attestations, good_case


def parts() -> list[bytes]:
    """The fields of one attestation."""
    (first, *_) = unpack(encode_evidence(attestations(good_case(), ())))
    return list(unpack(first))


@pytest.mark.parametrize(("place", "other"), [(3, b"hearsay"), (4, b"")])
def test_an_attestation_without_statements_of_a_known_kind(place: int, other: bytes) -> None:
    fields = parts()
    assert len(decode_evidence(pack([pack(fields)]))) == 1
    fields[place] = other
    with pytest.raises(Malformed) as caught:
        decode_evidence(pack([pack(fields)]))
    assert caught.value.code == "entry-malformed"
    assert "known kind" in caught.value.detail
