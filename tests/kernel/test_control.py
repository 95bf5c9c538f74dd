"""Officers stop and start a kernel. Invariant: what stops it stops retries too, and what starts it again is
the quorum's word about exactly what it knew of."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from pegwarden.v1 import approval_pb2 as ap
from pegwarden.v1 import kernel_pb2 as kb
from signer.bitcoin.transaction import Txid
from signer.bitcoin.units import Sats
from signer.core.acts import (
    ConfirmPause,
    ControlAct,
    HoldWithdrawal,
    Lock,
    NewEpoch,
    Pause,
    ReleaseWithdrawal,
    Resume,
    Scope,
    Unlock,
)
from signer.core.acts_control import CLOSED
from signer.core.control import PAUSE_REST
from signer.core.errors import Objection, Refusal
from signer.core.moments import DAY
from signer.core.payment import WithdrawalTerms
from signer.methods.watch_control import control_told
from signer.ports.machine import NoMachine
from signer.ports.recording import Passage
from tests import federation
from tests.core.spends import USER_SCRIPT, withdrawal_id
from tests.kernel.controlled import Controlled
from tests.kernel.governed import ADA, BOB, CYD, HOUR, SECRETARY, refused
from tests.kernel.room import attestation_message, policy_text
from tests.officers import Officer


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Controlled]:
    made = Controlled(tmp_path / "member")
    yield made
    made.running.stop()


def now(room: Controlled) -> int:
    return int(room.host.time)


def entries(room: Controlled) -> int:
    return room.status().entries


def paused(room: Controlled, officer: Officer = ADA, seconds: int = HOUR) -> list[bytes]:
    return room.do("Pause", Pause(room.scope(), now(room) + seconds), officer)


def locked(room: Controlled) -> list[bytes]:
    return room.do("Lock", Lock(room.scope()))


def test_a_pause_stops_new_versions_and_retries_until_it_lapses(room: Controlled) -> None:
    signed = room.payment(1)
    room.running.sign(signed)
    paused(room)
    assert room.status().state == "paused"
    assert refused(lambda: room.running.sign(signed)) == "kernel-paused"
    fresh = room.payment(2)
    assert refused(lambda: room.running.sign(fresh)) == "kernel-paused"
    assert not room.running.explain(fresh).would_sign
    assert "kernel-paused" in str(room.running.explain(fresh))
    assert not room.running.info().ready
    room.host.pass_by(HOUR)
    assert room.status().state == "open"
    room.running.sign(signed)
    room.pay(2)
    assert room.running.info().ready


def test_what_is_refused_while_paused_is_on_record(room: Controlled) -> None:
    paused(room)
    before = entries(room)
    with pytest.raises(Refusal) as caught:
        room.pay(1)
    assert caught.value.decision_id
    assert entries(room) > before


def test_a_pause_that_the_quorum_confirms_lasts(room: Controlled) -> None:
    paused(room)
    room.do("Pause", ConfirmPause(room.scope()))
    room.host.pass_by(20 * DAY)
    assert refused(lambda: room.pay(1)) == "kernel-paused"
    assert room.status().pause_confirmed
    room.restart()
    assert refused(lambda: room.pay(1)) == "kernel-paused"
    room.do("Resume", Resume(room.scope()))
    room.pay(1)


def test_a_resume_that_was_kept_back_does_not_end_a_later_pause(room: Controlled) -> None:
    paused(room)
    kept_back = room.says(Resume(room.scope()))
    paused(room, BOB)
    room.bring("Resume", kept_back)
    assert refused(lambda: room.pay(1)) == "kernel-paused"
    assert [each.lives for each in room.status().pauses] == [False, True]


def test_one_officer_does_not_pause_again_and_again(room: Controlled) -> None:
    paused(room)
    room.host.pass_by(HOUR)
    assert refused(lambda: paused(room)) == "pause-repeated"
    paused(room, BOB)
    room.host.pass_by(PAUSE_REST - 1)
    assert refused(lambda: paused(room)) == "pause-repeated"
    room.host.pass_by(1)
    paused(room)


def test_a_pause_is_bounded_as_a_hold_is(room: Controlled) -> None:
    assert refused(lambda: paused(room, seconds=DAY + 1)) == "pause-out-of-bounds"
    assert refused(lambda: paused(room, seconds=0)) == "pause-out-of-bounds"
    paused(room, seconds=DAY)


def test_a_locked_kernel_records_nothing_but_control_acts(room: Controlled) -> None:
    signed = room.payment(1)
    room.running.sign(signed)
    fresh = room.payment(2)
    assert len(set(locked(room))) == 2
    before = entries(room)
    assert room.status().state == "locked"
    for request in (signed, fresh):
        with pytest.raises(Refusal) as caught:
            room.running.sign(request)
        assert (caught.value.code, caught.value.decision_id) == ("kernel-locked", b"")
    fresh.payments[0].vout = 9
    assert refused(lambda: room.running.sign(fresh)) != "none"
    hold = ADA.says(HoldWithdrawal(withdrawal_id(1), now(room) + HOUR), now(room) + HOUR)
    act = ap.OfficerAct(text=hold.text, officer_key=hold.officer, signature=hold.signature)
    holding = lambda: room.running.call("Hold", ap.HoldRequest(acts=[act]), SECRETARY)  # noqa: E731
    assert refused(holding) == "kernel-locked"
    assert entries(room) == before
    assert not room.running.explain(room.payment(3)).would_sign
    paused(room, CYD)
    room.restart()
    assert room.status().state == "locked"
    room.do("Unlock", Unlock(room.scope(), now(room)))
    assert refused(lambda: room.running.sign(signed)) == "kernel-paused"
    room.do("Resume", Resume(room.scope()))
    room.running.sign(signed)
    holding()


def test_a_lock_that_came_after_the_unlock_was_signed_stays(room: Controlled) -> None:
    locked(room)
    kept_back = room.says(Unlock(room.scope(), now(room) - 1))
    room.do("Unlock", Unlock(room.scope(), now(room)))
    locked(room)
    assert refused(lambda: room.bring("Unlock", kept_back)) == "control-without-effect"
    assert room.status().state == "locked"


QUORUM: dict[str, Callable[[Controlled], tuple[str, ControlAct]]] = {
    "confirm": lambda room: ("Pause", ConfirmPause(room.scope())),
    "resume": lambda room: ("Resume", Resume(room.scope())),
    "lock": lambda room: ("Lock", Lock(room.scope())),
    "unlock": lambda room: ("Unlock", Unlock(room.scope(), now(room))),
    "epoch": lambda room: ("NewEpoch", NewEpoch(room.scope(), 0, bytes(32), now(room))),
}


@pytest.mark.parametrize("act", QUORUM.values(), ids=QUORUM)
def test_all_but_a_pause_takes_the_quorum(
    act: Callable[[Controlled], tuple[str, ControlAct]], room: Controlled
) -> None:
    paused(room, CYD)
    method, wanted = act(room)
    assert refused(lambda: room.do(method, wanted, ADA)) == "control-quorum-missing"
    assert refused(lambda: room.do(method, wanted, ADA, ADA)) == "control-quorum-missing"
    if method == "Unlock":
        locked(room)
        _, wanted = act(room)
    assert len(room.do(method, wanted, ADA, BOB)) == 2


def test_two_officers_do_not_pause_with_one_text(room: Controlled) -> None:
    pause = Pause(room.scope(), now(room) + HOUR)
    assert refused(lambda: room.do("Pause", pause, ADA, BOB)) == "control-quorum-missing"
    room.do("Pause", pause, ADA)


def test_all_officers_sign_one_text(room: Controlled) -> None:
    one, other = room.says(Lock(room.scope()), ADA), room.says(Lock(room.scope()), BOB, seconds=9)
    assert refused(lambda: room.bring("Lock", [*one, *other])) == "act-misplaced"
    room.bring("Lock", [*one, BOB.sign(one[0].text)])


def test_an_act_goes_to_its_rpc(room: Controlled) -> None:
    assert refused(lambda: room.do("Resume", Lock(room.scope()))) == "act-misplaced"
    hold = ADA.says(HoldWithdrawal(withdrawal_id(1), now(room) + HOUR), now(room) + HOUR)
    assert refused(lambda: room.bring("Lock", [hold])) == "act-misplaced"
    room.do("Lock", Lock(room.scope()))


def test_strangers_control_nothing(room: Controlled) -> None:
    pause = Pause(room.scope(), now(room) + HOUR)
    assert refused(lambda: room.do("Pause", pause, Officer("mallory"))) == "officer-unknown"
    room.do("Pause", pause, ADA)


def test_a_text_is_for_one_kernel(room: Controlled) -> None:
    """One kernel's lock is brought to another member."""
    other = room.scope(log_key=b"\x01" * 32)
    assert refused(lambda: room.do("Lock", Lock(other))) == "control-other-kernel"
    room.do("Lock", Lock(room.scope()))


