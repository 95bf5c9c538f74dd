"""What members say to each other: bytes that mean one thing, from one member, on one chain."""

from dataclasses import fields, replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from signer.bitcoin.errors import Malformed
from signer.bitcoin.transaction import OutPoint, Txid
from signer.bitcoin.units import Sats
from signer.core.agreement.claim import Claim
from signer.core.agreement.claim_codec import claim_bytes, read_claim
from signer.core.agreement.messages import (
    DOMAIN,
    MAX_CONTRARY,
    MAX_MESSAGE,
    MAX_REASON,
    Contrary,
    Granted,
    Message,
    Recollection,
    Standing,
    author,
    message_bytes,
    read_message,
    signed_message,
)
from signer.core.fields import pack, unpack
from signer.core.payment import WithdrawalTerms

CHAIN, OTHER_CHAIN = b"\x0f" * 32, b"\x06" * 32


class Key:
    """A member's log key."""

    def __init__(self, seed: int) -> None:
        self._secret = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        self.log_key = self._secret.public_key().public_bytes_raw()

    def sign_message(self, message: bytes) -> bytes:
        return self._secret.sign(message)


A, B, STRANGER = Key(1), Key(2), Key(3)
MEMBERS = frozenset({A.log_key, B.log_key})


def coin(number: int, vout: int = 0) -> OutPoint:
    return OutPoint(Txid(bytes([number]) * 32), vout)


def terms(number: int, amount: int = 5_000) -> WithdrawalTerms:
    return WithdrawalTerms(bytes([number]) * 32, Sats(amount), b"\x00\x14" + bytes(20))


CLAIM = Claim(
    origin=A.log_key,
    number=7,
    leaf=b"\x01" * 32,
    vault=b"\x03" * 32,
    txid=b"\x02" * 32,
    spends=frozenset({coin(9), coin(8, 3)}),
    pays=frozenset({terms(1), terms(2)}),
    new_pins=frozenset({(bytes([1]) * 32, coin(9))}),
    relied=frozenset({(bytes([2]) * 32, coin(8, 3))}),
    bonds=frozenset({(b"batch", b"root")}),
)
STANDING = Standing(A.log_key, b"\x0a" * 16, 12, b"\x0b" * 32, 1_700_000_000)
RECOLLECTION = Recollection(
    witness=B.log_key,
    origin=A.log_key,
    incarnation=b"\x0a" * 16,
    size=44,
    root=b"\x0c" * 32,
    known_head="origin\n11\nroot\n",
    clock=1_700_000_001,
)
GRANTED = Granted(B.log_key, A.log_key, b"\x0a" * 16, 7, b"\x01" * 32)
CONTRARY = Contrary(
    B.log_key, A.log_key, b"\x0a" * 16, 7, b"\x01" * 32, (CLAIM,), (b"\x05" * 32,), "coin-unproven"
)
EVERY: tuple[Message, ...] = (STANDING, RECOLLECTION, GRANTED, CONTRARY)


def key_of(message: Message) -> Key:
    return A if author(message) == A.log_key else B


def code_of(signed: bytes, chain: bytes = CHAIN) -> str:
    with pytest.raises(Malformed) as refused:
        read_message(signed, chain, MEMBERS)
    return refused.value.code


@pytest.mark.parametrize("message", EVERY, ids=lambda each: type(each).__name__)
def test_what_is_read_is_what_was_signed(message: Message) -> None:
    signed = signed_message(message, CHAIN, key_of(message))
    assert read_message(signed, CHAIN, MEMBERS) == message


@pytest.mark.parametrize("message", EVERY, ids=lambda each: type(each).__name__)
def test_a_message_of_which_one_field_is_another_is_not_the_one_that_was_signed(
    message: Message,
) -> None:
    """A hostile carrier changes a field and keeps the signature."""
    signature = signed_message(message, CHAIN, key_of(message))[-64:]
    for field in fields(message):
        value = getattr(message, field.name)
        other = {
            bytes: lambda v: bytes(b ^ 1 for b in v),
            int: lambda v: v + 1,
            str: lambda v: v + "x",
        }
        forged = replace(
            message, **{field.name: () if isinstance(value, tuple) else other[type(value)](value)}
        )
        assert code_of(message_bytes(forged, CHAIN) + signature) == "member-message-foreign"


@pytest.mark.parametrize("message", EVERY, ids=lambda each: type(each).__name__)
def test_every_bit_of_a_message_is_bound(message: Message) -> None:
    signed = signed_message(message, CHAIN, key_of(message))
    for place in range(len(signed)):
        flipped = signed[:place] + bytes([signed[place] ^ 0x40]) + signed[place + 1 :]
        assert code_of(flipped) in ("member-message-malformed", "member-message-foreign")


