"""The second gate in the keystore: caps hold whatever the core decided, before any key is derived."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from keystore.caps import DAY, Caps, objections
from keystore.file_keystore import FileKeystore
from keystore.header import Binding, Limits
from keystore.ledger import Charged, create_ledger, ledger_files
from keystore.sealed import KeyFile, limit, open_sealed
from keystore.second_gate import Since
from keystore.secret import UNSAFE_EXPOSE
from keystore.vault_key import VaultKey
from signer.bitcoin.transaction import OutPoint, Txid
from signer.bitcoin.units import MAX_MONEY, Sats
from signer.core.errors import Fault, Refusal
from signer.core.spend import RecordedSpend, VerifiedSpend
from signer.core.vault import RECEIVE, Vault
from tests import federation
from tests.core.spends import Coin, change_draft, good_case
from tests.keystore.opening import open_files
from tests.keystore.vaultroom import BINDING, identity_file, passphrase, recorded, vault_file

NOW = 1_800_000_000
VAULT = BINDING.vault_fingerprint
CAPS = Caps(Sats(60_010_000), Sats(130_000_000))
LIMITS = Limits(CAPS)


NEXT, OTHER = (federation.vault(2, 3, first, "next") for first in (3, 6))


def rotation(number: int, to: Vault = NEXT) -> VerifiedSpend:
    """A coin of 1 BTC moves, but for 10,000 sats."""
    case = good_case((Coin(salt=number),), (), 100_000_000)
    output = change_draft(to, 99_990_000, branch=RECEIVE)
    return case.but(outputs=(output,), others=(to,)).verify()


class Machine:
    """A boot clock set by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def passed(self) -> float:
        return self.seconds


def spend(number: int = 1, amount: int = 60_000_000, fee: int = 10_000) -> VerifiedSpend:
    return good_case((Coin(salt=number),), ((number, amount),), fee).verify()


def on_record(verified: VerifiedSpend, size: int = 7, moment: int = NOW) -> RecordedSpend:
    head = f"pegwarden/a/b\n{size}\n{'A' * 43}=\n\n- signature\n"
    return RecordedSpend(verified, b"\x04" * 32, head, moment)


def capped_file(folder: Path, limits: Limits = LIMITS, binding: Binding = BINDING) -> KeyFile:
    file = vault_file(folder / "vault.key", binding)
    limit(file, limits)
    with VaultKey(open_sealed(file)).ledger_key as key:
        create_ledger(folder / VAULT.hex(), key, VAULT)
    return file


def open_room(folder: Path) -> FileKeystore:
    vault = KeyFile(folder / "vault.key", passphrase())
    identity = folder / "identity.key"
    source = KeyFile(identity, passphrase()) if identity.exists() else identity_file(identity)
    return open_files(source, (vault,))


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def room(tmp_path: Path, machine: Machine) -> Iterator[FileKeystore]:
    capped_file(tmp_path)
    keystore = open_room(tmp_path)
    keystore.open_ledgers(ledger_files(tmp_path), machine.passed)
    first = Charged((OutPoint(Txid(b"\x09" * 32), 0),), Sats(1_000_000), NOW)
    keystore.catch_up(VAULT, (first,), 7)
    yield keystore
    keystore.close()


def refused(room: FileKeystore, request: RecordedSpend) -> Refusal:
    with pytest.raises(Refusal) as caught:
        room.sign(request)
    return caught.value


def test_within_its_caps_a_key_signs(room: FileKeystore) -> None:
    request = on_record(spend())
    assert room.objections(request.spend, NOW) == ()
    assert room.sign(request) == room.sign(request)