def test_a_text_is_for_one_epoch(room: Controlled) -> None:
    kept_back = room.says(Lock(room.scope()))
    room.do("NewEpoch", NewEpoch(room.scope(), 0, bytes(32), now(room)))
    assert refused(lambda: room.bring("Lock", kept_back)) == "control-other-epoch"
    assert refused(lambda: room.do("Lock", Lock(room.scope(epoch=2)))) == "control-other-epoch"
    room.do("Lock", Lock(room.scope()))


def test_a_text_holds_at_its_journal_size_or_above(room: Controlled) -> None:
    size = entries(room)
    more = Lock(room.scope(size=size + 1))
    acts = room.says(more)
    assert refused(lambda: room.bring("Lock", acts)) == "control-journal-shorter"
    room.pay(1)
    room.pay(2)
    room.bring("Lock", acts)


def test_a_text_expires_within_a_day(room: Controlled) -> None:
    late = room.says(Lock(room.scope()), ADA, BOB, seconds=DAY + 1)
    assert refused(lambda: room.bring("Lock", late)) == "act-too-far-ahead"
    room.host.pass_by(1)
    room.host.pass_by(DAY)
    assert refused(lambda: room.bring("Lock", late)) == "act-expired"
    room.bring("Lock", room.says(Lock(room.scope()), ADA, BOB, seconds=DAY))


