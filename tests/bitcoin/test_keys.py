"""Extended keys, against every BIP-32 vector. Private derivation here is the tests' own oracle."""

import hmac

import pytest
from coincurve import PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from signer.bitcoin.base58 import base58check_encode
from signer.bitcoin.keys import (
    HARDENED,
    ExtendedPublicKey,
    KeyOrigin,
    branch_key,
    format_path,
    parse_path,
    parse_xpub,
    parse_xpub_payload,
)
from signer.bitcoin.network import MAINNET, REGTEST
from signer.bitcoin.secp import ORDER
from tests.bitcoin.refused import refused, unless_refused
from tests.vectors import load_json

XPUB = (
    "xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD265TMg"
    "7usUDFdp6W1EGMcet8"
)


def private_child(secret: bytes, chain: bytes, number: int) -> tuple[bytes, bytes]:
    """CKDpriv (BIP-32)."""
    public = PrivateKey(secret).public_key.format()
    body = b"\0" + secret if number >= HARDENED else public
    digest = hmac.digest(chain, body + number.to_bytes(4, "big"), "sha512")
    sum_ = (int.from_bytes(digest[:32], "big") + int.from_bytes(secret, "big")) % ORDER
    return sum_.to_bytes(32, "big"), digest[32:]


def numbers_of(chain: str) -> list[int]:
    """The steps of `m/0/h/1`: in the vectors the h stands behind a slash of its own, or not."""
    numbers: list[int] = []
    for step in chain.split("/")[1:]:
        if step in ("h", "H", "'"):
            numbers[-1] += HARDENED
        else:
            hardened = step[-1] in "hH'"
            numbers.append(int(step.rstrip("hH'")) + HARDENED * hardened)
    return numbers


def test_bip32_chains() -> None:
    """Each xpub is read and written; each is what CKDpriv from the seed, and CKDpub where the last
    step is not hardened, come to."""
    chains = public_steps = 0
    known: dict[tuple[str, tuple[int, ...]], ExtendedPublicKey] = {}
    for row in load_json("bips/bip32/bip32_vectors.json")["vectors"]:
        key = parse_xpub(row["xpub"], MAINNET)
        assert key.text(MAINNET) == row["xpub"]
        digest = hmac.digest(b"Bitcoin seed", bytes.fromhex(row["seed"]), "sha512")
        secret, chain_code = digest[:32], digest[32:]
        numbers = numbers_of(row["chain"])
        for number in numbers:
            secret, chain_code = private_child(secret, chain_code, number)
        assert key.pubkey == PrivateKey(secret).public_key.format()
        assert (key.chain_code, key.depth) == (chain_code, len(numbers))
        parent = known.get((row["seed"], tuple(numbers[:-1])))
        if numbers and numbers[-1] < HARDENED:
            assert parent is not None
            assert parent.child(numbers[-1]) == key
            assert parent.child_pubkey(numbers[-1]) == key.pubkey
            assert branch_key(parent, numbers[-1]) == key
            public_steps += 1
        known[row["seed"], tuple(numbers)] = key
        chains += 1
    assert (chains, public_steps) == (17, 6)


def test_bip32_invalid_keys() -> None:
    rows = load_json("bips/bip32/bip32_vectors.json")["invalid_keys"]
    for row in rows:
        either = "xpub-malformed or xpub-wrong-network"
        assert unless_refused(either, parse_xpub, row["key"], MAINNET) is None, row["reason"]
    assert len(rows) == 14


def payload(
    depth: int = 1, parent: bytes = b"abcd", number: int = 0, pubkey: bytes | None = None
) -> bytes:
    key = parse_xpub(XPUB, MAINNET)
    head = bytes((depth,)) + parent + number.to_bytes(4, "big")
    return head + key.chain_code + (pubkey or key.pubkey)


def test_payloads_that_are_keys() -> None:
    assert parse_xpub_payload(payload()).payload() == payload()
    assert parse_xpub_payload(payload(depth=0, parent=bytes(4))).depth == 0
    assert parse_xpub_payload(payload(depth=255, number=HARDENED)).child_number == HARDENED


@pytest.mark.parametrize(
    "data",
    [
        payload()[:-1],
        payload() + b"\0",
        b"",
        payload(depth=0),
        payload(depth=0, parent=bytes(4), number=1),
        payload(pubkey=b"\x04" + bytes(32)),
        payload(pubkey=b"\x02" + bytes(31) + b"\x05"),  # x = 5 is not on the curve
        payload(pubkey=b"\x00" + b"\x01" * 32),  # a secret key
    ],
)
def test_payloads_that_are_not(data: bytes) -> None:
    with refused("xpub-malformed"):
        parse_xpub_payload(data)
    with refused("xpub-malformed"):
        parse_xpub(base58check_encode(MAINNET.xpub_version + data), MAINNET)


