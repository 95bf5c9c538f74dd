"""Whoever took over the edge, as the edge's own user beside a kernel that serves. Invariant: it reads nothing
of the kernel, and gets signatures for what policy, attestors and caps let pass, and for nothing else.

What code inside the kernel's process may try is `tests/room/test_kills.py`'s.
"""

import hashlib
import json
import shutil
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from coincurve import PublicKey

from pegwarden.v1 import kernel_pb2 as pb
from signer.bitcoin.psbt.reader import parse_psbt
from signer.edge.roles import EDGE, ROLES
from tests import federation
from tests.attacks.as_edge import Said, Task
from tests.attacks.two_users import (
    DAY,
    EDGE_USER,
    LARGEST,
    SECONDS,
    STRANGER,
    TwoUsers,
    need_root,
    started,
    two_users,
)
from tests.core.spends import USER_SCRIPT, Coin
from tests.kernel.room import attested, construct_request, sign_request
from tests.room.children import linux_room

pytestmark = linux_room

NAMES = ("everyone", "relayer", EDGE, "kernel")
"""Whom it says to be."""
THIEF = USER_SCRIPT[:-20] + b"\x66" * 20
PAID = 60_000_000
DIGEST = hashlib.sha256(b"a transaction that pays the thief").digest()
OFFERS = (DIGEST, *(bytes((field << 3 | 2, 32)) + DIGEST for field in (1, 2, 3)))
"""Requests: a digest, bare and as a field of bytes."""
INVENTED = ("SignDigest", "SignHash", "Sign", "sign_tasks", "sign_message", "sign_statement")


@pytest.fixture(scope="module")
def house() -> Iterator[TwoUsers]:
    need_root()
    with two_users() as made:
        yield made


def run(house: TwoUsers, task: Task, user: str = EDGE_USER) -> Said:
    with started(user, house.base, "-m", "tests.attacks.as_edge") as process:
        printed, errors = process.communicate(json.dumps(task), timeout=SECONDS)
    assert process.returncode == 0, errors
    said: Said = json.loads(printed)
    assert 0 not in said["user"]
    assert said["root"] == "EPERM"
    return said


def ask(house: TwoUsers, *calls: tuple[str, str, bytes], user: str = EDGE_USER) -> list[str]:
    """Codes, or `ok`."""
    return [code for code, _ in answers(house, *calls, user=user)]


def answers(
    house: TwoUsers, *calls: tuple[str, str, bytes], user: str = EDGE_USER
) -> list[tuple[str, bytes]]:
    own = own_folder(house)
    told = [(method, name, body.hex()) for method, name, body in calls]
    task = Task(process=0, files=[], folder=str(own), socket=str(house.socket), calls=told)
    return [(code, bytes.fromhex(body)) for code, body in run(house, task, user)["calls"]]


def own_folder(house: TwoUsers) -> Path:
    """Of the edge's user, with a file of its own."""
    own = house.base / "own"
    own.mkdir(exist_ok=True)
    (own / "file").touch()
    for path in (own, own / "file"):
        shutil.chown(path, EDGE_USER)
    (own / "planted.sock").unlink(missing_ok=True)
    return own


def order(house: TwoUsers, number: int, amount: int) -> pb.SignPsbtRequest:
    """An honest relayer's request with all evidence, made by the edge before it was taken over."""
    coins, payments = (Coin(salt=number),), ((number, amount),)
    with house.connect() as member:
        built = member.ask(construct_request(coins, payments), pb.ConstructWithdrawalTxResponse)
    return sign_request(built, attested(coins, payments, now=int(time.time())))


def test_it_opens_nothing_of_the_kernel(house: TwoUsers) -> None:
    """Its memory, environment, open files, threads, limits, itself: by /proc, by ptrace, by reading across
    processes, by taking a descriptor, by a signal. And its keys, passphrase, journal and ledgers, and the
    place of its socket. A child of its own and its own files show that each attempt works."""
    own, kernel = own_folder(house), house.base / "kernel"
    names = ("identity.key", "vault.key", "passphrase", "policy.toml", "member.toml", "ledgers")
    journal = [f"journal.sqlite{end}" for end in ("", "-wal", "-shm")]
    ledger = next((kernel / "ledgers").iterdir())
    files = [*(str(kernel / name) for name in (*names, *journal)), str(ledger), str(house.socket)]
    task = Task(process=house.pid("kernel"), files=files, folder=str(kernel), socket="", calls=[])
    attack = run(house, task)
    twin_files = [str(own / "file")]
    twin = run(house, Task(process=0, files=twin_files, folder=str(own), socket="", calls=[]))
    assert set(attack["memory"].values()) <= {"EACCES", "EPERM"}, attack["memory"]
    assert set(twin["memory"].values()) == {"done"}, twin["memory"]
    assert attack["memory"].keys() == twin["memory"].keys()
    doors = {name: attack["files"].pop(f"kernel.sock {name}") for name in ("read", "written")}
    assert doors == {"read": "ENXIO", "written": "ENXIO"}, "to connect to, and nothing else"
    assert set(attack["files"].values()) <= {"EACCES", "EPERM"}, attack["files"]
    assert set(twin["files"].values()) == {"done"}, twin["files"]
    assert len(attack["files"]) == 6 * len(files) + 3 - len(doors)


def test_no_digest_is_signed(house: TwoUsers) -> None:
    """It asks for a signature over 32 bytes of its choice: by every RPC there is and by names that it makes
    up, as somebody with every role. No answer holds a signature over them by a key of the vault."""
    methods = (*ROLES, *INVENTED)
    calls = [(method, "everyone", body) for method in methods for body in OFFERS]
    found = answers(house, *calls)
    assert not signs(DIGEST, b"".join(answer for _, answer in found))
    invented = [code for code, _ in found[len(ROLES) * len(OFFERS) :]]
    assert set(invented) == {"role-not-allowed"}
    signature = federation.MEMBERS[0].sign(0, 3, DIGEST)
    assert signs(DIGEST, b"before" + signature + b"behind"), "else nothing would be found"