def test_a_text_counts_once_and_may_be_repeated(room: Controlled) -> None:
    """A lost reply is asked for again; an old text ends no later lock."""
    acts = room.says(Lock(room.scope()))
    first = room.bring("Lock", acts)
    before = entries(room)
    assert room.bring("Lock", acts) == first
    assert room.bring("Lock", acts[:1] + acts[1:][::-1]) == first
    joined = [*acts, CYD.sign(acts[0].text)]
    assert refused(lambda: room.bring("Lock", joined)) == "control-act-used"
    assert entries(room) == before
    room.do("Unlock", Unlock(room.scope(), now(room)))
    assert room.bring("Lock", acts) == first
    assert room.status().state == "open"


def test_what_would_change_nothing_is_refused(room: Controlled) -> None:
    idle: tuple[tuple[str, ControlAct], ...] = (
        ("Resume", Resume(room.scope())),
        ("Unlock", Unlock(room.scope(), now(room))),
        ("Pause", ConfirmPause(room.scope())),
    )
    for each in idle:
        assert refused(partial(room.do, *each)) == "control-without-effect"
    paused(room)
    room.do("Resume", Resume(room.scope()))


def test_without_governance_there_are_no_officers(tmp_path: Path) -> None:
    room = Controlled(tmp_path / "member", policy_text(), ())
    try:
        assert refused(lambda: paused(room)) == "control-without-officers"
        assert room.status().quorum == 0
        room.pay(1)
    finally:
        room.running.stop()


@pytest.mark.parametrize("count", [0, 65])
def test_a_request_has_some_acts(count: int, room: Controlled) -> None:
    acts = room.says(Lock(room.scope())) * 33
    assert refused(lambda: room.bring("Lock", acts[:count])) == "request-malformed"
    assert refused(lambda: room.bring("Lock", acts[:64])) == "control-quorum-missing"


