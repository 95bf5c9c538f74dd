"""A release's canonical bytes: read back as they were, and nothing else is read."""

from dataclasses import replace

import pytest

from signer.bitcoin.errors import Malformed
from signer.core.acts import LiftHolds, SignedAct
from signer.core.fields import pack, unpack
from signer.core.released import ReleasedNotice
from signer.journal.codec import decode_entry, encode_entry
from tests.core.releases import FUNDING, KILLER, PARENT, PIN, TERMS
from tests.core.spends import NOW
from tests.officers import Officer

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


@pytest.mark.parametrize(
    "notice", [NOTICE, replace(NOTICE, pin=None, acts=(), labels=(bytes(40),))]
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
