"""OpenSSH keys and signatures: real `ssh-keygen`, FIDO2 tokens in software, and everything one field away."""

import base64
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signer.bitcoin.errors import Malformed
from signer.core.errors import VerificationError
from signer.core.ssh import (
    MAX_BLOB,
    SK_ECDSA,
    SK_ED25519,
    format_officer,
    format_public_key,
    parse_public_key,
    read_key,
    read_officer,
    ssh_string,
)
from signer.core.ssh_signature import (
    MAX_SIGNATURE,
    armoured,
    signature_blob,
    verify_ssh_signature,
)
from tests.officers import Officer, SshOfficer, Token, mpint, string

TEXT = "action: approve withdrawal\namount: 12.50000000 BTC\n"
ALICE, BOB = SshOfficer("alice"), SshOfficer("bob")
TOKENS = (Token(b"ssh-ed25519"), Token(SK_ED25519), Token(SK_ECDSA))
KEY, SIGNATURE = "officer-key-malformed", "officer-signature-malformed"
INVALID = "officer-signature-invalid"


def code_of(
    error: pytest.ExceptionInfo[Malformed] | pytest.ExceptionInfo[VerificationError],
) -> str:
    return error.value.code


def refused(key: bytes, text: str, signature: bytes) -> str:
    with pytest.raises((Malformed, VerificationError)) as error:
        verify_ssh_signature(key, text.encode(), signature)
    return code_of(error)


def test_a_key_of_ssh_keygen_is_read_and_written_as_it_stands_in_its_file() -> None:
    blob = parse_public_key(ALICE.line)
    assert ALICE.line == f"{format_public_key(blob)} alice"
    assert parse_public_key(format_public_key(blob)) == blob
    assert len(blob) == 51


@pytest.mark.parametrize("token", TOKENS, ids=lambda token: token.kind.decode())
def test_the_three_types_of_keys_are_read(token: Token) -> None:
    line = f"{token.kind.decode()} {base64.b64encode(token.key).decode()}"
    assert format_public_key(parse_public_key(line)) == line
    assert parse_public_key(f"{line} a comment, with Ünicode") == token.key
    read = read_key(token.key)
    assert read.kind == token.kind
    assert read.application == (b"" if token.kind == b"ssh-ed25519" else b"ssh:")


P256 = b"\x04" + TOKENS[2].key[-4 - 4 - 64 : -4 - 4]
LINE = format_public_key(ALICE.key)
TOKEN_LINE = format_public_key(TOKENS[2].key)
BAD_LINES = {
    "empty": "",
    "no base64": "ssh-ed25519",
    "two spaces": LINE.replace(" ", "  "),
    "a leading space": f" {LINE}",
    "options before it": f'command="x" {LINE}',
    "a line feed": f"{LINE}\n",
    "a control character in the comment": f"{LINE} a\tb",
    "base64 of a wrong length": LINE[:-1],
    "base64 with other last bits": TOKEN_LINE.replace("c3NoOg==", "c3NoOh=="),
    "padding it does not need": f"{LINE}==",
    "another type than the blob's": LINE.replace("ssh-ed25519", "sk-ssh-ed25519@openssh.com"),
    "too long": f"{LINE} {'x' * 1_024}",
}


@pytest.mark.parametrize("line", BAD_LINES.values(), ids=BAD_LINES)
def test_a_line_one_character_away_is_refused(line: str) -> None:
    with pytest.raises(Malformed) as error:
        parse_public_key(line)
    assert code_of(error) == "officer-key-malformed"


def fields(*data: bytes) -> bytes:
    return b"".join(map(string, data))


BAD_BLOBS = {
    "empty": b"",
    "RSA": fields(b"ssh-rsa", b"\x03", b"\x00" + b"\xc5" * 256),
    "P-256 without a token": fields(b"ecdsa-sha2-nistp256", b"nistp256", P256),
    "a trailing byte": ALICE.key + b"\x00",
    "a byte less": ALICE.key[:-1],
    "an Ed25519 key of 31 bytes": fields(b"ssh-ed25519", b"\x01" * 31),
    "an Ed25519 key of 33 bytes": fields(b"ssh-ed25519", b"\x01" * 33),
    "a length beyond the end": b"\xff\xff\xff\xffssh-ed25519",
    "another curve": fields(SK_ECDSA, b"nistp384", P256, b"ssh:"),
    "a point off the curve": fields(SK_ECDSA, b"nistp256", P256[:-1] + b"\x00", b"ssh:"),
    "a compressed point": fields(SK_ECDSA, b"nistp256", b"\x02" + P256[1:33], b"ssh:"),
    "a web site's key": replace(TOKENS[1], application=b"https://example.org").key,
    "no application": replace(TOKENS[1], application=b"").key,
    "a token's key without its application": fields(SK_ED25519, b"\x01" * 32),
    "too long": replace(TOKENS[1], application=b"ssh:" + b"x" * MAX_BLOB).key,
}


