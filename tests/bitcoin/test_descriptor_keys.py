"""Keys of any descriptor: what is read, and refusals one field away."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signer.bitcoin.descriptor import DescriptorKey, parse_key_information
from signer.bitcoin.descriptor.keys import MAX_ALTERNATIVES, read_key
from signer.bitcoin.errors import Malformed
from signer.bitcoin.keys import HARDENED, FixedKey, KeyOrigin, parse_xpub
from signer.bitcoin.miniscript.model import Context
from signer.bitcoin.network import MAINNET, REGTEST
from tests.bitcoin.refused import refused, unless_refused
from tests.bitcoin.taproot_vaults import MEMBERS

ORIGIN, XPUB = (MEMBERS[0].key_text.split("]")[0] + "]", MEMBERS[0].key_text.split("]")[1])
PARSED = parse_xpub(XPUB, REGTEST)
PUBKEY = PARSED.pubkey
XONLY = PUBKEY[1:].hex()
CODES = (
    "key-malformed or key-private or key-unsupported or path-malformed or pubkey-malformed "
    "or xpub-malformed or xpub-wrong-network"
)


def read(text: str, context: Context = Context.P2WSH) -> DescriptorKey:
    return read_key(text, REGTEST, context)


def test_an_xpub_with_everything() -> None:
    text = f"{ORIGIN}{XPUB}/7/<1;9>/3/*"
    key = read(text)
    origin = KeyOrigin(
        MEMBERS[0].fingerprint, (48 + HARDENED, 1 + HARDENED, HARDENED, 2 + HARDENED)
    )
    assert key == DescriptorKey(text, origin, PARSED, ((7, 1, 3), (7, 9, 3)), ranged=True)
    assert key.pubkey(1, 4) == PARSED.child(7).child(9).child(3).child(4).pubkey
    assert key.pubkey(0, 4) == PARSED.child(7).child(1).child(3).child(4).pubkey


def test_an_xpub_alone() -> None:
    key = read(XPUB)
    assert key == DescriptorKey(XPUB, None, PARSED, ((),), ranged=False)
    assert key.pubkey(0, 5) == key.pubkey(3, 0) == PUBKEY
    assert read(f"{XPUB}/*").pubkey(2, 5) == PARSED.child_pubkey(5)
    assert read(f"{XPUB}/5").pubkey(2, 9) == PARSED.child_pubkey(5)


def test_single_public_keys() -> None:
    for text in (PUBKEY.hex(), PUBKEY.hex().upper(), f"[d34db33f/1h]{PUBKEY.hex()}"):
        assert read(text).pubkey(0, 1) == PUBKEY
        assert read(text, Context.TAPSCRIPT).pubkey(0, 1) == PUBKEY
    assert read(XONLY, Context.TAPSCRIPT).pubkey(0, 1) == b"\x02" + PUBKEY[1:]
    with refused("pubkey-malformed"):
        read(XONLY)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "key-malformed"),
        ("[d34db33f]", "key-malformed"),
        (f"[d34db33f{XPUB}", "key-malformed"),
        (f"[d34db33]{XPUB}", "key-malformed"),
        (f"[d34db33f][d34db33f]{XPUB}", "key-malformed"),
        (f"{XPUB}//", "path-malformed"),
        (f"{XPUB}/", "path-malformed"),
        (f"{XPUB}/a", "path-malformed"),
        (f"{XPUB}/*/*", "path-malformed"),
        (f"{XPUB}/**", "path-malformed"),
        (f"{XPUB}/2147483648", "path-malformed"),
        (f"{XPUB}/<0>/*", "path-malformed"),
        (f"{XPUB}/<0;>/*", "path-malformed"),
        (f"{XPUB}/<;>/*", "path-malformed"),
        (f"{XPUB}/<0;1/*", "path-malformed"),
        (f"{XPUB}/0;1>/*", "path-malformed"),
        (f"{XPUB}" + "/1" * 11, "path-malformed"),
        (f"{XPUB}/<0;0>/*", "key-malformed"),
        (f"{XPUB}/<0;1>/<2;3>/*", "key-malformed"),
        (f"[d34db33f/<0;1>]{XPUB}", "path-malformed"),
        (f"{PUBKEY.hex()}/0", "key-malformed"),
        (f"{PUBKEY.hex()}/*", "key-malformed"),
        (f"{XPUB}/0h/*", "key-unsupported"),
        (f"{XPUB}/<0;1h>/*", "key-unsupported"),
        (f"{XPUB}/*'", "key-unsupported"),
        (f"{XPUB}/*h", "key-unsupported"),
        ("04" + 64 * "11", "key-unsupported"),
        ("06" + 64 * "11", "key-unsupported"),
        ("05" + XONLY, "pubkey-malformed"),
        (XONLY[:-2], "pubkey-malformed"),
        (XONLY[:-1], "xpub-malformed"),
        (XPUB.replace("tpub", "tprv"), "key-private"),
        (ORIGIN + XPUB.replace("tpub", "xprv") + "/1/*", "key-private"),
        ("cVpF924EspNh8KjYsfhgY96mmxvT6DgdWiTYMtMjuM74hJaU5psW", "key-private"),
        ("5KYZdUEo39z3FPrtuX2QbbwGnNP5zTd7yyr2SC1j299sBCnWjss", "key-private"),
        ("L4rK1yDtCWekvXuE6oXD9jCYfFNV2cWRpVuPLBcCU2z8TrisoyY1", "key-private"),
        (PARSED.text(MAINNET), "xpub-wrong-network"),
        ("1" * 20_000, "key-malformed"),
    ],
)
def test_keys_one_field_away(text: str, code: str) -> None:
    for context in (Context.P2WSH, Context.TAPSCRIPT):
        with pytest.raises(Malformed) as refusal:
            read(text, context)
        assert refusal.value.code == code
        assert not re.search("[xt](pub|prv)[1-9A-Za-z]{4}|[0-9a-f]{20}", refusal.value.detail)


def test_ten_alternatives_are_read_and_eleven_are_not() -> None:
    numbers = ";".join(map(str, range(MAX_ALTERNATIVES)))
    assert len(read(f"{XPUB}/<{numbers}>").paths) == MAX_ALTERNATIVES == 10
    with refused("key-malformed"):
        read(f"{XPUB}/<{numbers};10>")


def test_depth_is_one_byte() -> None:
    deep = PARSED.__class__(255, bytes(4), 1, PARSED.chain_code, PUBKEY).text(REGTEST)
    assert read(f"{deep}").pubkey(0, 0) == PUBKEY
    with refused("derivation-impossible"):
        read(f"{deep}/0").pubkey(0, 0)


def test_key_information_has_no_steps() -> None:
    assert parse_key_information(XPUB, REGTEST) == (None, PARSED)
    with refused("key-malformed"):
        parse_key_information(f"{XPUB}/0", REGTEST)
    assert parse_key_information(PUBKEY.hex(), REGTEST) == (None, FixedKey(PUBKEY))
    with refused("key-malformed"):
        parse_key_information(f"{PUBKEY.hex()}/0", REGTEST)


@given(st.text(max_size=60), st.sampled_from(["", ORIGIN, XPUB, XPUB + "/"]))
def test_any_text_is_read_or_malformed(text: str, before: str) -> None:
    """Invariant: only Malformed escapes."""
    key = unless_refused(CODES, read, before + text)
    assert key is None or (key.text == before + text and len(key.pubkey(0, 0)) == 33)
