"""What a witness makes of an entry whose PSBT, evidence or claims are not true, and of its twin that is: one
dishonest member keeps no honest withdrawal waiting (docs/agreement.md)."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pegwarden.v1 import audit_pb2 as au
from pegwarden.v1 import kernel_pb2 as pb
from signer.bitcoin.network import REGTEST
from signer.bitcoin.transaction import Txid
from signer.bitcoin.units import Sats
from signer.core.agreement.messages import (
    Contrary,
    Granted,
    Message,
    message_bytes,
    read_message,
)
from signer.core.agreement.notices import AgreedNotice, Grant, VoidNotice
from signer.core.evidence import StatementKind, statement_kind
from signer.core.evidence_codec import decode_evidence, encode_evidence
from signer.journal.codec import encode_entry
from signer.journal.entry import Entry, SignedEntry
from signer.journal.merkle import Frontier, leaf_hash
from signer.journal.note import Head, origin_of, sign_head
from tests.core.spends import NOW, Coin
from tests.kernel import federated
from tests.kernel.federated import Team, Witnessed, draft
from tests.kernel.test_agreement_wire import agreed, codes, refused
from tests.kernel.test_dishonest_member import held_by, pending_of, recollect, records_of

BIG, OTHER = Coin(), Coin(salt=1, index=1)
PAID = ((1, 60_000_000),)
Lie = Callable[[SignedEntry], SignedEntry]


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Team]:
    """Three that have imported each other's claims; whoever has C's log key is dishonest."""
    made = federated.started(tmp_path)
    yield made
    made.stop()


def log_of(kernel: Witnessed, records: list[bytes]) -> au.MemberLog:
    """A log by that member's key."""
    edge = Frontier()
    for record in records:
        edge = edge.append(leaf_hash(record))
    head = Head(origin_of(REGTEST.genesis_hash, kernel.log_key), edge.size, edge.root())
    note = sign_head(head, kernel.keystore)
    return au.MemberLog(log_key=kernel.log_key, head=note, start=0, records=records)


def told(witness: Witnessed, liar: Witnessed, *entries: Entry, after: int) -> list[Message]:
    """What the witness says to the liar's log, its first entries and then these."""
    records = records_of(liar)[:after] + [encode_entry(each) for each in entries]
    request = au.WitnessRequest(log=log_of(liar, records), standing=liar.head().standing)
    said = witness.ask(request, au.WitnessResponse)
    members = frozenset({witness.log_key})
    return [read_message(each, REGTEST.genesis_hash, members) for each in said.messages][1:]


def entry_of(liar: Witnessed, request: pb.SignPsbtRequest) -> tuple[int, SignedEntry]:
    """What an honest kernel in its place writes."""
    assert codes(liar.sign(request)) == ["agreement-pending"]
    number, entry, _ = pending_of(liar)
    return number, entry


def without(kind: StatementKind) -> Lie:
    def lie(entry: SignedEntry) -> SignedEntry:
        kept = [
            each
            for each in decode_evidence(entry.evidence)
            if statement_kind(each.statements[0]) is not kind
        ]
        return replace(entry, evidence=encode_evidence(tuple(kept)))

    return lie


def forged_word(entry: SignedEntry) -> SignedEntry:
    first, *rest = decode_evidence(entry.evidence)
    forged = replace(first, signature=bytes(64))
    return replace(entry, evidence=encode_evidence((forged, *rest)))


def claims(**changes: object) -> Lie:
    def lie(entry: SignedEntry) -> SignedEntry:
        return replace(entry, claims=replace(entry.claims, **changes))  # type: ignore[arg-type]

    return lie


def other_amount(entry: SignedEntry) -> SignedEntry:
    (payment,) = entry.claims.payments
    return claims(payments=(replace(payment, amount=Sats(payment.amount - 1)),))(entry)


def other_coin(entry: SignedEntry) -> SignedEntry:
    (coin,) = entry.claims.coins
    ((withdrawal_id, _),) = entry.claims.new_pins
    moved = replace(coin, outpoint=OTHER.outpoint)
    return claims(coins=(moved,), new_pins=((withdrawal_id, OTHER.outpoint),))(entry)


LIES: dict[str, tuple[str, Lie]] = {
    "terms that nobody attests": ("attestation-missing", without(StatementKind.WITHDRAWAL)),
    "a phantom coin": ("coin-unproven", without(StatementKind.COIN)),
    "a forged word": ("attestation-invalid", forged_word),
    "another amount than the PSBT's": ("entry-claims-differ", other_amount),
    "another coin than the PSBT's": ("entry-claims-differ", other_coin),
    "another transaction": ("entry-claims-differ", claims(txid=Txid(bytes(32)))),
    "a sweep statement": ("entry-claims-differ", claims(sweep_nonce=b"\x09" * 16)),
    "no PSBT": ("psbt-magic", lambda entry: replace(entry, psbt=b"junk")),
}