@pytest.mark.parametrize("message", EVERY, ids=lambda each: type(each).__name__)
def test_a_message_is_for_one_chain(message: Message) -> None:
    signed = signed_message(message, CHAIN, key_of(message))
    assert code_of(signed, OTHER_CHAIN) == "member-message-foreign"
    assert read_message(signed, CHAIN, MEMBERS) == message


def test_a_stranger_is_not_heard() -> None:
    stranger = replace(GRANTED, witness=STRANGER.log_key)
    assert code_of(signed_message(stranger, CHAIN, STRANGER)) == "member-message-foreign"
    assert code_of(signed_message(GRANTED, CHAIN, STRANGER)) == "member-message-foreign"


def test_what_the_log_key_signs_elsewhere_is_no_message() -> None:
    """A checkpoint text or a receipt, signed by the same key, is not read as a member's word."""
    for text in (b"pegwarden/receipt/v1\n" + pack((b"grant",)), b"pegwarden/aa/bb\n1\nroot\n"):
        assert code_of(text + B.sign_message(text)) == "member-message-malformed"


def signed_fields(*said: bytes, key: Key = B) -> bytes:
    body = DOMAIN + pack(said)
    return body + key.sign_message(body)


def parts(message: Message) -> list[bytes]:
    return unpack(message_bytes(message, CHAIN).removeprefix(DOMAIN))


@pytest.mark.parametrize(
    "signed",
    [
        b"",
        b"\x00" * 64,
        signed_fields(b"grant", CHAIN),
        signed_fields(b"blessing", *parts(GRANTED)[1:]),
        signed_fields(*parts(GRANTED)[:-1]),
        signed_fields(*parts(GRANTED), b"more"),
        signed_fields(*parts(GRANTED)[:-1], b"\x01" * 31),
        signed_fields(*parts(RECOLLECTION)[:-2], b"\xff\xfe", parts(RECOLLECTION)[-1]),
        signed_fields(*parts(CONTRARY)[:2]),
    ],
)
def test_what_is_not_exactly_a_message_is_refused(signed: bytes) -> None:
    assert code_of(signed) == "member-message-malformed"


def test_a_message_is_bounded() -> None:
    """One byte less would have been read (and is no message for another reason)."""
    many = replace(CONTRARY, closed=tuple(n.to_bytes(32, "big") for n in range(7_000)))
    signed = signed_message(many, CHAIN, B)
    assert len(signed) > MAX_MESSAGE - 10_000
    over = replace(CONTRARY, closed=tuple(n.to_bytes(32, "big") for n in range(7_400)))
    assert code_of(signed_message(over, CHAIN, B)) == "member-message-malformed"
    assert read_message(signed, CHAIN, MEMBERS) == many


def test_a_refusal_has_a_reason_and_not_too_many() -> None:
    full = replace(CONTRARY, claims=(CLAIM,) * MAX_CONTRARY)
    lone = replace(CONTRARY, claims=(), closed=(), unvouched="x" * MAX_REASON)
    assert read_message(signed_message(lone, CHAIN, B), CHAIN, MEMBERS) == lone
    assert read_message(signed_message(full, CHAIN, B), CHAIN, MEMBERS) == full
    for wrong in (
        replace(CONTRARY, claims=(CLAIM,) * (MAX_CONTRARY + 1)),
        replace(CONTRARY, claims=(), closed=(), unvouched=""),
        replace(lone, unvouched="x" * (MAX_REASON + 1)),
        replace(CONTRARY, closed=(b"\x05" * 32, b"\x04" * 32)),
        replace(CONTRARY, closed=(b"\x05" * 32, b"\x05" * 32)),
    ):
        assert code_of(signed_message(wrong, CHAIN, B)) == "member-message-malformed"


def test_a_claim_is_read_as_it_was_written() -> None:
    assert read_claim(claim_bytes(CLAIM)) == CLAIM
    bare = CLAIM._replace(
        pays=frozenset(), new_pins=frozenset(), relied=frozenset(), bonds=frozenset()
    )
    assert read_claim(claim_bytes(bare)) == bare


def test_a_claim_has_one_form() -> None:
    """Sets ascend without repetition; amounts are amounts; something is spent."""
    whole = unpack(claim_bytes(CLAIM))
    backwards = [*whole[:5], pack(reversed(unpack(whole[5]))), *whole[6:]]
    twice = [*whole[:5], pack(unpack(whole[5])[:1] * 2), *whole[6:]]
    nothing = [*whole[:5], b"", *whole[6:]]
    rich = [*whole[:6], pack((pack((bytes(32), b"\xff" * 8, b"script")),)), *whole[7:]]
    for record in (backwards, twice, nothing, rich, whole[:8]):
        with pytest.raises(Malformed) as refused:
            read_claim(pack(record))
        assert refused.value.code == "entry-malformed"
    assert read_claim(pack(whole)) == CLAIM