def test_an_xpub_of_another_network_or_form() -> None:
    key = parse_xpub(XPUB, MAINNET)
    assert parse_xpub(key.text(REGTEST), REGTEST) == key
    slip132 = base58check_encode(bytes.fromhex("02aa7ed3") + key.payload())
    assert slip132.startswith("Zpub")
    for text, network in ((XPUB, REGTEST), (key.text(REGTEST), MAINNET), (slip132, MAINNET)):
        with refused("xpub-wrong-network"):
            parse_xpub(text, network)


def test_an_xpub_that_is_not_base58() -> None:
    for text in (XPUB[:-1], XPUB[:-1] + "9", XPUB + " ", ""):
        with refused("xpub-malformed"):
            parse_xpub(text, MAINNET)


def test_children_that_do_not_exist() -> None:
    key = parse_xpub(XPUB, MAINNET)
    assert key.child(HARDENED - 1).child_number == HARDENED - 1
    for number in (-1, HARDENED, 2**32):
        with refused("derivation-impossible"):
            key.child(number)
        with refused("derivation-impossible"):
            key.child_pubkey(number)
    deepest = parse_xpub_payload(payload(depth=254)).child(0)
    assert deepest.depth == 255
    with refused("derivation-impossible"):
        deepest.child(0)


def test_a_child_at_infinity(monkeypatch: pytest.MonkeyPatch) -> None:
    """1 in 2^127: made by an HMAC that returns minus the parent's secret key."""
    secret = (7).to_bytes(32, "big")
    key = ExtendedPublicKey(1, b"abcd", 0, bytes(32), PrivateKey(secret).public_key.format())
    assert key.child_pubkey(0)
    minus = (ORDER - 7).to_bytes(32, "big")
    monkeypatch.setattr(hmac, "digest", lambda *_: minus + bytes(32))
    with refused("derivation-impossible"):
        key.child_pubkey(0)


@given(st.binary(min_size=32, max_size=32), st.integers(0, HARDENED - 1))
def test_public_derivation_is_private_derivation_seen_from_outside(
    seed: bytes, number: int
) -> None:
    secret, chain = private_child(b"\x01" * 32, seed, HARDENED)
    xpub = ExtendedPublicKey(1, bytes(4), 0, chain, PrivateKey(secret).public_key.format())
    child, child_chain = private_child(secret, chain, number)
    derived = xpub.child(number)
    assert derived.pubkey == PrivateKey(child).public_key.format()
    assert (derived.chain_code, derived.parent_fingerprint) == (child_chain, xpub.fingerprint())


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("", ()),
        ("/0", (0,)),
        ("/48'/1h/0", (48 + HARDENED, 1 + HARDENED, 0)),
        ("/2147483647'", (2**32 - 1,)),
        ("/0" * 10, (0,) * 10),
    ],
)
def test_paths(text: str, path: tuple[int, ...]) -> None:
    assert parse_path(text) == path
    assert format_path(path) == text.replace("h", "'")


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "m/0",
        "/",
        "//0",
        "/0/",
        "/2147483648",
        "/2147483648'",
        "/4294967296",
        "/0''",
        "/0H",
        "/'",
        "/-1",
        "/+1",
        "/1_0",
        "/ 1",
        "/\u0661",
        "/0x1",
        "/" + "1" * 5_000,
        "/0" * 11,
        "/" * 1_000_000,
    ],
)
def test_texts_that_are_no_path(text: str) -> None:
    with refused("path-malformed"):
        parse_path(text)


@given(st.lists(st.integers(0, 2**32 - 1), max_size=10).map(tuple))
def test_paths_are_undone(path: tuple[int, ...]) -> None:
    assert parse_path(format_path(path)) == path


@given(st.text("/0123456789'hm", max_size=30))
def test_any_text_is_a_path_or_malformed(text: str) -> None:
    path = unless_refused("path-malformed", parse_path, text)
    if path is not None:
        assert parse_path(format_path(path)) == path


def test_origin_as_text() -> None:
    origin = KeyOrigin(bytes.fromhex("d34db33f"), parse_path("/48'/1'/0'/2'"))
    assert str(origin) == "[d34db33f/48'/1'/0'/2']"
    assert str(KeyOrigin(bytes(4), ())) == "[00000000]"