def test_more_than_the_cap_of_a_spend(room: FileKeystore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(VaultKey, "derive_child", None)  # no child key is derived
    request = on_record(spend(fee=10_001))
    assert refused(room, request).code == "cap-per-spend"
    (objection,) = room.objections(request.spend, NOW)
    assert (objection.code, objection.observed, objection.limit) == (
        "cap-per-spend",
        "60010001 sat",
        "60010000 sat",
    )
    monkeypatch.undo()
    assert room.sign(on_record(spend(fee=10_000))).signatures


def test_more_than_the_cap_of_a_day(room: FileKeystore, machine: Machine) -> None:
    room.sign(on_record(spend(1)))
    machine.seconds = 3_600
    room.sign(on_record(spend(2)))
    third = on_record(spend(3, amount=9_000_000))
    (objection,) = refused(room, third).objections
    assert (objection.code, objection.observed, objection.limit) == (
        "cap-per-day",
        "130030000 sat",
        "130000000 sat",
    )
    (asked,) = room.objections(third.spend, NOW + 50_000)
    assert asked.not_before == NOW + 50_000 + DAY - 3_600, "by the caller's clock"
    machine.seconds = DAY - 1
    third = on_record(third.spend, moment=NOW + DAY - 1)
    assert refused(room, third).code == "cap-per-day"
    machine.seconds = DAY
    assert room.objections(third.spend, 0) == ()
    assert room.sign(third).signatures


def test_a_key_without_caps_beside_a_ledger_of_its_vault(tmp_path: Path) -> None:
    """An older file of a key that has caps, with the same passphrase."""
    capped_file(tmp_path)
    (tmp_path / "vault.key").unlink()
    vault_file(tmp_path / "vault.key", BINDING)
    keystore = open_room(tmp_path)
    with pytest.raises(Refusal) as caught:
        keystore.open_ledgers(ledger_files(tmp_path))
    assert caught.value.code == "cap-ledger-unused"
    keystore.open_ledgers({b"\x05" * 32: -1})
    assert keystore.sign(recorded(spend())).signatures


def test_a_bump_is_charged_once(room: FileKeystore) -> None:
    """C4: the bumps of one withdrawal cost their fees."""
    for fee in range(1_000, 10_001, 1_000):
        assert room.sign(on_record(spend(fee=fee))).signatures
    assert room.sign(on_record(spend(2))).signatures
    assert refused(room, on_record(spend(3))).code == "cap-per-day"


def test_a_machine_s_date_empties_no_day(room: FileKeystore) -> None:
    """The caller's time moves nothing: only the boot clock does."""
    room.sign(on_record(spend(1)))
    room.sign(on_record(spend(2)))
    third = spend(3)
    assert [each.code for each in room.objections(third, NOW + 10 * DAY)] == ["cap-per-day"]
    assert refused(room, on_record(third)).code == "cap-per-day"


def test_what_was_signed_is_remembered_by_the_next_start(
    room: FileKeystore, tmp_path: Path, machine: Machine
) -> None:
    room.sign(on_record(spend(1), size=9))
    room.sign(on_record(spend(2), size=8))
    again = open_room(tmp_path)
    again.open_ledgers(ledger_files(tmp_path), machine.passed)
    with pytest.raises(Refusal) as caught:
        again.catch_up(VAULT, (), 8)
    assert caught.value.code == "state-rolled-back"
    again.catch_up(VAULT, (), 9)
    assert refused(again, on_record(spend(3))).code == "cap-per-day"
    assert again.sign(on_record(spend(2))).signatures


def test_nothing_before_ledger_and_journal(tmp_path: Path, machine: Machine) -> None:
    capped_file(tmp_path)
    keystore = open_room(tmp_path)
    request = on_record(spend())
    keystore.catch_up(VAULT, (), 7)
    assert refused(keystore, request).code == "cap-ledger-missing"
    with pytest.raises(Refusal) as caught:
        keystore.objections(request.spend, NOW)
    assert caught.value.code == "cap-ledger-missing"
    with pytest.raises(Refusal) as caught:
        keystore.open_ledgers({}, machine.passed)
    assert caught.value.code == "cap-ledger-missing"
    keystore.open_ledgers(ledger_files(tmp_path), machine.passed)
    assert refused(keystore, request).code == "state-rolled-back"
    assert keystore.behind() == {VAULT: Since(0, 0, b"")}
    keystore.catch_up(VAULT, (), 7)
    with pytest.raises(Fault):
        keystore.sign(recorded(request.spend))  # with no head
    assert keystore.sign(request).signatures


def test_a_vault_is_emptied_into_its_successor_beyond_the_caps(
    tmp_path: Path, machine: Machine
) -> None:
    """Ten rotations of 1 BTC each, where a transaction may take 0.6 BTC away and a day 1.3 BTC."""
    capped_file(tmp_path, Limits(CAPS, NEXT.fingerprint))
    keystore = open_room(tmp_path)
    keystore.open_ledgers(ledger_files(tmp_path), machine.passed)
    keystore.catch_up(VAULT, (), 7)
    for number in range(10):
        request = on_record(rotation(number))
        assert keystore.objections(request.spend, NOW) == ()
        assert keystore.sign(request).signatures
    assert refused(keystore, on_record(rotation(10, OTHER))).code == "cap-per-spend"
    assert keystore.sign(on_record(spend(11))).signatures
    keystore.close()


def test_without_a_successor_a_rotation_is_held_by_the_caps(room: FileKeystore) -> None:
    assert refused(room, on_record(rotation(1))).code == "cap-per-spend"


def test_a_key_without_caps_has_no_second_gate(tmp_path: Path) -> None:
    vault_file(tmp_path / "vault.key", BINDING)
    keystore = open_room(tmp_path)
    keystore.open_ledgers(ledger_files(tmp_path))
    assert keystore.objections(spend(), NOW) == ()
    assert keystore.sign(recorded(spend())).signatures
    with pytest.raises(Fault):
        keystore.objections(good_case((Coin(vault=federation.vault(2, 3, 3)),)).verify(), NOW)


@pytest.mark.parametrize(("per_spend", "per_day"), [(0, 5), (-1, 5), (6, 5), (5, MAX_MONEY + 1)])
def test_caps_out_of_range(per_spend: int, per_day: int) -> None:
    with pytest.raises(Refusal) as caught:
        Caps(Sats(per_spend), Sats(per_day))
    assert caught.value.code == "cap-out-of-range"
    assert Caps(Sats(1), Sats(1)).per_day == 1
    assert Caps(Sats(5), MAX_MONEY).per_spend == 5


class EmptyDay:
    """Nothing was signed."""

    def used(self, now: int) -> int:
        return 0

    def frees(self, needed: int, now: int) -> int:
        return now


def test_what_no_day_lets_pass_names_no_moment() -> None:
    found = objections(Caps(Sats(5), Sats(6)), Sats(7), 7, (EmptyDay(), NOW))
    assert [(each.code, each.not_before) for each in found] == [
        ("cap-per-spend", None),
        ("cap-per-day", None),
    ]
    assert not list(objections(Caps(Sats(5), Sats(6)), Sats(5), 5, (EmptyDay(), NOW)))


def test_the_ledger_key_is_kept_when_caps_change(tmp_path: Path) -> None:
    file = capped_file(tmp_path)
    before = bytes(VaultKey(open_sealed(file)).ledger_key.expose(UNSAFE_EXPOSE))
    header = limit(file, Limits(Caps(Sats(1), Sats(2)), b"\x05" * 32))
    assert header.limits == Limits(Caps(Sats(1), Sats(2)), b"\x05" * 32)
    assert header.binding == BINDING
    key = VaultKey(open_sealed(file))
    assert bytes(key.ledger_key.expose(UNSAFE_EXPOSE)) == before != bytes(32)
    key.close()
    assert bytes(key.ledger_key.expose(UNSAFE_EXPOSE)) == bytes(32)
    with pytest.raises(Refusal) as caught:
        limit(identity_file(tmp_path / "identity.key"), Limits(CAPS))
    assert caught.value.code == "key-role-wrong"
