"""Curve operations. Invariant: we accept a signature exactly when BIP-66, BIP-146 and ECDSA do."""

import csv

import pytest
from coincurve import PrivateKey, PublicKey
from hypothesis import given
from hypothesis import strategies as st

from signer.bitcoin.errors import Malformed
from signer.bitcoin.secp import (
    ORDER,
    BadSignature,
    parse_der,
    parse_pubkey,
    parse_xonly,
    pubkey_tweak_add,
    serialize_pubkey,
    verify_ecdsa,
    verify_schnorr,
)
from tests.bitcoin.refused import refused, unless_refused
from tests.vectors import vector_path

SECRET = PrivateKey((7).to_bytes(32, "big"))
PUBKEY = SECRET.public_key.format()
DIGEST = bytes(range(32))
SIGNATURE = SECRET.sign(DIGEST, hasher=None)


def der(r: int, s: int) -> bytes:
    """DER of two non-negative integers."""
    parts = [n.to_bytes(n.bit_length() // 8 + 1, "big") for n in (r, s)]
    body = b"".join(b"\x02" + bytes((len(part),)) + part for part in parts)
    return b"\x30" + bytes((len(body),)) + body


def numbers_of(signature: bytes) -> tuple[int, int]:
    size = signature[3]
    return int.from_bytes(signature[4 : 4 + size], "big"), int.from_bytes(
        signature[6 + size :], "big"
    )


R, S = numbers_of(SIGNATURE)


def is_strict_der(signature: bytes) -> bool:
    """IsValidSignatureEncoding of BIP-66, for a signature without its sighash byte."""
    if not 8 <= len(signature) <= 72 or signature[0] != 0x30 or signature[1] != len(signature) - 2:
        return False
    r_size = signature[3]
    if 5 + r_size >= len(signature):
        return False
    s_size = signature[5 + r_size]
    if r_size + s_size + 6 != len(signature):
        return False
    for tag, start, size in ((2, 4, r_size), (4 + r_size, 6 + r_size, s_size)):
        if signature[tag] != 0x02 or size == 0 or signature[start] & 0x80:
            return False
        if size > 1 and signature[start] == 0 and not signature[start + 1] & 0x80:
            return False
    return True


def test_bip340_vectors() -> None:
    ran = good = 0
    with vector_path("bips/bip340/test-vectors.csv").open() as lines:
        for row in csv.DictReader(lines):
            arguments = (
                bytes.fromhex(row[name]) for name in ("public key", "message", "signature")
            )
            if row["verification result"] == "TRUE":
                verify_schnorr(*arguments)
                good += 1
            else:
                with pytest.raises((BadSignature, Malformed)):
                    verify_schnorr(*arguments)
            ran += 1
    assert (ran, good) == (19, 9)


def test_a_schnorr_signature_binds_key_message_and_length() -> None:
    key, other = PUBKEY[1:], PrivateKey(b"\x08" * 32).public_key.format()[1:]
    signature = SECRET.sign_schnorr(DIGEST)
    verify_schnorr(key, DIGEST, signature)
    for wrong in (
        (other, DIGEST, signature),
        (key, DIGEST[:-1] + b"\0", signature),
        (key, DIGEST, signature[:-1]),
        (key, DIGEST, signature + b"\x01"),
        (key, DIGEST, bytes(64)),
    ):
        with pytest.raises(BadSignature):
            verify_schnorr(*wrong)
    with refused("pubkey-malformed"):
        verify_schnorr(bytes(32), DIGEST, signature)


@pytest.mark.parametrize(
    "pubkey",
    [
        b"",
        PUBKEY[:-1],
        PUBKEY + b"\0",
        b"\x04" + PUBKEY[1:],
        b"\x06" + PUBKEY[1:],
        SECRET.public_key.format(compressed=False),
        b"\x02" + (5).to_bytes(32, "big"),  # not on the curve
        b"\x02" + b"\xff" * 32,  # not below the field size
        PUBKEY[1:],
    ],
)
def test_keys_that_are_not_33_compressed_bytes_on_the_curve(pubkey: bytes) -> None:
    with refused("pubkey-malformed"):
        parse_pubkey(pubkey)


@pytest.mark.parametrize(
    "pubkey", [b"", PUBKEY, PUBKEY[1:-1], (5).to_bytes(32, "big"), b"\xff" * 32, bytes(32)]
)
def test_keys_that_are_not_32_bytes_on_the_curve(pubkey: bytes) -> None:
    with refused("pubkey-malformed"):
        parse_xonly(pubkey)


def test_keys_that_are() -> None:
    assert serialize_pubkey(parse_pubkey(PUBKEY)) == PUBKEY
    other = bytes((PUBKEY[0] ^ 1,)) + PUBKEY[1:]
    assert serialize_pubkey(parse_pubkey(other)) == other
    assert parse_xonly(PUBKEY[1:]) is parse_xonly(bytes(PUBKEY[1:]))


@given(st.integers(0, 2**256 - 1))
def test_tweaking_agrees_with_an_independent_path(tweak: int) -> None:
    data = tweak.to_bytes(32, "big")
    expected = None
    if tweak < ORDER and (7 + tweak) % ORDER:
        expected = PrivateKey(((7 + tweak) % ORDER).to_bytes(32, "big")).public_key.format()
    assert pubkey_tweak_add(PUBKEY, data) == expected


def test_tweaks_that_give_no_key() -> None:
    assert pubkey_tweak_add(PUBKEY, bytes(32)) == PUBKEY
    for tweak in (ORDER, ORDER - 7, 2**256 - 1):
        assert pubkey_tweak_add(PUBKEY, tweak.to_bytes(32, "big")) is None
    for size in (0, 31, 33):
        assert pubkey_tweak_add(PUBKEY, bytes(size)) is None


def test_the_signature_that_all_others_are_one_step_from() -> None:
    parse_der(SIGNATURE)
    verify_ecdsa(PUBKEY, DIGEST, SIGNATURE)
    assert der(R, S) == SIGNATURE


@pytest.mark.parametrize(
    "signature",
    [
        b"",
        SIGNATURE[:-1],
        SIGNATURE + b"\x01",  # with the sighash byte
        b"\x31" + SIGNATURE[1:],
        b"\x30\x81" + SIGNATURE[1:],  # a length in the long form
        b"\x30" + bytes((SIGNATURE[1] + 1,)) + SIGNATURE[2:] + b"\0",
        b"\x30\x80" + SIGNATURE[2:] + b"\0\0",  # BER
        b"\x30\x06\x02\x00\x02\x02\x00\x01",  # an empty integer
    ],
)
def test_signatures_that_are_not_der(signature: bytes) -> None:
    with refused("signature-malformed"):
        parse_der(signature)
    with refused("signature-malformed"):
        verify_ecdsa(PUBKEY, DIGEST, signature)


@pytest.mark.parametrize(
    "signature",
    [
        der(R, ORDER - S),  # high S
        der(R + ORDER, S),  # the same number modulo the order
        der(R, S + ORDER),
        der(ORDER, S),
        der(2**256, S),
        b"\x30\x06\x02\x01\xff\x02\x01\x01",  # negative R
        b"\x30\x06\x02\x01\x01\x02\x01\x80",  # negative S
    ],
)
def test_der_that_can_never_verify(signature: bytes) -> None:
    with refused("signature-malformed"):
        parse_der(signature)
    with pytest.raises(BadSignature):
        verify_ecdsa(PUBKEY, DIGEST, signature)


def test_signatures_of_something_else() -> None:
    other = PrivateKey(b"\x08" * 32)
    for pubkey, digest, signature in (
        (other.public_key.format(), DIGEST, SIGNATURE),
        (PUBKEY, DIGEST[:-1] + b"\0", SIGNATURE),
        (PUBKEY, DIGEST, other.sign(DIGEST, hasher=None)),
        (PUBKEY, DIGEST, der(0, 0)),
        (PUBKEY, DIGEST, der(R, S + 1)),
        (PUBKEY, DIGEST[:-1], SIGNATURE),
        (PUBKEY, DIGEST + b"\0", SIGNATURE),
        (PUBKEY, b"", SIGNATURE),
    ):
        with pytest.raises(BadSignature):
            verify_ecdsa(pubkey, digest, signature)
    with refused("pubkey-malformed"):
        verify_ecdsa(PUBKEY[1:], DIGEST, SIGNATURE)


SECRETS = st.integers(1, ORDER - 1).map(lambda number: number.to_bytes(32, "big"))


@given(SECRETS, st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_verification_agrees_with_the_object_interface(
    secret: bytes, digest: bytes, other: bytes
) -> None:
    key = PrivateKey(secret)
    signature, pubkey = key.sign(digest, hasher=None), key.public_key.format()
    parse_der(signature)
    verify_ecdsa(pubkey, digest, signature)
    assert PublicKey(pubkey).verify(signature, digest, hasher=None)
    if digest != other:
        with pytest.raises(BadSignature):
            verify_ecdsa(pubkey, other, signature)


@given(st.integers(0, 71), st.integers(0, 255), st.integers(0, 72))
def test_a_changed_byte_or_length_is_never_accepted_unless_strict(
    place: int, value: int, cut: int
) -> None:
    changed = bytearray(SIGNATURE)
    changed[place % len(changed)] = value
    for signature in (bytes(changed), SIGNATURE[:cut], bytes(changed)[:cut]):
        if unless_refused("signature-malformed", parse_der, signature) is not None:
            assert is_strict_der(signature)
            assert der(*numbers_of(signature)) == signature
            assert max(numbers_of(signature)) < ORDER
            assert numbers_of(signature)[1] <= ORDER // 2
        if signature != SIGNATURE:
            with pytest.raises((Malformed, BadSignature)):
                verify_ecdsa(PUBKEY, DIGEST, signature)


@given(st.integers(0, ORDER - 1), st.integers(0, ORDER // 2))
def test_every_number_in_range_is_der_that_we_read(r: int, s: int) -> None:
    assert is_strict_der(der(r, s))
    parse_der(der(r, s))


@given(st.binary(max_size=80))
def test_any_bytes_are_a_key_or_malformed(data: bytes) -> None:
    for parse in (parse_pubkey, parse_xonly, parse_der):
        unless_refused("pubkey-malformed or signature-malformed", parse, data)