@pytest.mark.parametrize("blob", BAD_BLOBS.values(), ids=BAD_BLOBS)
def test_a_blob_one_field_away_is_refused(blob: bytes) -> None:
    with pytest.raises(Malformed) as error:
        read_key(blob)
    assert code_of(error) == KEY


P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P
"""Ed25519 is -x^2 + y^2 = 1 + D x^2 y^2 modulo P."""
L = 2**252 + 27742317777372353535851937790883648493
"""The order of its base point; the curve has 8 L points."""
Point = tuple[int, int]
NEUTRAL = (0, 1)


def added(left: Point, right: Point) -> Point:
    (x1, y1), (x2, y2) = left, right
    t = D * x1 * x2 * y1 * y2 % P
    x = (x1 * y2 + x2 * y1) * pow(1 + t, -1, P) % P
    return x, (y1 * y2 + x1 * x2) * pow(1 - t, -1, P) % P


def times(count: int, point: Point) -> Point:
    result = NEUTRAL
    for bit in bin(count)[2:]:
        result = added(result, result)
        result = added(result, point) if bit == "1" else result
    return result


def point_at(y: int) -> Point | None:
    """A point with that y, if there is one (P is 5 modulo 8)."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    for x in (pow(square, (P + 3) // 8, P), pow(square, (P + 3) // 8, P) * pow(2, (P - 1) // 4, P)):
        if (x * x - square) % P == 0:
            return x % P, y
    return None


def torsion() -> list[Point]:
    """The eight points of small order: the multiples of one of order 8."""
    candidates = filter(None, map(point_at, range(2, 99)))
    found = (times(L, point) for point in candidates)
    generator = next(point for point in found if times(4, point) != NEUTRAL)
    return [times(count, generator) for count in range(8)]


SMALL = torsion()


def encoded(y: int, sign: int) -> bytes:
    return (y | sign << 255).to_bytes(32, "little")


def test_the_points_of_small_order_are_eight() -> None:
    assert len(set(SMALL)) == 8
    assert {times(8, point) for point in SMALL} == {NEUTRAL}
    assert {(0, 1), (0, P - 1)} < set(SMALL)


@pytest.mark.parametrize("kind", [b"ssh-ed25519", SK_ED25519])
@pytest.mark.parametrize("place", range(8))
def test_a_key_of_small_order_is_refused(kind: bytes, place: int) -> None:
    """Anybody signs under such a key: an officer whom no one controls, and everyone."""
    rest = (b"ssh:",) if kind == SK_ED25519 else ()
    for sign in (0, 1):
        blob = fields(kind, encoded(SMALL[place][1], sign), *rest)
        with pytest.raises(Malformed) as error:
            read_key(blob)
        assert code_of(error) == "officer-key-malformed"
    good = fields(kind, ALICE.key[-32:], *rest)
    assert read_key(good).point == ALICE.key[-32:]


@pytest.mark.parametrize("y", [*range(P, 2**255)])
def test_an_ed25519_key_has_one_form(y: int) -> None:
    """y and y + P would be two keys of one officer."""
    for sign in (0, 1):
        with pytest.raises(Malformed) as error:
            read_key(fields(b"ssh-ed25519", encoded(y, sign)))
        assert code_of(error) == "officer-key-malformed"


@pytest.mark.parametrize("y", [2, 3, P - 2, P - 3])
def test_keys_next_to_those_are_read(y: int) -> None:
    for sign in (0, 1):
        assert read_key(fields(b"ssh-ed25519", encoded(y, sign))).point == encoded(y, sign)


def test_the_points_that_those_blobs_spoil_are_good() -> None:
    assert read_key(fields(SK_ECDSA, b"nistp256", P256, b"ssh:work")).point == P256


@given(st.binary(max_size=200))
def test_whatever_blob_comes_is_read_back_or_refused(blob: bytes) -> None:
    try:
        line = format_public_key(blob)
    except Malformed as error:
        line = error.code
    assert line == "officer-key-malformed" or parse_public_key(line) == blob


def test_an_officer_is_written_as_in_a_policy() -> None:
    for key in (Officer("carol").key, ALICE.key):
        assert read_officer(format_officer(key)) == key
    for text in ("AB" * 32, "ab" * 31, f"{'ab' * 32} carol"):
        with pytest.raises(Malformed):
            read_officer(text)


@pytest.mark.parametrize("hash_name", ["sha256", "sha512"])
def test_what_ssh_keygen_signs_verifies_armoured_and_as_a_blob(hash_name: str) -> None:
    file = ALICE.signature(TEXT, hash_name=hash_name)
    blob = signature_blob(file)
    assert armoured(blob) == file
    verify_ssh_signature(ALICE.key, TEXT.encode(), file)
    verify_ssh_signature(ALICE.key, TEXT.encode(), file.rstrip(b"\n"))
    verify_ssh_signature(ALICE.key, TEXT.encode(), blob)
    assert refused(ALICE.key, TEXT.replace("12.5", "12.6"), blob) == "officer-signature-invalid"
    assert refused(BOB.key, TEXT, blob) == INVALID


def test_what_ssh_keygen_signs_for_another_purpose_is_refused() -> None:
    """An attacker asks an officer to sign a git commit whose text reads like an approval."""
    assert refused(ALICE.key, TEXT, ALICE.signature(TEXT, namespace="git")) == INVALID
    verify_ssh_signature(ALICE.key, TEXT.encode(), ALICE.signature(TEXT, namespace="pegwarden"))


@pytest.mark.parametrize("token", TOKENS, ids=lambda token: token.kind.decode())
def test_what_a_token_signs_verifies(token: Token) -> None:
    verify_ssh_signature(token.key, TEXT.encode(), token.signature(TEXT))
    short = replace(token, hash_name=b"sha256", counter=0xFFFFFFFF, flags=0x05)
    verify_ssh_signature(token.key, TEXT.encode(), short.signature(TEXT))
    assert refused(token.key, TEXT + "\n", token.signature(TEXT)) == INVALID


@pytest.mark.parametrize("token", TOKENS[1:], ids=lambda token: token.kind.decode())
def test_a_token_that_nobody_touched_is_refused(token: Token) -> None:
    """Malware on the officer's machine asks the token, which was made with `no-touch-required`."""
    untouched = replace(token, flags=0x04)
    assert refused(token.key, TEXT, untouched.signature(TEXT)) == INVALID
    verify_ssh_signature(token.key, TEXT.encode(), replace(token, flags=0x05).signature(TEXT))


