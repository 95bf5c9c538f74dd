"""A deposit is attested at its depth and not before, once, on record first; what undoes it locks."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

from pegwarden.v1 import approval_pb2 as ap
from pegwarden.v1 import control_pb2 as cp
from pegwarden.v1 import header_chain_pb2 as pb
from signer.bitcoin.hashes import sha256
from signer.bitcoin.network import REGTEST
from signer.bitcoin.secp import verify_schnorr
from signer.bitcoin.transaction import Txid, TxOut
from signer.bitcoin.units import Sats
from signer.core.acts import ControlAct, Lock, NewEpoch, Pause, Resume, Scope, Unlock
from signer.core.deposits import DepositNotice, ReorganisedNotice, attestation_digest_of
from signer.core.errors import Fault, Objection, Refusal
from signer.core.moments import format_time
from signer.core.opreturn import Anchor
from signer.core.vault import CHANGE, RECEIVE
from signer.journal.codec import decode_entry
from signer.journal.entry import Entry
from signer.ports.recording import Passage
from tests import federation
from tests.core.deposited import AMOUNT, MAGIC, PAYLOAD, UserDeposit
from tests.core.spends import NOW
from tests.kernel.attesting import Room, branch_with, enter, rival, sealed_attestation_key
from tests.kernel.chained import CHAIN, OTHER, bring
from tests.kernel.governed import (
    ADA,
    BOB,
    CYD,
    GENESIS,
    GOVERNANCE,
    HOUR,
    SECRETARY,
    Governed,
    governed_text,
    refused,
)
from tests.kernel.room import Member, policy_text
from tests.officers import Officer

DEPOSIT = UserDeposit()


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    made = enter(tmp_path / "member", (DEPOSIT.transaction,))
    yield made
    made.running.stop()


def entries(room: Room) -> list[Entry]:
    with room.running.journal.reading() as reading:
        return [decode_entry(each) for each in reading.records(0, 1_000, 1 << 30)]


def test_what_is_deposited_and_how_deep(room: Room) -> None:
    room.grow(1)
    answer = room.verify(DEPOSIT)
    said = answer.deposit
    assert (said.outpoint.txid, said.outpoint.vout) == (DEPOSIT.transaction.txid, 0)
    assert (said.amount_sat, said.magic, said.l2_chain_id) == (AMOUNT, MAGIC, 31_337)
    assert (said.l2_address, said.block_hash) == (PAYLOAD.l2_address, room.block_hash)
    assert (said.height, answer.burial.blocks, answer.needed_blocks) == (13, 1, 6)
    assert answer.is_on_best_chain
    assert [each.code for each in answer.not_yet] == ["deposit-unburied"]
    before = len(entries(room))
    room.grow(4)
    assert room.verify(DEPOSIT).burial.blocks == 4
    room.grow(6)
    assert not room.verify(DEPOSIT).not_yet
    room.member.clock.moment += 30 * 86_400
    stale = [each.code for each in room.verify(DEPOSIT).not_yet]
    assert stale
    assert "deposit-unburied" not in stale
    assert len(entries(room)) == before


def test_it_is_attested_at_its_depth_and_not_before(room: Room) -> None:
    room.grow(5)
    assert refused(lambda: room.attest(DEPOSIT)) == "deposit-unburied"
    assert not [each for each in entries(room) if isinstance(each, DepositNotice)]
    room.grow(6)
    answer = room.attest(DEPOSIT)
    (notice,) = [each for each in entries(room) if isinstance(each, DepositNotice)]
    key = sealed_attestation_key()[1]
    assert answer.attestation_key == key == notice.key == room.running.info().attestation_key
    verify_schnorr(key, attestation_digest_of(REGTEST.genesis_hash, notice.facts), answer.signature)
    assert (notice.blocks, notice.clock, notice.caller) == (6, NOW, "relayer-1")
    with room.running.journal.reading() as reading:
        number = reading.number_of(answer.decision_id)
        assert number is not None
        assert decode_entry(reading.record(number)) == notice
    assert answer.head


def test_depth_is_counted_to_the_header_that_enough_sources_vouch_for(tmp_path: Path) -> None:
    room = enter(tmp_path / "member", (DEPOSIT.transaction,), chain=CHAIN)
    room.grow(9)
    assert room.verify(DEPOSIT).burial.blocks == 0
    assert refused(lambda: room.attest(DEPOSIT)) == "deposit-unburied"
    bring(room.running, [*room.below, *room.above[:5]], OTHER)
    assert refused(lambda: room.attest(DEPOSIT)) == "deposit-unburied"
    bring(room.running, room.above[5:6], OTHER)
    assert room.verify(DEPOSIT).burial.blocks == 6
    assert room.attest(DEPOSIT).signature
    room.running.stop()


def test_a_retry_gets_the_same_entry_and_signature(room: Room) -> None:
    room.grow(6)
    first = room.attest(DEPOSIT)
    room.grow(8)
    room.running.stop()
    room.member.clock.moment += 10**6  # stale by now: evidence is not asked again
    room.running = room.member.start()
    again = room.attest(DEPOSIT)
    assert (again.decision_id, again.signature) == (first.decision_id, first.signature)
    assert sum(isinstance(each, DepositNotice) for each in entries(room)) == 1


def test_nothing_is_attested_on_a_stale_chain(room: Room) -> None:
    room.grow(6)
    room.member.clock.moment += 10**6
    assert refused(lambda: room.attest(DEPOSIT)) == "header-tip-stale"
    room.member.clock.moment -= 10**6
    room.attest(DEPOSIT)


def test_record_then_sign(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the key is given stands on record, for everybody to read, before it is asked."""
    room.grow(6)
    seen: list[bytes] = []
    keystore = room.running.keystore

    def attest(recorded: object) -> bytes:
        with room.running.journal.reading() as reading:
            found = reading.attested_deposit(
                recorded.notice.facts.outpoint,  # type: ignore[attr-defined]
                room.block_hash,
                keystore.attestation_key,
            )
        assert found == recorded
        seen.append(found.decision_id if found else b"")
        raise Fault("the process ends here")

    monkeypatch.setattr(keystore, "attest", attest)
    with pytest.raises(Fault):
        room.attest(DEPOSIT)
    monkeypatch.undo()
    assert seen == [room.attest(DEPOSIT).decision_id]


