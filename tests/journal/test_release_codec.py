"""A release's canonical bytes: read back as they were, and nothing else is read."""

from dataclasses import replace

import pytest

from signer.bitcoin.burial import Burial
from signer.bitcoin.errors import Malformed
from signer.bitcoin.hashes import hash256
from signer.bitcoin.inclusion import CoinbaseProof, TxProof
from signer.bitcoin.units import Height
from signer.core.acts import LiftHolds, SignedAct
from signer.core.fields import pack, unpack
from signer.core.release_proof import KillerBlock
from signer.core.released import ProvenKiller, ReleasedNotice
from signer.journal.codec import decode_entry, encode_entry
from tests.core.releases import FUNDING, KILLER, PARENT, PIN, TERMS
from tests.core.spends import NOW
from tests.officers import Officer

HEADER = b"\x04" * 80
ACT: SignedAct = Officer("ada").says(LiftHolds(b"\x07" * 32), NOW)
NOTICE = ReleasedNotice(
    clock=NOW,
    caller="relayer-1",
    policy_id=b"\x01" * 32,
    vault_fingerprint=b"\x02" * 32,
    terms=TERMS,
    pin=PIN,
    transactions=(FUNDING.stripped, PARENT.stripped, KILLER.stripped),
    evidence=b"",
    acts=(ACT,),
)


BY_CHAIN = ProvenKiller(
    TxProof(KILLER.stripped, 5, (b"\x01" * 32,) * 3, CoinbaseProof(b"\x02", (b"\x03" * 32,) * 3)),
    HEADER,
    KillerBlock(hash256(HEADER), Height(200), Burial(100, 2**255)),
)
PROVEN = replace(NOTICE, proof=BY_CHAIN)
COINBASE = replace(NOTICE, proof=replace(BY_CHAIN, proof=TxProof(KILLER.stripped, 0, (), None)))


@pytest.mark.parametrize(
    "notice",
    [NOTICE, replace(NOTICE, pin=None, acts=(), labels=(bytes(40),)), PROVEN, COINBASE],
)
def test_read_back(notice: ReleasedNotice) -> None:
    assert decode_entry(encode_entry(notice)) == notice
    assert notice.killer == KILLER.txid


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (4, b"\x00" * 31),
        (6, b"\x00" * 31),
        (7, b"\xff" * 8),
        (9, b"\x00" * 35),
        (10, b""),
        (10, pack((KILLER.stripped[:-1],))),
        (12, pack((pack((b"pause", b"\x00" * 32, b"")),))),
        (13, pack((bytes(39),))),
    ],
)
def test_what_no_kernel_writes_is_not_read(place: int, value: bytes) -> None:
    fields = unpack(encode_entry(NOTICE))
    decode_entry(pack(fields))
    fields[place] = value
    with pytest.raises(Malformed) as caught:
        decode_entry(pack(fields))
    assert caught.value.code == "entry-malformed"


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (0, b""),
        (0, pack((b"", bytes(4), b"", b"", bytes(32)))),
        (0, pack((b"", bytes(4), bytes(33), b"", b""))),
        (0, pack((b"", bytes(5), b"", b"", b""))),
        (1, HEADER[1:]),
        (2, bytes(3)),
        (3, bytes(5)),
        (4, bytes(31)),
    ],
)
def test_a_proof_that_no_kernel_writes_is_not_read(place: int, value: bytes) -> None:
    fields = unpack(encode_entry(PROVEN))
    proof = unpack(fields[-1])
    proof[place] = value
    with pytest.raises(Malformed) as caught:
        decode_entry(pack((*fields[:-1], pack(proof))))
    assert caught.value.code == "entry-malformed"


def test_the_kinds_are_not_mixed_up() -> None:
    plain, by_chain = unpack(encode_entry(NOTICE)), unpack(encode_entry(PROVEN))
    assert by_chain[by_chain.index(b"released-proven")] != plain[plain.index(b"released")]
    swapped = [*plain]
    swapped[swapped.index(b"released")] = b"released-proven"
    with pytest.raises(Malformed):
        decode_entry(pack(swapped))
    with pytest.raises(Malformed):
        decode_entry(pack(by_chain[:-1]))
