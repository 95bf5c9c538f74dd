"""A policy that asks the kernel's own headers: depth by amount, phantom coins, reorganisations, replay."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pegwarden.v1 import kernel_pb2 as pb
from policies.load import load_policy
from signer.bitcoin.errors import Malformed
from signer.bitcoin.header import read_header
from signer.bitcoin.transaction import display
from signer.cli.journal_entry import described
from signer.core.errors import Refusal
from signer.core.evidence_codec import decode_chain
from signer.core.registry import VaultRegistry
from signer.journal.audit import StoredEntry, read_entries
from signer.journal.entry import RefusedEntry, SignedEntry
from signer.replay.asked import Replayed, replay
from signer.replay.court import Court
from signer.replay.deeds import NO_CHAIN
from tests.core.spends import Coin
from tests.kernel.chained import bring, on_top
from tests.kernel.proven import BLOCK, COINS, LOW, House, policy_saying, without_proofs
from tests.replay.past import placed, rederived

SMALL, LARGE = 20_000_000, 40_000_000
WORD = "attested(2, watchers)"
TIERED = policy_saying(WORD)
PROVEN = policy_saying(f"or(confirmed(1 blocks), {WORD})", WORD)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path / "member", TIERED)
    yield made
    made.running.stop()


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[House]:
    """Nobody attests coins: their blocks prove them."""
    made = House(tmp_path / "bare", PROVEN)
    yield made
    made.running.stop()


def refused(house: House, request: pb.SignPsbtRequest) -> list[str]:
    with pytest.raises((Refusal, Malformed)) as caught:
        house.running.sign(request)
    if isinstance(caught.value, Malformed):
        return [caught.value.code]
    return [each.code for each in caught.value.objections]


def entries(house: House) -> list[StoredEntry]:
    return list(read_entries(house.member.journal, 0))


def test_a_small_withdrawal_waits_for_three_blocks(house: House) -> None:
    house.bring(2)
    request = house.request(paid=SMALL)
    assert set(refused(house, request)) == {"coin-unconfirmed"}
    house.bring(1)
    assert house.running.sign(request).signatures == 1


def test_a_large_one_waits_for_six(house: House) -> None:
    house.bring(5)
    request = house.request(paid=LARGE)
    assert sorted(refused(house, request)) == ["coin-unconfirmed", "spend-too-large"]
    house.bring(1)
    assert house.running.sign(request).signatures == 1


def test_explain_says_what_sign_would(house: House) -> None:
    house.bring(2)
    request = house.request()
    asked = pb.ExplainPsbtRequest(
        vault_id=request.vault_id,
        psbt=request.psbt,
        payments=request.payments,
        attestations=request.attestations,
        proofs=request.proofs,
    )
    answers = []
    for _ in range(2):
        raw = house.running.call("ExplainPsbt", asked)
        answers.append(pb.ExplainPsbtResponse.FromString(raw))
        house.bring(1)
    assert [each.would_sign for each in answers] == [False, True]


def test_the_proof_of_each_coin_is_needed(house: House) -> None:
    house.bring(6)
    request = house.request(COINS[:2], paid=150_000_000)
    one = pb.SignPsbtRequest()
    one.CopyFrom(request)
    del one.proofs[1:]
    assert refused(house, one)[0] == "proof-missing"
    assert refused(house, without_proofs(request))[0] == "proof-missing"
    assert house.running.sign(request).signatures == 2


def test_a_coin_that_is_none_is_refused_by_proof(bare: House) -> None:
    """No attestor speaks of coins; whoever invents one has no block for it."""
    bare.bring(3)
    phantom = bare.request((Coin(salt=9),), seen=False, proven=False)
    assert sorted(refused(bare, phantom)) == ["coin-unproven", "proof-missing"]
    phantom.proofs.append(bare.proof(COINS[0]))
    assert refused(bare, phantom) == ["proof-unused"]
    bent = bare.proof(COINS[0])
    bent.transaction = Coin(salt=9).previous.serialize()
    del phantom.proofs[:]
    phantom.proofs.append(bent)
    assert refused(bare, phantom) == ["merkle-root"]
    assert bare.running.sign(bare.request(seen=False)).signatures == 1


def test_an_unconfirmed_coin_passes_after_one_block(bare: House) -> None:
    request = bare.request(seen=False)
    assert refused(bare, request) == ["header-unknown"]
    bare.bring(1)
    assert bare.running.sign(request).signatures == 1


def test_a_coin_on_record_needs_no_proof_again(bare: House) -> None:
    """As with attestors' words: a further version spends the same coin."""
    bare.bring(1)
    request = bare.request(seen=False)
    bare.running.sign(request)
    assert bare.running.sign(without_proofs(request)).signatures == 1


