"""`pegwarden policy simulate`, and the replay beneath it, on the journal of a kernel that decided."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pegwarden.v1 import kernel_pb2 as pb
from signer.core.acts import HoldWithdrawal
from signer.core.errors import Refusal
from signer.core.notices import OfficerNotice
from signer.journal.audit import read_entries
from signer.journal.budget import CallerBudget
from signer.journal.entry import GenesisEntry, RefusedEntry, SignedEntry
from signer.ports.reading import Reading
from signer.replay.asked import asked_of, replay
from tests import federation
from tests.cli.desk import Desk
from tests.core.spends import NOW, Coin, withdrawal_id
from tests.journal.desk import Policy, case_number, desk, pay
from tests.kernel.room import (
    Member,
    Running,
    attested,
    construct_request,
    policy_text,
    sign_request,
)
from tests.officers import Officer

OLD = "and(attested(2, watchers), fee_at_most(0.01 BTC), outflow_at_most(24h, 0.9 BTC))"
OFFICERS = tuple(Officer(name) for name in ("ada", "bob", "cyd"))
KEYS = ", ".join(f'"{officer.key.hex()}"' for officer in OFFICERS)
SMALL, MIDDLE, LARGE = 10_000_000, 60_000_000, 80_000_000


def request(running: Running, number: int, amount: int) -> pb.SignPsbtRequest:
    """Withdrawal `number`, from a coin of its own."""
    coins, owed = (Coin(salt=number, index=number),), ((number, amount),)
    return sign_request(running.construct(construct_request(coins, owed)), attested(coins, owed))


@contextmanager
def decided(folder: Path) -> Iterator[Running]:
    """Signed: 0.6 BTC and 0.1 BTC. Refused: 0.8 BTC (the window), and the 0.6 BTC told otherwise."""
    running = Member(folder / "a", 0, policy_text(when=OLD)).init().start()
    try:
        running.sign(request(running, 1, MIDDLE))
        with pytest.raises(Refusal, match="outflow-exceeded"):
            running.sign(request(running, 2, LARGE))
        running.sign(request(running, 3, SMALL))
        yield running
    finally:
        running.stop()


def new_policy(folder: Path, when: str, **more: str) -> Path:
    path = folder / "new.toml"
    path.write_bytes(policy_text(when=when, **more))
    return path


def test_the_same_policy_changes_nothing(tmp_path: Path, pegwarden: Desk) -> None:
    with decided(tmp_path):
        said = simulate(pegwarden, tmp_path, new_policy(tmp_path, OLD))
    assert said.json["changes"] == []
    assert (said.json["still_signed"], said.json["still_refused"]) == (2, 1)
    assert said.json["decided_again"] == 3


def test_a_tighter_policy_would_have_refused(tmp_path: Path, pegwarden: Desk) -> None:
    with decided(tmp_path):
        new = new_policy(tmp_path, f"and({OLD}, payment_at_most(0.5 BTC))")
        said = simulate(pegwarden, tmp_path, new)
        lines = pegwarden("policy", "simulate", new, "--journal", tmp_path / "a" / "journal.sqlite")
    (change,) = said.json["changes"]
    assert (change["was"], change["would_be"]) == ("signed", "refused")
    assert change["would_be_codes"] == ["payment-too-large"]
    assert change["outflow_sat"] == said.json["signed_before_but_refused_sat"] > MIDDLE
    assert "1 signed, would be refused: 0.60" in lines.out
    assert "payment-too-large" in lines.out


def test_a_looser_policy_would_have_signed_by_the_record_of_then(
    tmp_path: Path, pegwarden: Desk
) -> None:
    """1.4 BTC within the day: what was refused is not on record, so the third decision is the same."""
    with decided(tmp_path):
        new = new_policy(tmp_path, OLD.replace("0.9 BTC", "1.5 BTC"))
        said = simulate(pegwarden, tmp_path, new)
    (change,) = said.json["changes"]
    assert (change["was"], change["was_codes"]) == ("refused", ["outflow-exceeded"])
    assert (change["would_be"], change["would_be_codes"]) == ("signed", [])
    assert change["outflow_sat"] == said.json["refused_before_but_signed_sat"] > LARGE


def test_what_needs_officers_would_have_been_pending(tmp_path: Path, pegwarden: Desk) -> None:
    with decided(tmp_path):
        when = f"and({OLD}, or(payment_at_most(0.5 BTC), approved(2, officers)))"
        new = new_policy(tmp_path, when, groups=f"officers = [{KEYS}]")
        said = simulate(pegwarden, tmp_path, new)
    (change,) = said.json["changes"]
    assert (change["would_be"], change["would_be_codes"]) == ("pending", ["approval-missing"])
    assert said.json["signed_before_but_pending_sat"] == change["outflow_sat"]


def test_a_policy_without_the_vault_refuses_all_of_it(tmp_path: Path, pegwarden: Desk) -> None:
    with decided(tmp_path):
        new = tmp_path / "new.toml"
        text = policy_text(when=OLD).decode()
        for key, other in zip(
            federation.definition().keys, federation.definition(first=3).keys, strict=True
        ):
            text = text.replace(key, other)
        new.write_text(text)
        said = simulate(pegwarden, tmp_path, new)
    codes = [each["would_be_codes"] for each in said.json["changes"]]
    assert codes == [["vault-unknown"], ["vault-unknown"]]


def test_what_was_on_record_already_no_policy_is_asked_about(
    tmp_path: Path, pegwarden: Desk
) -> None:
    """A retry that an officer held is refused by the record, whatever the policy."""
    with decided(tmp_path) as running:
        running.journal.note(held)
        with pytest.raises(Refusal, match="withdrawal-held"):
            running.sign(request(running, 1, MIDDLE))
        said = simulate(pegwarden, tmp_path, new_policy(tmp_path, OLD))
    assert said.json["on_record_already"] == 1
    assert said.json["decided_again"] == 3


def held(_: Reading, now: int) -> tuple[OfficerNotice, ...]:
    act = OFFICERS[0].says(HoldWithdrawal(withdrawal_id(1), NOW + 60), NOW + 60)
    return (OfficerNotice(now, "ada", bytes(32), act),)


@pytest.mark.parametrize("budget", [0, 1 << 20])
def test_refusals_without_a_readable_request_are_counted(
    tmp_path: Path, pegwarden: Desk, budget: int
) -> None:
    """Not kept; or kept, but no message of this version."""
    (tmp_path / "a").mkdir()
    with (
        desk(
            tmp_path / "a" / "journal.sqlite", budget=CallerBudget(refused_bytes=budget)
        ) as journal,
        pytest.raises(Refusal, match="outflow-exceeded"),
    ):
        pay(journal, case_number(1), Policy(outflow=0))
    said = simulate(pegwarden, tmp_path, new_policy(tmp_path, OLD))
    assert (said.json["without_input"], said.json["decided_again"]) == (1, 0)


def test_a_policy_of_another_network_is_refused(tmp_path: Path, pegwarden: Desk) -> None:
    with desk(tmp_path / "journal.sqlite"):
        pass
    text = policy_text(when=OLD).replace(b'"regtest"', b'"signet"')
    (tmp_path / "new.toml").write_bytes(text)
    said = pegwarden(
        *("policy", "simulate", tmp_path / "new.toml"),
        *("--journal", tmp_path / "journal.sqlite", "--json"),
    )
    assert (said.status, said.json["code"]) == (1, "policy-wrong-network")


def test_the_replay_sees_what_was_on_record_before_each_entry(tmp_path: Path) -> None:
    with decided(tmp_path):
        path, outflows, kinds = tmp_path / "a" / "journal.sqlite", [], []
        vault = federation.vault().fingerprint
        for each in replay(path):
            outflows.append(each.before.outflow_since(vault, NOW - 86_400))
            kinds.append(type(each.stored.entry))
            known = each.before.withdrawal(withdrawal_id(1))
            assert (known is not None) is (each.stored.number > 1)
    assert kinds == [GenesisEntry, SignedEntry, RefusedEntry, SignedEntry]
    assert outflows[:2] == [0, 0]
    assert MIDDLE < outflows[2] == outflows[3] < MIDDLE + 10_000


def test_a_replayed_request_is_the_one_that_was_sent(tmp_path: Path) -> None:
    with decided(tmp_path) as running:
        sent = request(running, 1, MIDDLE), request(running, 2, LARGE)
        asked = [
            asked_of(each.entry) for each in read_entries(tmp_path / "a" / "journal.sqlite", 1)
        ]
    for each, original in zip(asked, sent, strict=False):
        assert each is not None
        assert each.psbt == original.psbt
        assert [claim.vout for claim in each.payments] == [
            claim.vout for claim in original.payments
        ]
        assert len(each.attestations) == len(original.attestations)
    assert asked[0] is not None
    assert asked[1] is not None
    assert (asked[0].vault, asked[1].vault) == (federation.vault().fingerprint, "peg")


def test_a_journal_whose_entries_contradict_each_other_is_not_replayed(tmp_path: Path) -> None:
    """The same entry twice: its txid is on record."""
    path = tmp_path / "journal.sqlite"
    with desk(path) as journal:
        pay(journal, case_number(1))
    connection = sqlite3.connect(path)
    connection.execute("INSERT INTO entries SELECT 2, leaf, record FROM entries WHERE number = 1")
    connection.commit()
    connection.close()
    with pytest.raises(Refusal, match="journal-tampered"):
        list(replay(path))


def simulate(pegwarden: Desk, folder: Path, new: Path):
    said = pegwarden(
        "policy", "simulate", new, "--journal", folder / "a" / "journal.sqlite", "--json"
    )
    assert said.status == 0, said
    return said