def signs(digest: bytes, answer: bytes) -> bool:
    """Whether that holds a signature over the digest by a key of our member's."""
    starts = [at for at, byte in enumerate(answer[:-8]) if byte == 0x30]
    found = {answer[at : at + 2 + answer[at + 1]] for at in starts}
    keys = [federation.MEMBERS[0].secret(*place).public_key for place in product((0, 1), range(20))]
    return any(_verifies(key, each, digest) for each in found for key in keys)


def _verifies(key: PublicKey, signature: bytes, digest: bytes) -> bool:
    try:
        return key.verify(signature, digest, hasher=None)
    except ValueError:  # no signature at all
        return False


def test_a_changed_transaction_is_not_signed(house: TwoUsers) -> None:
    """An honest request passes through its hands: it turns the payment to itself, raises it, takes the
    change, leaves more to the miner, drops the evidence, spoils it, moves it to another withdrawal. All of it
    is refused under every name, and the request that it leaves alone is signed."""
    honest = order(house, 1, 1_000_001)
    changed = changes(honest)
    calls = [("SignPsbt", name, body) for body in changed.values() for name in NAMES[:2]]
    found = ask(house, *calls)
    codes = dict(zip(changed, found[::2], strict=True))
    assert codes == {
        "payment": "attestation-missing",
        "amount": "attestation-missing",
        "change": "output-unexplained",
        "fee": "fee-rate-out-of-range",
        "bare": "coin-unproven",
        "spoiled": "attestation-invalid",
        "other": "attestation-missing",
        "unclaimed": "output-unexplained",
    }
    assert found[::2] == found[1::2]
    raw = honest.SerializeToString()
    strangers = ask(house, *(("SignPsbt", name, raw) for name in NAMES[2:]))
    assert strangers == ["caller-unknown"] * 2
    assert ask(house, ("SignPsbt", "relayer", raw)) == ["ok"]


def changes(honest: pb.SignPsbtRequest) -> dict[str, bytes]:
    """One field away from it, each."""
    outputs = {out.script_pubkey: out.amount for out in parse_psbt(honest.psbt).transaction.outputs}
    paid = outputs.pop(USER_SCRIPT)
    ((change, left),) = outputs.items()

    def psbt(old: bytes, new: bytes) -> pb.SignPsbtRequest:
        made = pb.SignPsbtRequest.FromString(honest.SerializeToString())
        made.psbt = honest.psbt.replace(old, new)
        assert made.psbt != honest.psbt
        return made

    def sats(amount: int) -> bytes:
        return amount.to_bytes(8, "little")

    bare, spoiled, other, unclaimed = (
        pb.SignPsbtRequest.FromString(honest.SerializeToString()) for _ in range(4)
    )
    del bare.attestations[:]
    for each in spoiled.attestations:
        each.signature = each.signature[:-1] + bytes((each.signature[-1] ^ 1,))
    other.payments[0].withdrawal_id = b"\x66" * 32
    del unclaimed.payments[:]
    made = {
        "payment": psbt(USER_SCRIPT, THIEF),
        "amount": psbt(sats(paid), sats(paid + 1)),
        "change": psbt(change, change[:-20] + b"\x66" * 20),
        "fee": psbt(sats(left), sats(left - 5_000_000)),
        "bare": bare,
        "spoiled": spoiled,
        "other": other,
        "unclaimed": unclaimed,
    }
    return {name: each.SerializeToString() for name, each in made.items()}


def test_what_leaves_stays_within_the_caps(house: TwoUsers) -> None:
    """It has what an honest edge never sees at once: words of real attestors for more than the vault's key
    may let out. One withdrawal above the cap is refused under every name. Of six below it, asked for at the
    same time under two names, two are signed: the day holds no more."""
    large = order(house, 2, LARGEST)
    raw = large.SerializeToString()
    assert ask(house, *(("SignPsbt", name, raw) for name in NAMES)) == [
        "cap-per-spend",
        "cap-per-spend",
        "caller-unknown",
        "caller-unknown",
    ]
    orders = [order(house, number, PAID + number) for number in range(3, 9)]
    bodies = [each.SerializeToString() for each in orders]
    found = ask(house, *(("SignPsbt", NAMES[at % 2], body) for at, body in enumerate(bodies)))
    assert sorted(found) == ["cap-per-day"] * 4 + ["ok"] * 2
    assert ask(house, *(("SignPsbt", "relayer", body) for body in bodies)) == found
    assert 3 * PAID > DAY


def test_what_an_honest_client_is_told_of_it(house: TwoUsers) -> None:
    """A relayer asks whether any of this stands between it and a thief: two processes, a closed room, a key
    with caps. The kernel says it; an edge that was taken over could say anything."""
    with house.connect() as member:
        told = member.ask(pb.GetInfoRequest(), pb.GetInfoResponse).custody
    assert (told.processes, told.room_is_closed) == (2, True)
    assert [(key.vault_id, key.kind, key.has_caps) for key in told.keys] == [("peg", "file", True)]


def test_a_third_user_is_not_heard(house: TwoUsers) -> None:
    """Another service of the host is taken over, and finds the kernel's socket. Whoever is not the edge's
    user is turned away before it has said anything."""
    assert ask(house, ("GetStatus", EDGE, b""), user=STRANGER) == ["kernel-restarting"]
    assert ask(house, ("GetStatus", EDGE, b"")) == ["ok"]
    assert house.events("kernel", "edge-turned-away")