def test_while_time_may_lag_nothing_is_done_that_rests_on_it(room: Controlled) -> None:
    """As in a start with witnesses, for a vault that has none; officers still stop the kernel."""
    signed, gate = room.payment(1), room.running.journal.gate
    gate.shut(Objection("agreement-starting", "a start goes on"), Passage.ORDINARY)
    before = entries(room)
    assert refused(lambda: room.running.sign(signed)) == "agreement-starting"
    assert entries(room) == before
    paused(room)
    locked(room)
    said = str(room.running.info().not_ready_reasons)
    assert all(each in said for each in ("agreement-starting", "kernel-locked", "kernel-paused"))
    room.do("Unlock", Unlock(room.scope(), now(room)))
    room.do("Resume", Resume(room.scope()))
    gate.reopen("agreement-starting")
    room.running.sign(signed)


def test_a_stepped_clock_stops_everything_until_the_quorum_states_the_time(
    room: Controlled,
) -> None:
    signed = room.payment(1)
    room.running.sign(signed)
    room.restart(down=3 * DAY)
    assert room.status().state == "shut"
    assert refused(lambda: room.running.sign(signed)) == "clock-stepped"
    assert "clock-stepped" in room.running.info().not_ready_reasons[0]
    assert room.status().wall_unix - room.status().clock_unix == 3 * DAY
    before = entries(room)
    assert refused(lambda: room.pay(2)) == "clock-stepped"
    assert entries(room) == before
    room.do("Unlock", Unlock(room.scope(), now(room) - 60))
    assert room.status().clock_unix == now(room)
    room.running.sign(signed)
    room.pay(2)
    room.restart()
    assert room.running.info().ready


def test_an_unlock_is_not_forgotten_by_a_crash_behind_it(room: Controlled) -> None:
    """The process ends after the commit; no entry has been written by the right clock yet."""
    room.restart(down=3 * DAY)
    room.do("Unlock", Unlock(room.scope(), now(room) - 60))
    room.restart(down=60)
    assert room.running.info().ready
    assert room.status().clock_unix == now(room)


def test_a_clock_that_is_set_right_needs_no_officer(room: Controlled) -> None:
    room.restart(down=3 * DAY)
    assert refused(lambda: room.pay(1)) == "clock-stepped"
    room.host.time -= 3 * DAY
    room.restart()
    room.pay(1)


def test_time_stands_still_until_a_clock_that_was_ahead_is_reached(room: Controlled) -> None:
    """Nothing becomes younger: windows, expiries and the log only go on."""
    room.host.time += 20 * HOUR
    room.restart()
    room.pay(1)
    ahead = room.status().clock_unix
    room.host.time -= 20 * HOUR
    room.restart()
    assert refused(lambda: room.pay(2)) == "clock-stepped"
    room.do("Unlock", Unlock(room.scope(), now(room)))
    assert room.status().clock_unix == ahead
    room.host.pass_by(20 * HOUR + 30)
    assert room.status().clock_unix == now(room)


def test_the_quorum_s_time_counts_not_a_clock_far_ahead_of_it(room: Controlled) -> None:
    """The machine's clock is 23 hours ahead when the officers state the true time: no window slides past."""
    room.restart(down=3 * DAY)
    true = now(room)
    room.host.time += 23 * HOUR
    room.do("Unlock", Unlock(room.scope(), true))
    assert room.status().clock_unix == true


@pytest.mark.parametrize("seconds", [-DAY - 1, 121])
def test_a_stated_time_is_the_machine_s(seconds: int, room: Controlled) -> None:
    locked(room)
    stated = Unlock(room.scope(), now(room) + seconds)
    assert refused(lambda: room.do("Unlock", stated)) == "clock-misstated"
    epoch = NewEpoch(room.scope(), 0, bytes(32), now(room) + seconds)
    assert refused(lambda: room.do("NewEpoch", epoch)) == "clock-misstated"
    inside = seconds + 1 if seconds < 0 else seconds - 1
    room.do("Unlock", Unlock(room.scope(), now(room) + inside))


