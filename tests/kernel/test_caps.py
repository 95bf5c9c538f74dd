"""The keystore's caps in a real kernel: what the policy lets pass is refused beyond them, on record."""

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from keystore.caps import Caps
from keystore.header import Limits
from keystore.ledger import create_ledger
from keystore.ledger_fold import fold_ledger
from keystore.sealed import ledger_key_of, limit, open_sealed
from pegwarden.v1 import kernel_pb2 as pb
from policies.load import load_policy
from signer.bitcoin.units import Sats
from signer.charged import Counting
from signer.core.control import ControlState, Epoch
from signer.core.errors import Refusal
from signer.core.vault import Vault
from signer.journal.codec import decode_entry
from signer.journal.entry import RefusedEntry
from tests import federation
from tests.core.spends import NOW, Coin
from tests.kernel import federated
from tests.kernel.pinned import PinnedMember
from tests.kernel.room import (
    Member,
    Running,
    attested,
    construct_request,
    sign_request,
)
from tests.kernel.test_fixed_vault import ONE_TOKEN

PAID = 60_000_000
CAPS = Caps(Sats(PAID + 20_000), Sats(2 * PAID + 20_000))
"""Two withdrawals a day. The policy lets out 2 BTC, so three."""


@dataclass
class House:
    """A member whose key has caps, and its kernel."""

    member: Member
    running: Running
    asked: dict[int, pb.SignPsbtRequest] = field(default_factory=dict)
    vault: Vault = field(default_factory=federation.vault)

    def request(self, number: int, amount: int = 0) -> pb.SignPsbtRequest:
        """To pay that withdrawal from a coin of its own; no two amounts are equal."""
        amount = amount or PAID + number
        if number not in self.asked:
            coins, payments = (Coin(self.vault, salt=number),), ((number, amount),)
            built = self.running.construct(construct_request(coins, payments))
            self.asked[number] = sign_request(built, attested(coins, payments))
        return self.asked[number]

    def pay(self, number: int, amount: int = 0) -> str:
        """`ok`, or the code with which it is refused."""
        try:
            self.running.sign(self.request(number, amount))
        except Refusal as refusal:
            return refusal.code
        return "ok"

    def restart(self) -> None:
        self.running.stop()
        self.running = self.member.start()

    @property
    def ledger(self) -> Path:
        (found,) = (self.member.folder / "ledgers").iterdir()
        return found


def cap(member: Member | federated.Member, caps: Caps = CAPS) -> None:
    """What `pegwarden key caps set` does."""
    limit(member._file("vault"), Limits(caps))
    vault = load_policy(member.policy).vaults[0].fingerprint
    folder = member.folder / "ledgers"
    folder.mkdir()
    with ledger_key_of(open_sealed(member._file("vault"))) as key:
        create_ledger(folder / vault.hex(), key, vault)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    member = Member(tmp_path / "a", 0).init()
    cap(member)
    made = House(member, member.start())
    yield made
    made.running.stop()


def refusals(house: House) -> list[RefusedEntry]:
    with house.running.journal.reading() as reading:
        entries = map(decode_entry, reading.records(0, 1_000, 1 << 24))
        return [entry for entry in entries if isinstance(entry, RefusedEntry)]


def test_a_spend_beyond_its_cap_is_refused_and_on_record(house: House) -> None:
    request = house.request(1, CAPS.per_spend)
    assert not house.running.explain(request).would_sign
    assert house.pay(1, CAPS.per_spend) == "cap-per-spend"
    (entry,) = refusals(house)
    assert entry.code == "cap-per-spend"
    assert house.running.explain(house.request(2)).would_sign
    assert house.pay(2) == "ok"


def test_a_day_beyond_its_cap_is_refused_and_a_retry_is_not(house: House) -> None:
    assert [house.pay(number) for number in (1, 2, 3)] == ["ok", "ok", "cap-per-day"]
    assert house.pay(2) == "ok"
    assert house.running.explain(house.request(1)).would_sign


def test_the_day_goes_on_after_a_restart(house: House) -> None:
    assert [house.pay(number) for number in (1, 2)] == ["ok", "ok"]
    house.restart()
    assert house.pay(3) == "cap-per-day"
    assert house.pay(1) == "ok"


def test_a_folded_ledger_holds_as_before(house: House) -> None:
    assert [house.pay(number) for number in (1, 2)] == ["ok", "ok"]
    house.running.stop()
    vault = house.vault.fingerprint
    with ledger_key_of(open_sealed(house.member._file("vault"))) as key:
        assert fold_ledger(house.ledger, key, vault) == (2, 2)
    house.running = house.member.start()
    assert house.pay(3) == "cap-per-day"
    assert house.pay(2) == "ok"