@pytest.mark.parametrize("token", TOKENS[1:], ids=lambda token: token.kind.decode())
def test_a_token_s_flags_and_counter_are_signed(token: Token) -> None:
    """The flag of presence is set afterwards, in the signature of an untouched token."""
    untouched = replace(token, flags=0x00).signature(TEXT)
    assert untouched[-5:] == b"\x00" + token.counter.to_bytes(4, "big")
    assert refused(token.key, TEXT, untouched[:-5] + b"\x01" + untouched[-4:]) == INVALID
    good = token.signature(TEXT)
    assert refused(token.key, TEXT, good[:-1] + b"\x08") == INVALID
    verify_ssh_signature(token.key, TEXT.encode(), good)


ONE_FIELD = {
    "another magic": (replace(TOKENS[1], magic=b"SSHSIH"), SIGNATURE),
    "version 2": (replace(TOKENS[1], version=2), SIGNATURE),
    "another key": (replace(TOKENS[1], application=b"ssh:other"), INVALID),
    "another namespace": (replace(TOKENS[1], namespace=b"file"), INVALID),
    "something reserved": (replace(TOKENS[1], reserved=b"x"), SIGNATURE),
    "SHA-1": (replace(TOKENS[1], hash_name=b"sha1"), SIGNATURE),
}


@pytest.mark.parametrize(("token", "code"), ONE_FIELD.values(), ids=ONE_FIELD)
def test_a_signature_one_field_away_is_refused(token: Token, code: str) -> None:
    assert refused(TOKENS[1].key, TEXT, token.signature(TEXT)) == code


def head_of(token: Token) -> bytes:
    """All of its signature before the signature proper."""
    named = fields(token.key, token.namespace, token.reserved, token.hash_name)
    return token.magic + token.version.to_bytes(4, "big") + named


def inner_of(token: Token) -> bytes:
    return token.signature(TEXT)[len(head_of(token)) + 4 :]


def resealed(token: Token, inner: bytes) -> bytes:
    """The token's signature with another signature proper in it."""
    return head_of(token) + string(inner)


def test_resealing_the_same_signature_changes_nothing() -> None:
    token = TOKENS[1]
    assert resealed(token, inner_of(token)) == token.signature(TEXT)


