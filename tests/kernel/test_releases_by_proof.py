"""ReleaseWithdrawal by the kernel's own chain: closed, struck, refused, on record, and undone."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from clients.messages import outpoint_message
from pegwarden.v1 import control_pb2 as cp
from pegwarden.v1 import types_pb2 as t
from signer.bitcoin.burial import Burial
from signer.bitcoin.hashes import hash256
from signer.bitcoin.transaction import OutPoint, Transaction, TxOut
from signer.bitcoin.units import Sats
from signer.core.acts_control import CLOSED
from signer.core.caller import Caller, Role
from signer.core.errors import Refusal
from signer.core.released import ReleasedNotice
from signer.journal.audit import read_entries, verify_journal
from tests.bitcoin.blocks import Block, coinbase, payment
from tests.core.spends import NOW, USER_SCRIPT, withdrawal_id
from tests.kernel.chained import FEEDER, LONELY, bring, on_top, trunk
from tests.kernel.governed import ADA, BOB, OFFICERS, begin
from tests.kernel.room import Member, attested, construct_request, sign_request
from tests.kernel.test_releases import COINS, DEPTH, Bench, killer_of, text
from tests.replay.past import placed, rederived

PIN = COINS[0].outpoint
WORK = 2 * DEPTH
"""Expected hashes of so many headers on regtest."""


def by_chain(work: int = WORK) -> bytes:
    return text().replace(b"lookahead = 20", b'lookahead = 20\nrelease_work = "%d H"' % work)


class Mine(Bench):
    """A member with a chain, and whoever mines for it."""

    raws: list[bytes]

    def bury(self, transaction: Transaction, blocks: int) -> t.TxInclusionProof:
        """In a block with others, under so many blocks, its own included; the proof."""
        block = Block((coinbase(Random(1)), payment(Random(2)), transaction))
        mined = on_top(self.raws, 1, block.tree.root)
        self.raws += mined
        self.raws += on_top(self.raws, blocks - 1)
        bring(self.running, self.raws)
        proof = block.proof(2)
        first = proof.coinbase
        assert first is not None
        return t.TxInclusionProof(
            block_hash=hash256(mined[0]),
            transaction=proof.transaction,
            coinbase=first.transaction,
            branches=t.MerkleBranches(
                position=2, branch=proof.branch, coinbase_branch=first.branch
            ),
        )

    def proven(
        self, transaction: Transaction, proof: t.TxInclusionProof, pin: OutPoint | None = None
    ) -> cp.ReleaseWithdrawalRequest:
        return cp.ReleaseWithdrawalRequest(
            withdrawal_id=withdrawal_id(1),
            pin=None if pin is None else outpoint_message(pin),
            transactions=[transaction.serialize()],
            proof=proof,
        )


def opened(folder: Path, policy: bytes, chain: object = LONELY) -> Mine:
    member = Member(folder, 0, policy, chain=chain).init()
    begin(member, *OFFICERS)
    mine = Mine(member, member.start())
    mine.raws = trunk(20)
    return mine


@pytest.fixture
def mine(tmp_path: Path) -> Iterator[Mine]:
    made = opened(tmp_path / "a", by_chain())
    bring(made.running, made.raws)
    yield made
    made.running.stop()


def test_a_buried_payment_closes_and_no_attestor_is_asked(mine: Mine) -> None:
    version = mine.pay(0)
    proof = mine.bury(version, DEPTH)
    answer = mine.release(mine.proven(version, proof))
    assert (answer.state, mine.info().state) == ("closed", "closed")
    assert mine.release(mine.proven(version, proof)).decision_id == answer.decision_id


def test_a_pin_that_something_else_spent_is_struck_and_pinned_anew(mine: Mine) -> None:
    mine.pay(0)
    killer = killer_of(PIN)
    request = mine.proven(killer, mine.bury(killer, DEPTH), PIN)
    assert mine.refused_to_pay(1) == "withdrawal-pinned"
    assert mine.release(request).state == "waiting"
    mine.pay(1)
    assert mine.info().pin == outpoint_message(COINS[1].outpoint)


def test_one_block_too_few(mine: Mine) -> None:
    version = mine.pay(0)
    proof = mine.bury(version, DEPTH - 1)
    assert mine.codes(mine.proven(version, proof)) == ["release-too-shallow"]
    bring(mine.running, [*mine.raws, *on_top(mine.raws, 1)])
    assert mine.release(mine.proven(version, proof)).state == "closed"


def test_one_hash_too_few(tmp_path: Path) -> None:
    mine = opened(tmp_path / "a", by_chain(WORK + 1))
    version = mine.pay(0)
    proof = mine.bury(version, DEPTH)
    assert mine.codes(mine.proven(version, proof)) == ["release-too-light"]
    bring(mine.running, [*mine.raws, *on_top(mine.raws, 1)])
    assert mine.release(mine.proven(version, proof)).state == "closed"
    mine.running.stop()


def test_a_chain_for_which_too_few_vouch(tmp_path: Path) -> None:
    two = replace(LONELY, sources=(FEEDER.name, "other"), sources_needed=2)
    mine = opened(tmp_path / "a", by_chain(), two)
    version = mine.pay(0)
    proof = mine.bury(version, DEPTH)
    assert mine.codes(mine.proven(version, proof)) == ["release-too-shallow"]
    bring(mine.running, mine.raws, Caller("other", frozenset({Role.INDEXER})))
    assert mine.release(mine.proven(version, proof)).state == "closed"
    mine.running.stop()


def test_a_feed_that_froze(mine: Mine) -> None:
    version = mine.pay(0)
    proof = mine.bury(version, DEPTH)
    mine.member.clock.moment = NOW + 7_201
    assert mine.codes(mine.proven(version, proof)) == ["header-feed-frozen"]
    bring(mine.running, [*mine.raws, *on_top(mine.raws, 1)])
    assert mine.release(mine.proven(version, proof)).state == "closed"


def test_the_proof_of_another_transaction(mine: Mine) -> None:
    version = mine.pay(0)
    mine.bury(version, 1)
    other = mine.bury(killer_of(COINS[2].outpoint), DEPTH)
    with pytest.raises(Refusal) as caught:
        mine.release(mine.proven(version, other))
    assert caught.value.code == "release-proof-other"


def test_a_proof_or_attestations_and_not_both(mine: Mine) -> None:
    version = mine.pay(0)
    request = mine.proven(version, mine.bury(version, DEPTH))
    both = mine.request(version)
    both.proof.CopyFrom(request.proof)
    with pytest.raises(Refusal) as caught:
        mine.release(both)
    assert caught.value.code == "request-malformed"
    assert mine.release(request).state == "closed"


def test_a_vault_without_release_work(tmp_path: Path) -> None:
    mine = opened(tmp_path / "a", text())
    version = mine.pay(0)
    proof = mine.bury(version, DEPTH)
    assert mine.codes(mine.proven(version, proof)) == ["release-proof-unasked"]
    assert mine.release(mine.request(version)).state == "closed"
    mine.running.stop()


def test_a_kernel_without_a_chain(tmp_path: Path) -> None:
    mine = opened(tmp_path / "a", by_chain())
    version = mine.pay(0)
    proof = mine.bury(version, DEPTH)
    mine.running.stop()
    blind = Member(mine.member.folder, 0, by_chain())
    bench = Mine(blind, blind.start())
    with pytest.raises(Refusal) as caught:
        bench.release(mine.proven(version, proof))
    assert caught.value.code == "chain-not-configured"
    bench.running.stop()


def test_on_record_and_verified_again(mine: Mine) -> None:
    version = mine.pay(0)
    mine.release(mine.proven(version, mine.bury(version, DEPTH)))
    mine.running.stop()
    last = list(read_entries(mine.member.journal, 0))[-1].entry
    assert isinstance(last, ReleasedNotice)
    assert last.proof is not None
    assert last.proof.block.burial == (DEPTH, WORK)
    assert last.evidence == b""
    verify_journal(mine.member.journal)


def test_a_replay_judges_it_again_without_a_chain(mine: Mine) -> None:
    """By the header, the proof and the depth that the entry has; and finds one that has another."""
    version = mine.pay(0)
    mine.release(mine.proven(version, mine.bury(version, DEPTH)))
    mine.running.stop()
    entries = list(read_entries(mine.member.journal, 0))
    outcomes = list(rederived(entries, by_chain()))
    assert not any(each.difference for each in outcomes)
    assert outcomes[-1].reason == ""
    notice = entries[-1].entry
    assert isinstance(notice, ReleasedNotice)
    assert notice.proof is not None
    block = replace(notice.proof.block, burial=Burial(DEPTH - 1, WORK))
    shallow = replace(notice, proof=replace(notice.proof, block=block))
    altered = [*entries[:-1], placed(entries[-1].number, shallow)]
    assert list(rederived(altered, by_chain()))[-1].difference is not None


def test_a_reorganisation_that_undoes_it_locks(mine: Mine) -> None:
    """A pin was struck on a chain that is none any more."""
    mine.pay(0)
    killer = killer_of(PIN)
    before = list(mine.raws)
    mine.release(mine.proven(killer, mine.bury(killer, DEPTH), PIN))
    count = len(mine.raws) - len(before)
    bring(mine.running, [*before, *on_top(before, count, b"c" * 32)])  # as much work
    mine.pay(1)
    bring(mine.running, [*before, *on_top(before, count + 1, b"c" * 32)])
    assert mine.refused_to_pay(1) == "chain-reorganised"


def test_a_stale_pin_whose_killer_paid_an_equal_withdrawal_unknown_here(tmp_path: Path) -> None:
    """Where nobody says that coins are unspent (docs/policy.md): no strike, and a closing by officers."""
    on_proof = by_chain().replace(
        b'coins    = "attested(2, watchers)"', b'coins    = "confirmed(1 blocks)"'
    )
    mine = opened(tmp_path / "a", on_proof)
    bring(mine.running, mine.raws)
    there = mine.bury(COINS[0].previous, 3)
    paid = TxOut(Sats(60_000_000), USER_SCRIPT)
    killer = replace(killer_of(PIN), outputs=(paid,))
    spent = mine.bury(killer, DEPTH)
    built = mine.running.construct(construct_request(COINS[:1], ((1, 60_000_000),)))
    request = sign_request(built, attested(COINS[:1], ((1, 60_000_000),)))
    request.proofs.append(there)
    mine.running.sign(request)
    assert mine.codes(mine.proven(killer, spent, PIN)) == ["release-pays"]
    closing = mine.proven(killer, spent)
    assert mine.codes(closing) == ["release-officers-missing"]
    agreed = mine.with_acts(closing, mine.act(killer, PIN, verdict=CLOSED), ADA, BOB)
    assert mine.release(agreed).state == "closed"
    mine.running.stop()
