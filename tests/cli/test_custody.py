"""What a kernel says of where its keys are. Invariant: it is what its configuration and its key files say;
that a kernel with a room serves only when it has closed it, `tests/room/test_kernel_in_room.py` shows."""

import pytest

from keystore.secret import Secret
from pegwarden.v1 import control_pb2 as cb
from pegwarden.v1 import kernel_pb2 as pb
from pegwarden.v1 import types_pb2 as t
from signer import compose as composition
from signer.config import load_config
from signer.core.caller import Caller
from signer.read_member import read_member
from tests.cli.desk import PASSPHRASE, Desk, MemberPlace

TWO = '\n[processes]\nsockets = "."\n'


def custody(place: MemberPlace) -> t.Custody:
    """As GetInfo and GetStatus say it."""
    secret = Secret(PASSPHRASE.strip().encode())
    member = composition.compose(read_member(load_config(place.config)), secret)
    try:
        info, status = (
            member.handler.handle(method, Caller("me", frozenset()), b"")
            for method in ("GetInfo", "GetStatus")
        )
    finally:
        member.close()
    said = pb.GetInfoResponse.FromString(info).custody
    assert said == cb.GetStatusResponse.FromString(status).custody
    return said


@pytest.mark.parametrize(
    ("processes", "expected"),
    [
        ("", (1, False)),
        (TWO, (2, True)),
        (f"{TWO}unsafe_open_room = true\n", (2, False)),
        (f"{TWO}unsafe_open_room = false\n", (2, True)),
    ],
)
def test_the_room_and_the_processes(
    member: MemberPlace, processes: str, expected: tuple[int, bool]
) -> None:
    with member.config.open("a") as config:
        config.write(processes)
    said = custody(member)
    assert (said.processes, said.room_is_closed) == expected
    assert [(key.vault_id, key.kind, key.has_caps) for key in said.keys] == [("peg", "file", False)]


def test_a_key_with_caps_says_so(member: MemberPlace, pegwarden: Desk) -> None:
    caps = ("--per-spend", "5000", "--per-day", "70000")
    assert pegwarden("key", "caps", "set", member.vault_key, *caps, *member.opened).status == 0
    (key,) = custody(member).keys
    assert (key.vault_id, key.kind, key.has_caps) == ("peg", "file", True)