def test_a_journal_that_cannot_record_signs_nothing(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.grow(6)
    asked: list[object] = []
    monkeypatch.setattr(room.running.keystore, "attest", asked.append)

    def fails(*_: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr("signer.journal.fold.apply_notice", fails)
        with pytest.raises(Fault):
            room.attest(DEPOSIT)
    assert asked == []


def test_without_officers_nothing_is_attested(tmp_path: Path) -> None:
    """Nobody could end the lock. The twin is every other test here."""
    room = enter(tmp_path / "member", (DEPOSIT.transaction,), policy=policy_text())
    room.grow(6)
    assert room.verify(DEPOSIT).burial.blocks == 6
    assert refused(lambda: room.attest(DEPOSIT)) == "deposit-without-officers"
    room.running.stop()


def test_without_a_key_nothing_is_attested(tmp_path: Path) -> None:
    room = enter(tmp_path / "member", (DEPOSIT.transaction,), Member)
    room.grow(6)
    assert refused(lambda: room.attest(DEPOSIT)) == "attestation-key-missing"
    assert room.running.info().attestation_key == b""
    assert room.verify(DEPOSIT).burial.blocks == 6
    room.running.stop()


def test_a_reorganisation_below_the_depth_unconfirms_and_does_not_lock(room: Room) -> None:
    room.grow(3)
    bring(room.running, rival(room, 4))
    found = room.verify(DEPOSIT)
    assert not found.is_on_best_chain
    assert found.burial.blocks == 0
    assert refused(lambda: room.attest(DEPOSIT)) == "deposit-unburied"
    assert status(room).state == "open"
    bring(room.running, room.above)
    room.attest(DEPOSIT)


def status(room: Room) -> cp.GetStatusResponse:
    answer = room.running.call("GetStatus", cp.GetStatusRequest())
    return cp.GetStatusResponse.FromString(answer)


def test_one_that_undoes_an_attested_deposit_locks(room: Room) -> None:
    room.grow(6)
    room.attest(DEPOSIT)
    number = len(entries(room)) - 1
    bring(room.running, rival(room, 7))
    last = entries(room)[-1]
    assert isinstance(last, ReorganisedNotice)
    assert [(each.entry, each.block_hash) for each in last.undone] == [(number, room.block_hash)]
    assert status(room).state == "locked"
    assert refused(lambda: room.attest(DEPOSIT)) == "chain-reorganised"
    assert not room.verify(DEPOSIT).is_on_best_chain
    bring(room.running, room.above)  # headers are taken, and the way back unlocks nothing
    assert room.verify(DEPOSIT).is_on_best_chain
    room.running.stop()
    room.running = room.member.start()
    assert refused(lambda: room.attest(DEPOSIT)) == "chain-reorganised"


def said(act: ControlAct, now: int, *officers: Officer) -> list[ap.OfficerAct]:
    """One text, signed by each."""
    text = officers[0].says(act, now + HOUR).text
    signed = [each.sign(text) for each in officers]
    return [
        ap.OfficerAct(text=each.text, officer_key=each.officer, signature=each.signature)
        for each in signed
    ]


def unlocked(
    room: Room,
    known: cp.GetStatusResponse | None = None,
    now: int = NOW,
    officers: tuple[Officer, ...] = (ADA, BOB),
) -> None:
    """What two officers sign who know of all entries, or of those that there were then."""
    known = known or status(room)
    act = Unlock(Scope(known.log_key, known.epoch, known.entries), now)
    acts = said(act, now, *officers)
    room.running.call("Unlock", cp.UnlockRequest(acts=acts), SECRETARY)


def test_after_an_unlock_the_block_of_now_is_attested_and_the_one_of_then_again(
    room: Room,
) -> None:
    room.grow(6)
    first = room.attest(DEPOSIT)
    other = branch_with(room, DEPOSIT.transaction)
    other.grow(7)
    assert refused(lambda: other.attest(DEPOSIT)) == "chain-reorganised"
    unlocked(room)
    assert status(room).state == "open"
    assert refused(lambda: room.attest(DEPOSIT)) == "deposit-unburied"
    second = other.attest(DEPOSIT)
    assert second.deposit.outpoint == first.deposit.outpoint
    assert second.deposit.block_hash != first.deposit.block_hash
    assert second.decision_id != first.decision_id
    assert second.signature != first.signature
    room.grow(9)  # the first branch is the best again: what was attested since is undone
    assert refused(lambda: room.attest(DEPOSIT)) == "chain-reorganised"
    unlocked(room)
    again = room.attest(DEPOSIT)
    assert (again.decision_id, again.signature) == (first.decision_id, first.signature)
    assert refused(lambda: other.attest(DEPOSIT)) == "deposit-unburied"


def test_an_unlock_that_does_not_know_of_it_ends_nothing(room: Room) -> None:
    room.grow(6)
    room.attest(DEPOSIT)
    known = status(room)
    bring(room.running, rival(room, 7))
    assert refused(lambda: unlocked(room, known)) == "control-without-effect"
    assert status(room).state == "locked"
    unlocked(room)
    assert status(room).state == "open"


def test_nothing_is_signed_once_a_lock_is_on_disk(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The chain is reorganised between the record and the key; after the unlock the retry is signed."""
    room.grow(6)
    journal = room.running.journal

    def note(*asked: object) -> object:
        noted = type(journal).note(journal, *asked)  # type: ignore[arg-type]
        bring(room.running, between)
        return noted

    monkeypatch.setattr(journal, "note", note)
    between = rival(room, 7)
    assert refused(lambda: room.attest(DEPOSIT)) == "chain-reorganised"
    assert sum(isinstance(each, DepositNotice) for each in entries(room)) == 1
    monkeypatch.undo()
    unlocked(room)
    assert refused(lambda: room.attest(DEPOSIT)) == "deposit-unburied"
    room.grow(9)
    assert room.attest(DEPOSIT).signature


def test_an_expired_policy_attests_nothing_new(tmp_path: Path) -> None:
    expires = f'version = 1\nexpires = "{format_time(NOW + 60)}"\n'
    policy = GENESIS.replace(b"version = 1\n", expires.encode(), 1)
    other = DEPOSIT.but(amount=AMOUNT + 1)
    room = enter(tmp_path / "member", (DEPOSIT.transaction, other.transaction), policy=policy)
    room.grow(6)
    room.member.clock.moment += 59
    first = room.attest(DEPOSIT)
    room.member.clock.moment += 1
    late = {"proof": room.proof(2)}
    assert room.verify(other, **late).burial.blocks == 6
    assert refused(lambda: room.attest(other, **late)) == "policy-expired"
    assert room.attest(DEPOSIT).signature == first.signature
    room.member.clock.moment -= 1
    assert room.attest(other, **late).signature
    room.running.stop()


@dataclass
class WallAhead:
    """A machine's clock that is wrong; nobody sets effective time by it."""

    moment: int

    def wall(self) -> int:
        return self.moment

    def accept(self, moment: int) -> None:
        raise AssertionError(moment)


UNGOVERNED = governed_text(version=3).replace(GOVERNANCE.encode(), b"")
TIGHTENED = governed_text(version=2, limit="1 BTC")


@pytest.mark.parametrize("tightened", [False, True])
def test_officers_who_gave_up_governance_may_still_unlock(tmp_path: Path, tightened: bool) -> None:
    """And nothing else. With a tightening of one officer, which was replaced and had lapsed by then."""
    room = enter(tmp_path / "member", (DEPOSIT.transaction,))
    room.grow(6)
    room.attest(DEPOSIT)
    governed = Governed(room.member, room.running)
    if tightened:
        governed.propose(TIGHTENED)
        governed.approve(ADA, TIGHTENED)
        assert governed.in_force == sha256(TIGHTENED)
    governed.propose(UNGOVERNED)
    governed.approve(ADA, UNGOVERNED)
    governed.approve(BOB, UNGOVERNED)
    governed.wait(48 * HOUR)
    assert governed.in_force == sha256(UNGOVERNED)
    bring(room.running, rival(room, 7))
    assert status(room).state == "locked"
    scope, now = Scope(status(room).log_key, 0, status(room).entries), NOW + 48 * HOUR
    others = {
        "Lock": (Lock(scope), cp.LockRequest),
        "Pause": (Pause(scope, now + HOUR), cp.PauseRequest),
        "NewEpoch": (NewEpoch(scope, 0, bytes(32), now), cp.NewEpochRequest),
        "Resume": (Resume(scope), cp.ResumeRequest),
    }
    for method, (act, asked) in others.items():
        request = asked(acts=said(act, now, ADA, BOB))
        call = partial(room.running.call, method, request, SECRETARY)
        assert refused(call) == "control-without-officers"
    unlock = partial(unlocked, room, now=now)
    assert refused(lambda: unlock(officers=(ADA,))) == "control-quorum-missing"
    assert refused(lambda: unlock(officers=(ADA, Officer("mallory")))) == "officer-unknown"
    running, ahead = room.running, now + 30 * 86_400
    kernel = replace(running.handler.kernel, clock=WallAhead(ahead))
    room.running = replace(running, handler=replace(running.handler, kernel=kernel))
    assert refused(lambda: unlocked(room, now=ahead)) == "clock-misstated"
    room.running = running
    assert status(room).state == "locked"
    unlock()
    assert status(room).state == "open"
    assert refused(lambda: unlock(officers=(BOB, CYD))) == "control-without-effect"
    gate = room.running.journal.gate
    gate.shut(Objection("clock-stepped", "it has"), Passage.WHILE_LOCKED)
    assert refused(lambda: unlock(officers=(BOB, CYD))) == "control-without-effect"
    gate.reopen("clock-stepped")
    room.running.stop()
    room.running = room.member.start()
    assert status(room).state == "open"
    room.running.stop()


def test_a_vaults_own_transaction_is_no_deposit(tmp_path: Path) -> None:
    """An anchor, or a withdrawal, that pays the receive branch beside a payload of a deposit."""
    forged = UserDeposit(from_script=federation.vault().script(CHANGE, 0).script_pubkey)
    room = enter(tmp_path / "member", (forged.transaction,))
    room.grow(6)
    for ask in (room.verify, room.attest):
        with pytest.raises(Refusal) as caught:
            ask(forged)
        assert caught.value.code == "deposit-from-vault"
    room.running.stop()


BOUNDS = 'deposit_least = "%s"\ndeposit_cap = "%s"\ndeposit_depth = 2\ndeposits_until = %s\n'


@pytest.mark.parametrize(
    ("least", "cap", "until", "code"),
    [
        ("250000 sat", "250000 sat", 13, ""),
        ("250001 sat", "250001 sat", 13, "deposit-too-small"),
        ("1 sat", "249999 sat", 13, "deposit-above-cap"),
        ("250000 sat", "250000 sat", 12, "deposit-late"),
    ],
)
def test_the_policys_bounds(tmp_path: Path, least: str, cap: str, until: int, code: str) -> None:
    place = "lookahead = 20\n"
    bounds = BOUNDS % (least, cap, until)
    policy = GENESIS.decode().replace(place, place + bounds).encode()
    room = enter(tmp_path / "member", (DEPOSIT.transaction,), policy=policy)
    room.grow(1)
    if code:
        assert refused(lambda: room.verify(DEPOSIT)) == code
        room.grow(2)
        assert refused(lambda: room.attest(DEPOSIT)) == code
    else:
        assert room.verify(DEPOSIT).needed_blocks == 2
        assert refused(lambda: room.attest(DEPOSIT)) == "deposit-unburied"
        room.grow(2)
        assert room.attest(DEPOSIT).signature
    room.running.stop()


def test_a_chain_is_asked_for(tmp_path: Path) -> None:
    room = enter(tmp_path / "member", (DEPOSIT.transaction,), policy=policy_text())
    room.running.stop()
    room.member.chain = None
    room.running = room.member.start()
    for ask in (room.verify, room.attest):
        with pytest.raises(Refusal) as caught:
            ask(DEPOSIT)
        assert caught.value.code == "chain-not-configured"
    room.running.stop()


def test_a_block_that_is_not_on_record(room: Room) -> None:
    assert refused(lambda: room.verify(DEPOSIT)) == "header-unknown"
    room.grow(1)
    room.verify(DEPOSIT)


def test_previous_transactions_are_bounded(room: Room) -> None:
    room.grow(1)
    source = DEPOSIT.source.serialize()
    room.verify(DEPOSIT, previous_txs=[source] * 500)
    assert refused(lambda: room.verify(DEPOSIT, previous_txs=[source] * 501)) == "request-malformed"


@pytest.mark.parametrize(("index", "code"), [(19, ""), (20, "address-index-too-high")])
def test_an_address_that_was_not_handed_out(tmp_path: Path, index: int, code: str) -> None:
    """The vault's lookahead is 20, and nothing is on record: as with GetVaultAddress."""
    deposit = UserDeposit(index=index)
    room = enter(tmp_path / "member", (deposit.transaction,))
    room.grow(6)
    for ask in (room.verify, room.attest):
        if code:
            assert refused(partial(ask, deposit, index=index)) == code
        else:
            assert ask(deposit, index=index).deposit.amount_sat == AMOUNT
    room.running.stop()


def test_two_outputs_of_one_deposit(tmp_path: Path) -> None:
    """Each to an address beyond the window, where neither shows that the other is there."""
    far = 2_000_000_000
    more = (TxOut(Sats(300_000), federation.vault().script(RECEIVE, far + 1).script_pubkey),)
    deposit = UserDeposit(index=far, more=more)
    room = enter(tmp_path / "member", (deposit.transaction,))
    room.grow(6)
    for place in ({"index": far, "vout": 0}, {"index": far + 1, "vout": 2}):
        assert refused(partial(room.attest, deposit, **place)) == "address-index-too-high"
    room.running.stop()


# VerifyTxProof


def verified(room: Room, **more: object) -> pb.VerifyTxProofResponse:
    request = pb.VerifyTxProofRequest(proof=room.proof(), **more)  # type: ignore[arg-type]
    answer = room.running.call("VerifyTxProof", request)
    return pb.VerifyTxProofResponse.FromString(answer)


def test_a_proof_says_where_and_how_deep(room: Room) -> None:
    room.grow(3)
    answer = verified(room)
    assert answer.txid == DEPOSIT.transaction.txid
    assert answer.txid_display == Txid(answer.txid)[::-1].hex()
    assert (answer.block_hash, answer.height, answer.position) == (room.block_hash, 13, 1)
    assert answer.block_hash_display == room.block_hash[::-1].hex()
    assert (answer.burial.blocks, answer.is_on_best_chain) == (3, True)
    assert not answer.HasField("anchor")
    assert not answer.not_an_anchor
    bring(room.running, rival(room, 4))
    answer = verified(room)
    assert (answer.burial.blocks, answer.is_on_best_chain) == (0, False)


ANCHOR = Anchor(MAGIC, 7, b"\x01" * 32, b"\x02" * 32)
OURS = UserDeposit(
    payload=ANCHOR, from_script=federation.vault().script(CHANGE, 2).script_pubkey, branch=CHANGE
)


@pytest.mark.parametrize(
    ("anchor", "codes"),
    [
        (OURS, []),
        (UserDeposit(payload=ANCHOR), ["anchor-not-from-vault"]),
        (OURS.but(payload=PAYLOAD), ["anchor-mismatch"]),
        (OURS.but(more=(TxOut(Sats(0), b"\x6a"),)), ["deposit-op-return"]),
    ],
)
def test_whose_anchor_it_is(tmp_path: Path, anchor: UserDeposit, codes: list[str]) -> None:
    room = enter(tmp_path / "member", (anchor.transaction,), policy=policy_text())
    room.grow(1)
    previous = {"vault_id": "peg", "previous_txs": [anchor.source.serialize()]}
    answer = verified(room, **previous)
    assert [each.code for each in answer.not_an_anchor] == codes
    assert answer.HasField("anchor") is (codes == [])
    if not codes:
        said = answer.anchor
        assert (said.magic, said.batch_id, said.vault_input) == (MAGIC, 7, 0)
        assert (said.state_root, said.eth_tx_hash) == (ANCHOR.state_root, ANCHOR.eth_tx_hash)
        unproven = verified(room, vault_id="peg")
        assert [each.code for each in unproven.not_an_anchor] == ["anchor-not-from-vault"]
    assert refused(lambda: verified(room, vault_id="none")) == "vault-unknown"
    alone = {"previous_txs": previous["previous_txs"]}
    assert refused(lambda: verified(room, **alone)) == "request-malformed"
    room.running.stop()


def test_what_watchers_are_told(room: Room) -> None:
    room.grow(6)
    room.attest(DEPOSIT)
    bring(room.running, rival(room, 7))
    answer = ap.WatchResponse.FromString(room.running.call("Watch", ap.WatchRequest()))
    assert [each.what for each in answer.events][-2:] == ["deposit-attested", "reorganised"]