def test_what_a_ledger_lost_the_journal_brings_back(house: House) -> None:
    """Its records are cut off, as a power failure may."""
    new = house.ledger.read_bytes()
    assert [house.pay(number) for number in (1, 2)] == ["ok", "ok"]
    house.running.stop()
    house.ledger.write_bytes(new)
    house.running = house.member.start()
    assert house.pay(3) == "cap-per-day"
    assert house.ledger.read_bytes() != new


def test_a_retry_is_the_first_request_of_a_start(house: House) -> None:
    """The record is counted before it, too."""
    assert house.pay(1) == "ok"
    house.restart()
    assert house.running.keystore.behind()
    assert house.pay(1) == "ok"
    assert house.running.keystore.behind() == {}


def test_an_old_copy_of_the_journal_signs_nothing(house: House) -> None:
    """The ledger has seen a longer one, which may have paid what this one would pay again."""
    journal = house.member.folder / "journal.sqlite"
    house.running.stop()
    old = journal.read_bytes()
    house.running = house.member.start()
    assert house.pay(1) == "ok"
    house.running.stop()
    journal.write_bytes(old)
    for name in ("-wal", "-shm"):
        journal.with_name(journal.name + name).unlink(missing_ok=True)
    house.running = house.member.start()
    assert house.pay(2) == "state-rolled-back"


def test_without_caps_the_policy_alone_decides(tmp_path: Path) -> None:
    member = Member(tmp_path / "a", 0).init()
    house = House(member, member.start())
    assert [house.pay(number) for number in (1, 2, 3)] == ["ok", "ok", "ok"]
    house.running.stop()


def test_what_officers_gave_up_stops_no_key_with_caps(house: House) -> None:
    """An old copy of the journal after a new epoch: what its lost entries paid stays charged."""
    assert house.pay(1) == "ok"
    house.running.stop()
    seen: list[int] = []

    class Shorter:
        """As a journal that was set back says of itself."""

        def __init__(self, *epochs: Epoch) -> None:
            self._control = ControlState(epochs=epochs)

        def control(self) -> ControlState:
            return self._control

        def size(self) -> int:
            return 1

        def now(self) -> int:
            return NOW

        def record(self, number: int) -> bytes:
            seen.append(number)
            return first

        def records(self, *_: int) -> tuple[bytes, ...]:
            return ()

    house.running = house.member.start()
    with house.running.journal.reading() as reading:
        first = reading.record(0)
        size = reading.size()

    def put_back(reading: Shorter) -> Any:
        return SimpleNamespace(reading=lambda: nullcontext(reading), stopped_by=tuple)

    again = house.member.start_keystore()
    with pytest.raises(Refusal) as caught:
        Counting(again, put_back(Shorter()))()
    assert caught.value.code == "state-rolled-back"
    Counting(again, put_back(Shorter(Epoch(1, 1, size, b"", NOW))))()
    assert again.behind() == {}
    assert seen
    again.close()


def test_a_key_in_a_token_has_caps(tmp_path: Path) -> None:
    """Beyond them its token is not asked."""
    member = PinnedMember(tmp_path / "a", 0, ONE_TOKEN)
    member.init()
    cap(member)
    house = House(member, member.start(), vault=load_policy(ONE_TOKEN).vaults[0])
    assert [house.pay(number) for number in (1, 2, 3)] == ["ok", "ok", "cap-per-day"]
    assert member.token.signed == 2
    house.restart()
    assert house.pay(4, CAPS.per_spend) == "cap-per-spend"
    assert member.token.signed == 0
    house.running.stop()


def paid(team: federated.Team, number: int) -> str:
    """`ok` once the others have granted it, or the code with which A refuses it."""
    coins, payments = (Coin(salt=number),), ((number, PAID + number),)
    request = federated.draft(team["a"], coins, payments)
    for _ in range(2):
        try:
            if team["a"].sign(request).signatures:
                return "ok"
        except Refusal as refusal:
            return refusal.code
        team.carry(rounds=1)
    return "agreement-pending"


def test_a_host_that_was_put_back_counts_what_comes_back(tmp_path: Path) -> None:
    """Its ledger is as old as its journal. What it lost comes back from the others, and with it the day."""
    team = federated.team(tmp_path)
    cap(team.members[0])
    kept = team.save("a")
    team.start()
    team.carry(rounds=4)
    assert [paid(team, number) for number in (1, 2, 3)] == ["ok", "ok", "cap-per-day"]
    team.carry()
    team.stop("a")
    team.restore("a", kept)
    team.start("a")
    assert paid(team, 4) == "agreement-starting"
    assert team.carry(rounds=6).waiting == {}
    assert paid(team, 4) == "cap-per-day"
    team.stop()