def test_the_height_on_record_is_the_proofs(bare: House) -> None:
    bare.bring(2)
    bare.running.sign(bare.request(seen=False, height=2))
    listed = pb.ListCoinsResponse.FromString(
        bare.running.call("ListCoins", pb.ListCoinsRequest(vault_id="peg"))
    )
    assert [coin.confirmed_height for coin in listed.coins] == [2]


def test_a_reorganisation_unconfirms(house: House) -> None:
    """And another one confirms again: the same request passes."""
    house.bring(5)
    request = house.request(paid=SMALL, height=3)
    bring(house.running, on_top(house.headers[:2], 4))
    assert set(refused(house, request)) == {"coin-unconfirmed"}
    bring(house.running, on_top(house.headers[:5], 2))
    assert house.running.sign(request).signatures == 1


def test_a_frozen_feed_is_noticed(tmp_path: Path) -> None:
    house = House(tmp_path / "member", TIERED, LOW)
    house.bring(6)
    request = house.request()
    house.member.clock.moment += 2
    assert refused(house, request)[0] == "header-feed-frozen"
    house.bring(1)
    assert house.running.sign(request).signatures == 1
    house.running.stop()


def test_without_a_chain_the_rules_never_hold(tmp_path: Path) -> None:
    house = House(tmp_path / "member", TIERED, None)
    request = house.request()
    assert refused(house, request) == ["chain-not-configured"]
    assert refused(house, without_proofs(request))[0] == "chain-not-configured"
    house.running.stop()


def test_tip_fresh_goes_by_the_median(tmp_path: Path) -> None:
    """Of eleven headers ten minutes apart the median is fifty minutes old when the last is of now."""
    when = f"and({WORD}, tip_fresh(50m))"
    house = House(tmp_path / "member", policy_saying(WORD, when))
    house.bring(12)
    assert house.running.sign(house.request(proven=False)).signatures == 1
    house.member.clock.moment += 1
    later = house.request(COINS[1:2], LARGE, number=2, proven=False)
    assert refused(house, later) == ["tip-not-fresh"]
    house.running.stop()


# --- the record


def test_the_entry_keeps_the_proof_and_what_the_chain_said(house: House) -> None:
    house.bring(4)
    house.running.sign(house.request(height=2))
    (signed,) = (each.entry for each in entries(house) if isinstance(each.entry, SignedEntry))
    word = decode_chain(signed.evidence)
    assert word is not None
    (place,) = word.placed.values()
    assert (place.height, place.burial.blocks) == (2, 3)
    assert word.vouched == 4
    assert word.proven[0].fact.header == house.headers[1]


def test_a_vault_that_asks_no_chain_keeps_nothing_of_it(tmp_path: Path) -> None:
    """Nor of proofs that somebody brings all the same."""
    when = "and(attested(2, watchers), fee_at_most(0.01 BTC))"
    house = House(tmp_path / "member", policy_saying(WORD, when))
    house.bring(1)
    house.running.sign(house.request(proven=False))
    house.running.sign(house.request(COINS[1:2], LARGE, number=2))
    first, second = (each.entry for each in entries(house) if isinstance(each.entry, SignedEntry))
    assert decode_chain(first.evidence) is None
    assert decode_chain(second.evidence) is None
    house.running.stop()