def test_an_expired_unlock_is_expired_by_the_machine_s_clock(room: Controlled) -> None:
    """Effective time is days behind: by it the text would still count."""
    room.restart(down=3 * DAY)
    acts = room.says(Unlock(room.scope(), now(room)))
    room.host.pass_by(HOUR)
    assert refused(lambda: room.bring("Unlock", acts)) == "act-expired"
    room.do("Unlock", Unlock(room.scope(), now(room)))


def test_a_kernel_without_a_machine_believes_no_stated_time() -> None:
    machine = NoMachine()
    machine.accept(0)
    assert machine.wall() == 0


def database(room: Controlled) -> tuple[Path, ...]:
    """The journal's files: what a backup of the database takes, and no more."""
    return tuple(room.journal.with_name(f"journal.sqlite{end}") for end in ("", "-wal", "-shm"))


def backup(room: Controlled) -> dict[Path, bytes]:
    room.running.stop()
    content = {path: path.read_bytes() for path in database(room) if path.exists()}
    room.running = room.start()
    return content


def lose(room: Controlled, content: dict[Path, bytes]) -> None:
    """Put the journal back to what it was, and start again."""
    room.running.stop()
    for path in database(room):
        path.unlink(missing_ok=True)
    for path, found in content.items():
        path.write_bytes(found)
    room.running = room.start()


def test_a_restored_journal_serves_what_brings_it_back_and_nothing_else(room: Controlled) -> None:
    """The restore attack on a member without witnesses: the head file beside the journal tells."""
    old = backup(room)
    paid = room.payment(1)
    room.running.sign(paid)
    lose(room, old)
    status = room.status()
    assert status.state == "shut"
    assert status.contrary_size == status.entries + 1
    assert refused(lambda: room.running.sign(paid)) == "state-rolled-back"
    assert refused(lambda: locked(room)) == "state-rolled-back"
    assert refused(lambda: paused(room)) == "state-rolled-back"
    assert room.status().entries == status.entries
    assert any("state-rolled-back" in each for each in room.running.info().not_ready_reasons)


def test_a_new_epoch_names_the_largest_head_that_is_lost(room: Controlled) -> None:
    old = backup(room)
    room.pay(1)
    room.pay(2)
    lose(room, old)
    status = room.status()
    size, root = status.contrary_size, status.contrary_root
    for listed in ((size - 1, root), (size, b"\x01" * 32), (0, bytes(32))):
        act = NewEpoch(room.scope(), *listed, now(room))
        assert refused(partial(room.do, "NewEpoch", act)) == "epoch-head-unlisted"
    acts = room.says(NewEpoch(room.scope(), size, root, now(room)))
    first = room.bring("NewEpoch", acts)
    assert room.bring("NewEpoch", acts) == first
    status = room.status()
    assert (status.state, status.epoch, status.contrary_size) == ("open", 1, 0)
    (epoch,) = status.epochs
    assert (epoch.number, epoch.abandoned_size, epoch.abandoned_root) == (1, size, root)
    room.restart()
    assert room.running.info().ready


def test_a_head_of_the_new_epoch_is_never_given_up(room: Controlled) -> None:
    """The whole host is put back a second time, head file and all, behind an epoch that gave up more entries
    than the journal has since: a head that the new epoch signed tells it from the lost ones."""
    old = backup(room)
    for number in (1, 2, 3):
        room.pay(number)
    lose(room, old)
    lost = room.status()
    act = NewEpoch(room.scope(), lost.contrary_size, lost.contrary_root, now(room))
    room.do("NewEpoch", act)
    room.host.pass_by(60)
    room.running.stop()
    host = {path: path.read_bytes() for path in room.member.folder.iterdir() if path.is_file()}
    room.running = room.start()
    paid = attested_until(room, 9, now(room) + 7 * DAY)
    paid.last_seen_head = room.running.sign(paid).head
    assert room.status().entries <= lost.contrary_size
    room.running.sign(paid)
    lose(room, host)
    assert refused(lambda: room.running.sign(paid)) == "state-rolled-back"
    assert room.status().state == "shut"