def test_a_signature_proper_is_exactly_its_fields() -> None:
    token = TOKENS[1]
    inner = inner_of(token)
    for spoilt in (inner + b"\x00", inner[:-1], b"", inner.replace(b"sk-ssh", b"xk-ssh")):
        assert refused(token.key, TEXT, resealed(token, spoilt)) == "officer-signature-malformed"
    plain = fields(b"ssh-ed25519", b"\x01" * 64)
    assert refused(token.key, TEXT, resealed(token, plain)) == SIGNATURE
    short = fields(token.kind, b"\x01" * 63) + b"\x01" + bytes(4)
    assert refused(token.key, TEXT, resealed(token, short)) == INVALID
    assert refused(token.key, TEXT, token.signature(TEXT) + b"\x00") == SIGNATURE


def test_what_the_head_of_a_signature_says_is_what_was_signed() -> None:
    """A field that nothing signs must not say something else: two forms of one signature."""
    token = TOKENS[1]
    for told in (replace(token, namespace=b"file"), replace(token, application=b"ssh:other")):
        assert refused(token.key, TEXT, resealed(told, inner_of(token))) == INVALID
    assert refused(token.key, TEXT, resealed(replace(token, reserved=b"x"), inner_of(token))) == (
        SIGNATURE
    )


R = mpint(2**255 + 5)
NUMBERS = {
    "zero": (string(b"") + R, SIGNATURE),
    "zero written out": (string(b"\x00") + R, SIGNATURE),
    "negative": (string(b"\x80") + R, SIGNATURE),
    "a leading zero too many": (string(b"\x00\x01") + R, SIGNATURE),
    "257 bits": (string(b"\x01" + bytes(32)) + R, SIGNATURE),
    "a third number": (R + R + R, SIGNATURE),
    "one number": (R, SIGNATURE),
    "two numbers that do not verify": (R + string(b"\x7f"), INVALID),
    "a line feed as a byte of a number": (R + string(b"\n\n"), INVALID),
    "above the order": (R + string(b"\x00" + b"\xff" * 32), INVALID),
}


@pytest.mark.parametrize(("raw", "code"), NUMBERS.values(), ids=NUMBERS)
def test_numbers_of_an_ecdsa_signature_have_one_form(raw: bytes, code: str) -> None:
    inner = fields(SK_ECDSA, raw) + b"\x01" + bytes(4)
    assert refused(TOKENS[2].key, TEXT, resealed(TOKENS[2], inner)) == code


def test_armour_has_one_form() -> None:
    file = ALICE.signature(TEXT)
    lines = file.decode().splitlines()
    spoilt = {
        "carriage returns": file.replace(b"\n", b"\r\n"),
        "one long line": "\n".join((lines[0], "".join(lines[1:-1]), lines[-1], "")).encode(),
        "no end": file.replace(b"END", b"FIN"),
        "base64 cut": file.replace(lines[-2].encode(), lines[-2][:-1].encode()),
        "a second line feed": file + b"\n",
        "text after it": file + b"x",
        "a dash alone": b"-",
        "too long": armoured(bytes(MAX_SIGNATURE)),
    }
    for what, each in spoilt.items():
        with pytest.raises(Malformed) as error:
            signature_blob(each)
        assert code_of(error) == SIGNATURE, what
    assert signature_blob(file) == signature_blob(file.rstrip(b"\n"))
    assert signature_blob(bytes(MAX_SIGNATURE)) == bytes(MAX_SIGNATURE)


@given(st.binary(max_size=300))
def test_whatever_signature_comes_is_refused_by_a_code(signature: bytes) -> None:
    assert refused(ALICE.key, TEXT, signature) in (SIGNATURE, INVALID)
    assert refused(ALICE.key, TEXT, b"SSHSIG\x00\x00\x00\x01" + signature) in (SIGNATURE, INVALID)


@given(st.binary(max_size=64), st.binary(max_size=64))
def test_strings_are_framed(first: bytes, second: bytes) -> None:
    assert ssh_string(first) + ssh_string(second) == string(first) + string(second)


@pytest.mark.parametrize("token", TOKENS, ids=lambda token: token.kind.decode())
def test_openssh_itself_accepts_what_the_token_in_software_signs(
    token: Token, tmp_path: Path
) -> None:
    """So that the tests' token is OpenSSH's, and not only ours; one byte more and it is refused."""
    (tmp_path / "allowed").write_text(f"officer {format_public_key(token.key)}\n")
    (tmp_path / "text.sig").write_bytes(armoured(token.signature(TEXT)))
    command = ["ssh-keygen", "-Y", "verify", "-f", "allowed", "-I", "officer", "-n", "pegwarden"]
    command += ["-s", "text.sig"]
    for text, accepted in ((TEXT, True), (TEXT + "\n", False)):
        done = subprocess.run(
            command, input=text.encode(), cwd=tmp_path, capture_output=True, check=False
        )
        assert (done.returncode == 0) is accepted, done