@pytest.mark.parametrize(("code", "lie"), LIES.values(), ids=LIES.keys())
def test_an_entry_that_is_not_true_is_not_granted_and_its_twin_is(
    team: Team, code: str, lie: Lie
) -> None:
    """B holds nothing for C, and A's withdrawal from another coin is not kept waiting."""
    a, b, c = team["a"], team["b"], team["c"]
    number, entry = entry_of(c, draft(c, (BIG,), PAID))
    (said,) = told(b, c, lie(entry), after=number)
    assert isinstance(said, Contrary)
    assert said.unvouched.startswith(f"{code}: ")
    assert held_by(b) == []
    team.stop("c")
    agreed(team, "a", draft(a, (OTHER,), PAID))


def test_the_relayer_is_told_what_to_spend_and_pay(team: Team) -> None:
    """B holds C's version; A's own is refused with the coin and the withdrawal that it lacks."""
    c = team["c"]
    number, entry = entry_of(c, draft(c, (BIG,), PAID))
    told(team["b"], c, entry, after=number)
    request = draft(team["a"], (OTHER,), PAID)
    team["a"].sign(request)
    team.carry("a", "b", rounds=1)
    (missing,) = team["a"].sign(request).pending.missing
    assert f"{team['b'].log_key.hex()}: spend {BIG.outpoint} and pay " in missing.limit
    team.carry(rounds=3)
    assert team["a"].role.refusals(0) == ()


def test_the_true_twin_is_granted_and_binds(team: Team) -> None:
    b, c = team["b"], team["c"]
    number, entry = entry_of(c, draft(c, (BIG,), PAID))
    (said,) = told(b, c, entry, after=number)
    assert isinstance(said, Granted)
    assert held_by(b) == [(c.log_key, number, True)]
    assert refused(b, draft(b, (OTHER,), PAID)) == "withdrawal-pinned"


def test_a_refusal_names_the_policies_where_they_differ(team: Team) -> None:
    """Which policy the member went by decides nothing: ours judges."""
    b, c = team["b"], team["c"]
    number, entry = entry_of(c, draft(c, (BIG,), PAID))
    elsewhere = replace(entry, policy_id=b"\x07" * 32)
    (said,) = told(b, c, elsewhere, after=number)
    assert isinstance(said, Granted)
    (said,) = told(team["a"], c, without(StatementKind.COIN)(elsewhere), after=number)
    assert isinstance(said, Contrary)
    assert f"recorded by {'07' * 32}" in said.unvouched


def test_what_is_agreed_binds_whether_it_is_true_or_not(team: Team) -> None:
    """With the grant of a witness, here one that lies too, the entry may have been signed."""
    a, b, c = team["a"], team["b"], team["c"]
    number, entry = entry_of(c, draft(c, (BIG,), PAID))
    lie = other_amount(entry)
    leaf = leaf_hash(encode_entry(lie))
    body = message_bytes(
        Granted(a.log_key, c.log_key, bytes(16), number, leaf), REGTEST.genesis_hash
    )
    grant = Grant(a.log_key, bytes(16), a.keystore.sign_message(body))
    assert told(b, c, lie, AgreedNotice(NOW, number, leaf, (grant,)), after=number) == []
    assert held_by(b) == [(c.log_key, number, False)]


def test_words_count_by_the_clock_of_the_witness(team: Team) -> None:
    """Attestors speak of coins for half an hour; C brings its entry when they are silent again."""
    b, c = team["b"], team["c"]
    number, entry = entry_of(c, draft(c, (BIG,), PAID))
    clock = team.members[1].clock
    clock.moment += 1_800
    (said,) = told(b, c, entry, after=number)
    assert isinstance(said, Contrary)
    assert said.unvouched.startswith("coin-unproven: ")
    clock.moment -= 1
    (said,) = told(b, c, entry, after=number)
    assert isinstance(said, Granted)


def test_the_words_for_an_earlier_version_count_for_a_later_one(team: Team) -> None:
    """C's first version is void when B reads of it; the second was recorded on the strength of the first."""
    b, c = team["b"], team["c"]
    request = draft(c, (BIG,), PAID)
    number, first = entry_of(c, request)
    second = replace(first, clock=first.clock + 1, evidence=b"")
    void = VoidNotice(NOW, number, leaf_hash(encode_entry(first)), "timed-out")
    lies = replace(first, evidence=b"", clock=first.clock + 2)
    (said,) = told(b, c, lies, after=number)
    assert isinstance(said, Contrary)
    (said,) = told(team["a"], c, first, void, second, after=number)
    assert isinstance(said, Granted)
    assert said.number == number + 2


def test_a_start_takes_what_is_true_however_late_it_is(team: Team) -> None:
    """B may have granted C's entry before it was restored: it takes it, hours after the words expired."""
    b, c = team["b"], team["c"]
    number, entry = entry_of(c, draft(c, (BIG,), PAID))
    lie = without(StatementKind.COIN)(replace(entry, clock=entry.clock + 1))
    team.members[1].clock.moment += 7_200
    assert [type(each) for each in told(b, c, lie, entry, after=number)] == [Contrary, Contrary]
    team.stop("b")
    team.start("b")
    log = log_of(c, [*records_of(c)[:number], encode_entry(lie), encode_entry(entry)])
    recollect(c, team["b"], log.head)
    team.carry("a", "b", rounds=3)
    assert team["b"].head().waiting_for == []
    assert held_by(team["b"]) == [(c.log_key, number + 1, False)]