def attested_until(room: Controlled, number: int, expiry: int) -> kb.SignPsbtRequest:
    """That payment, with words of two attestors for it that last until then."""
    request, realm = room.payment(number), federation.vault().realm
    terms = WithdrawalTerms(withdrawal_id(number), Sats(50_000_000 + number), USER_SCRIPT)
    coins = [each for each in request.attestations if each.coins]
    words = [
        attestation_message(watcher.attest(realm, expiry, terms))
        for watcher in federation.WATCHERS[:2]
    ]
    del request.attestations[:]
    request.attestations.extend([*coins, *words])
    return request


def test_an_epoch_freezes_what_lost_entries_may_have_paid(room: Controlled) -> None:
    """The member was restored to before it paid withdrawal 1: the attestations of then do not do again."""
    recorded = room.payment(3)
    room.running.sign(recorded)
    old, stated = backup(room), now(room)
    before = attested_until(room, 1, stated + 7 * DAY)
    room.running.sign(before)
    lose(room, old)
    lost = room.status()
    act = NewEpoch(room.scope(), lost.contrary_size, lost.contrary_root, stated)
    room.do("NewEpoch", act)
    assert refused(lambda: room.running.sign(before)) == "withdrawal-frozen"
    assert "withdrawal-frozen" in str(room.running.explain(before))
    room.running.sign(recorded)
    room.host.pass_by(60)
    late = attested_until(room, 1, stated + 7 * DAY + 1)
    one_late = attested_until(room, 1, stated + 7 * DAY)
    del one_late.attestations[-1]
    one_late.attestations.append(late.attestations[-1])
    assert refused(lambda: room.running.sign(one_late)) == "withdrawal-frozen"
    room.running.sign(late)


def test_what_a_policy_refuses_anyway_is_not_called_frozen(room: Controlled) -> None:
    room.do("NewEpoch", NewEpoch(room.scope(), 0, bytes(32), now(room)))
    poor = room.payment(1)
    del poor.attestations[0]
    with pytest.raises(Refusal) as caught:
        room.running.sign(poor)
    assert [each.code for each in caught.value.objections] == ["attestation-missing"]
    room.host.pass_by(7 * DAY)
    room.pay(1)


def test_control_is_shown_as_it_happens(room: Controlled) -> None:
    paused(room, CYD)
    room.do("Pause", ConfirmPause(room.scope()))
    room.do("Resume", Resume(room.scope()))
    locked(room)
    room.do("Unlock", Unlock(room.scope(), now(room)))
    room.do("NewEpoch", NewEpoch(room.scope(), 0, bytes(32), now(room)))
    answer = room.running.call("Watch", ap.WatchRequest(), SECRETARY)
    told = [each.what for each in ap.WatchResponse.FromString(answer).events]
    assert told[-11:] == [
        "paused", "paused", "paused", "resumed", "resumed", "locked", "locked", "unlocked",
        "unlocked", "epoch", "epoch",
    ]  # fmt: skip


def test_a_status_tells_what_a_text_must_name(room: Controlled) -> None:
    status = room.status()
    assert status.log_key == room.running.info().log_key
    assert (status.state, status.epoch, status.quorum) == ("open", 0, 2)
    assert status.head == room.running.info().journal_head
    assert f"\n{status.entries}\n" in status.head
    assert status.clock_unix == status.wall_unix == now(room)
    assert not status.not_ready_reasons
    paused(room)
    (pause,) = room.status().pauses
    assert (pause.officer_key, pause.until_unix, pause.lives) == (ADA.key, now(room) + HOUR, True)


def test_a_release_is_told_as_consent() -> None:
    release = ReleaseWithdrawal(
        Scope(b"\x01" * 32, 0, 1), b"\x02" * 32, withdrawal_id(1), CLOSED, None, Txid(b"\x03" * 32)
    )
    what, text, about = control_told("ada", release)
    assert (what, about) == ("released", withdrawal_id(1))
    assert text == f"ada consents to the release of withdrawal {withdrawal_id(1).hex()}"