def test_what_is_on_record_is_signed_again_whatever_became_of_the_chain(house: House) -> None:
    """A retry with the same bytes, by a kernel whose configuration has no chain any more."""
    house.bring(6)
    request = house.request()
    first = house.running.sign(request)
    house.running.stop()
    again = replace(house.member, chain=None).start()
    assert again.sign(request).decision_id == first.decision_id
    again.stop()


def test_a_signed_entry_is_derived_again_without_the_headers(house: House) -> None:
    house.bring(6)
    house.running.sign(house.request())
    house.running.sign(house.request(COINS[1:2], LARGE, number=2, height=1))
    refused(house, house.request(COINS[2:], number=3, height=5))
    kept = entries(house)
    outcomes = rederived(kept, TIERED)
    told = {type(each.stored.entry): (each.reason, each.difference) for each in outcomes[1:]}
    assert told[SignedEntry] == ("", None)
    assert told[RefusedEntry] == (NO_CHAIN, None)


@pytest.mark.parametrize("part", ["header", "branch", "blocks"])
def test_a_changed_proof_on_record_is_no_decision_of_the_kernel(house: House, part: str) -> None:
    house.bring(3)
    house.running.sign(house.request())
    kept = entries(house)
    (place,) = (at for at, each in enumerate(kept) if isinstance(each.entry, SignedEntry))
    old = {
        "header": house.headers[0],
        "branch": BLOCK.proof(1).branch[0],
        "blocks": bytes((0, 0, 0, 4)) + bytes((0, 0, 0, 3)),
    }[part]
    new = {
        "header": house.headers[1],
        "branch": bytes(32),
        "blocks": bytes((0, 0, 0, 4)) + bytes((0, 0, 0, 2)),
    }[part]
    entry = kept[place].entry
    assert isinstance(entry, SignedEntry)
    assert old in entry.evidence
    kept[place] = placed(place, replace(entry, evidence=entry.evidence.replace(old, new)))
    found = rederived(kept, TIERED)[place]
    if part == "header":  # it has the same root: another block of which the same is true
        assert found.difference is None
    else:
        assert found.difference is not None


def test_after_a_restart_the_chain_is_there(house: House) -> None:
    house.bring(3)
    request = house.request()
    house.restarted()
    assert house.running.sign(request).signatures == 1


def test_another_policy_is_asked_with_what_the_chain_said_then(house: House) -> None:
    """`pegwarden policy simulate`."""
    house.bring(4)
    house.running.sign(house.request())
    heard = 0
    for past in replay(house.member.journal):
        if isinstance(past.stored.entry, SignedEntry):
            _require_heard(past, 4)
            heard += 1
    assert heard == 1


def _require_heard(past: Replayed, blocks: int) -> None:
    for depth, expected in ((blocks, []), (blocks + 1, ["coin-unconfirmed"])):
        policy = load_policy(policy_saying(WORD, f"and({WORD}, confirmed({depth} blocks))"))
        court = Court(policy, VaultRegistry(policy.vaults))
        assert past.asked is not None
        _, question = court.hear(past.asked, past.before)
        assert [each.code for each in policy.spend_objections(question)] == expected


def test_the_journal_tells_what_the_chain_said(house: House) -> None:
    house.bring(3)
    house.running.sign(house.request())
    (stored,) = (each for each in entries(house) if isinstance(each.entry, SignedEntry))
    told = described(stored)["chain"]
    txid = display(COINS[0].outpoint.txid)
    proven = [{"txid": txid, "height": 1, "confirmations": 3, "work": "6"}]
    assert told == {
        "vouched_height": 3,
        "tip_median_time": read_header(house.headers[1]).time,
        "stale": [],
        "proven": proven,
    }
