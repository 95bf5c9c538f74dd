"""A group counts people: one point under two forms of key is one officer twice."""

import base64

import pytest

from policies.load import load_policy
from policies.source import PolicyError
from signer.core.ssh import SK_ED25519, format_public_key, read_key
from tests.kernel.room import policy_text
from tests.officers import Officer, SshOfficer, string

ALICE, BOB, CAROL = SshOfficer("alice"), SshOfficer("bob"), Officer("carol")
POINT = read_key(ALICE.key).point


def token(point: bytes, application: bytes = b"ssh:") -> str:
    """The line of a FIDO2 key with that Ed25519 point."""
    blob = string(SK_ED25519) + string(point) + string(application)
    return format_public_key(blob)


def plain(officer: SshOfficer) -> str:
    return format_public_key(officer.key)


def loaded(*keys: str) -> str:
    """The code with which a group of these keys is refused; `ok` else."""
    listed = ", ".join(f'"{key}"' for key in keys)
    try:
        load_policy(policy_text(groups=f"officers = [{listed}]"))
    except PolicyError as error:
        return error.code
    return "ok"


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        ((plain(ALICE), plain(BOB)), "ok"),
        ((plain(ALICE), plain(ALICE)), "policy-repeated"),
        ((plain(ALICE), f"{plain(ALICE)} another comment"), "policy-repeated"),
        ((plain(ALICE), token(POINT)), "policy-repeated"),
        ((token(POINT), plain(ALICE)), "policy-repeated"),
        ((plain(BOB), token(POINT)), "ok"),
        ((token(POINT), token(POINT, b"ssh:work")), "policy-repeated"),
        ((token(read_key(BOB.key).point), token(POINT, b"ssh:work")), "ok"),
        ((CAROL.key.hex(), CAROL.key.hex()), "policy-repeated"),
        ((CAROL.key.hex(), plain(ALICE), token(read_key(BOB.key).point)), "ok"),
    ],
)
def test_a_point_stands_once_in_a_group(keys: tuple[str, ...], code: str) -> None:
    """One person would be two of the quorum: the same secret as a file's key and as a token's."""
    assert loaded(*keys) == code


def test_a_point_may_stand_in_two_groups() -> None:
    content = policy_text(groups=f'one = ["{plain(ALICE)}"]\ntwo = ["{token(POINT)}"]')
    assert {group.name for group in load_policy(content).groups} >= {"one", "two"}


@pytest.mark.parametrize("point", [bytes(32), b"\x01" + bytes(31), b"\xff" * 32])
def test_a_key_that_anybody_signs_for_is_in_no_group(point: bytes) -> None:
    weak = base64.b64encode(string(b"ssh-ed25519") + string(point)).decode()
    assert loaded(f"ssh-ed25519 {weak}") == "officer-key-malformed"
    assert loaded(plain(ALICE)) == "ok"
