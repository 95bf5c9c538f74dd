"""ReleaseWithdrawal through whole kernels: closed, struck, pinned anew, refused, repeated, on record."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from clients.messages import attestation_message, outpoint_message
from pegwarden.v1 import approval_pb2 as ap
from pegwarden.v1 import control_pb2 as cp
from pegwarden.v1 import kernel_pb2 as pb
from pegwarden.v1 import types_pb2 as t
from signer.bitcoin.psbt.reader import parse_psbt
from signer.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut, parse_transaction
from signer.bitcoin.units import Height, Sats
from signer.core.acts import ReleaseWithdrawal
from signer.core.acts_control import CLOSED, STRUCK, Scope
from signer.core.caller import Caller
from signer.core.caller import Role as CallerRole
from signer.core.errors import Refusal
from signer.core.evidence import SpentTerms, authorize
from signer.core.evidence_codec import decode_evidence
from signer.core.payment import WithdrawalTerms
from signer.core.released import ReleasedNotice
from signer.journal.audit import read_entries, verify_journal
from signer.journal.codec import decode_entry, encode_entry
from tests.core.spends import NOW, USER_SCRIPT, Coin, withdrawal_id
from tests.federation import WATCHERS, vault
from tests.kernel.governed import ADA, BOB, CYD, GOVERNANCE, OFFICERS, begin
from tests.kernel.room import (
    RELAYER,
    Member,
    Running,
    attested,
    construct_request,
    policy_text,
    sign_request,
)
from tests.officers import Officer

DEPTH, HEIGHT, HOUR, WEEK = 100, 500, 3_600, 7 * 86_400
COINS = tuple(Coin(salt=salt, index=salt, amount=100_000_000 - salt) for salt in range(3))
ELSEWHERE = b"\x00\x14" + b"\x44" * 20
AUDITOR = Caller("auditor-1", frozenset({CallerRole.AUDITOR}))


def text(quorum: int = 0) -> bytes:
    keys = ", ".join(f'"{officer.key.hex()}"' for officer in OFFICERS)
    made = policy_text(groups=f"officers = [{keys}]", more=GOVERNANCE)
    if quorum:
        return made.replace(b"lookahead = 20", b"lookahead = 20\nrelease_quorum = %d" % quorum)
    return made


@dataclass
class Bench:
    """One member, and what its relayer brings."""

    member: Member
    running: Running

    def pay(self, *coins: int, number: int = 1, amount: int = 60_000_000) -> Transaction:
        """A signed version, unsigned as it stands in the PSBT."""
        offered = tuple(COINS[each] for each in coins)
        payments = ((number, amount),)
        built = self.running.construct(
            construct_request(
                offered,
                payments,
                required_inputs=[outpoint_message(each.outpoint) for each in offered],
            )
        )
        now = self.member.clock.now()
        evidence = (
            attested(offered, payments, now=now) if now == NOW else self._later(offered, payments)
        )
        self.running.sign(sign_request(built, evidence))
        return unsigned(built.psbt)

    def _later(
        self, coins: tuple[Coin, ...], payments: tuple[tuple[int, int], ...]
    ) -> list[t.Attestation]:
        """Words given just now, for as long as attestors sign."""
        now, realm, found = self.member.clock.now(), vault().realm, []
        for watcher in WATCHERS[:2]:
            terms = [
                WithdrawalTerms(withdrawal_id(number), Sats(amount), USER_SCRIPT)
                for number, amount in payments
            ]
            found.append(watcher.attest(realm, now + WEEK, *terms))
            found.append(watcher.attest(realm, now + 1_800, *(coin.terms for coin in coins)))
        return [attestation_message(each) for each in found]

    def request(
        self,
        *transactions: Transaction,
        spent: OutPoint | None = None,
        pin: OutPoint | None = None,
        number: int = 1,
        depth: int = DEPTH,
    ) -> cp.ReleaseWithdrawalRequest:
        """The last transaction is buried, so two watchers say."""
        killer = transactions[-1]
        of = spent or pin or killer.inputs[0].previous
        terms = SpentTerms(of, killer.txid, Height(HEIGHT), Height(HEIGHT + depth - 1))
        expiry = self.member.clock.now() + 1_800
        return cp.ReleaseWithdrawalRequest(
            withdrawal_id=withdrawal_id(number),
            pin=None if pin is None else outpoint_message(pin),
            transactions=[each.serialize() for each in transactions],
            attestations=[
                attestation_message(watcher.attest(vault().realm, expiry, terms))
                for watcher in WATCHERS[:2]
            ],
        )

    def release(self, request: cp.ReleaseWithdrawalRequest) -> cp.ReleaseWithdrawalResponse:
        answer = self.running.call("ReleaseWithdrawal", request)
        return cp.ReleaseWithdrawalResponse.FromString(answer)

    def codes(self, request: cp.ReleaseWithdrawalRequest) -> list[str]:
        with pytest.raises(Refusal) as caught:
            self.release(request)
        return [each.code for each in caught.value.objections]

    def refused_to_pay(self, *coins: int, number: int = 1, amount: int = 60_000_000) -> str:
        with pytest.raises(Refusal) as caught:
            self.pay(*coins, number=number, amount=amount)
        return caught.value.code

    def info(self, number: int = 1) -> pb.WithdrawalInfo:
        asked = pb.GetWithdrawalRequest(withdrawal_id=withdrawal_id(number))
        answer = self.running.call("GetWithdrawal", asked)
        return pb.GetWithdrawalResponse.FromString(answer).withdrawal

    def act(
        self, killer: Transaction, pin: OutPoint | None, **changes: object
    ) -> ReleaseWithdrawal:
        """The officers' text: to strike that pin, or, with the withdrawal's own, to close."""
        fields: dict[str, object] = {
            "scope": Scope(self.running.keystore.log_key, 0, 1),
            "vault_fingerprint": vault().fingerprint,
            "withdrawal_id": withdrawal_id(1),
            "verdict": STRUCK,
            "pin": pin,
            "killer": killer.txid,
        }
        return ReleaseWithdrawal(**(fields | changes))  # type: ignore[arg-type]

    def with_acts(
        self,
        request: cp.ReleaseWithdrawalRequest,
        act: ReleaseWithdrawal,
        *officers: Officer,
        expires: int = NOW + HOUR,
    ) -> cp.ReleaseWithdrawalRequest:
        made = cp.ReleaseWithdrawalRequest()
        made.CopyFrom(request)
        for officer in officers:
            signed = officer.says(act, expires)
            made.acts.append(
                ap.OfficerAct(
                    text=signed.text, officer_key=signed.officer, signature=signed.signature
                )
            )
        return made


def unsigned(psbt: bytes) -> Transaction:
    return parse_psbt(psbt).transaction


def killer_of(*spends: OutPoint, amount: int = 99_000_000, witness: bool = False) -> Transaction:
    inputs = tuple(TxIn(each, b"", 0xFFFFFFFD) for each in spends)
    witnesses = tuple((b"\x01",) for _ in inputs) if witness else ()
    return Transaction(2, inputs, (TxOut(Sats(amount), ELSEWHERE),), 0, witnesses)


def opened(folder: Path, quorum: int = 0) -> Bench:
    member = Member(folder, 0, text(quorum)).init()
    begin(member, *OFFICERS)
    return Bench(member, member.start())


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = opened(tmp_path / "a")
    yield made
    made.running.stop()


PIN = COINS[0].outpoint


def test_a_buried_payment_closes(bench: Bench) -> None:
    version = bench.pay(0)
    assert (bench.info().state, bench.info().pin) == ("open", outpoint_message(PIN))
    request = bench.request(version)
    answer = bench.release(request)
    assert answer.state == "closed"
    assert len(answer.decision_id) == 32
    info = bench.info()
    assert (info.state, info.HasField("pin"), list(info.pinned_together)) == ("closed", False, [])
    assert [each.txid for each in info.versions] == [version.txid]
    coins = pb.ListCoinsResponse.FromString(
        bench.running.call("ListCoins", pb.ListCoinsRequest(vault_id="peg"))
    ).coins
    assert [(each.outpoint.txid, each.spent_deep) for each in coins] == [(PIN.txid, True)]


def test_a_closed_withdrawal_is_never_signed_again(bench: Bench) -> None:
    """Neither anew nor again: a retry of the very version is refused, too."""
    version = bench.pay(0)
    bench.pay(0)  # a retry passes before
    bench.release(bench.request(version))
    assert bench.refused_to_pay(0) == "withdrawal-closed"
    assert bench.refused_to_pay(1) == "withdrawal-closed"
    assert bench.codes(bench.request(killer_of(PIN), pin=PIN)) == ["withdrawal-closed"]


def test_a_release_is_made_once(bench: Bench) -> None:
    version = bench.pay(0)
    request = bench.request(version)
    first = bench.release(request)
    bench.member.clock.moment += 2 * HOUR  # the words have expired: they are not asked again
    again = bench.release(request)
    assert (again.decision_id, again.state) == (first.decision_id, "closed")
    assert again.head == first.head


def test_a_struck_pin_is_pinned_anew_and_not_charged_again(bench: Bench) -> None:
    bench.pay(0)
    assert bench.refused_to_pay(1) == "withdrawal-pinned"
    answer = bench.release(bench.request(killer_of(PIN), pin=PIN))
    assert answer.state == bench.info().state == "waiting"
    assert not bench.info().HasField("pin")
    with bench.running.journal.reading() as view:
        before = (
            view.outflow_since(vault().fingerprint, 0),
            view.withdrawals_since(vault().fingerprint, 0),
        )
    version = bench.pay(1)
    assert (bench.info().state, bench.info().pin) == ("open", outpoint_message(COINS[1].outpoint))
    fee = COINS[1].amount - sum(each.amount for each in version.outputs)
    with bench.running.journal.reading() as view:
        assert view.outflow_since(vault().fingerprint, 0) == before[0] + fee
        assert view.withdrawals_since(vault().fingerprint, 0) == before[1] == 1
    assert bench.refused_to_pay(2) == "withdrawal-pinned"
    again = bench.release(bench.request(killer_of(PIN), pin=PIN))
    assert (again.decision_id, again.state) == (answer.decision_id, "open")
    assert bench.release(bench.request(version)).state == "closed"


def test_a_struck_withdrawal_needs_words_afresh(bench: Bench) -> None:
    """A lost entry may have paid it since: what was said before the strike does not do without a pin."""
    bench.pay(0)
    bench.release(bench.request(killer_of(PIN), pin=PIN))
    built = bench.running.construct(construct_request(COINS[1:2], ((1, 60_000_000),)))
    with pytest.raises(Refusal) as caught:
        bench.running.sign(sign_request(built, attested(COINS[1:2], ())))
    assert caught.value.code == "attestation-missing"
    bench.running.sign(sign_request(built, attested(COINS[1:2], ((1, 60_000_000),))))


def test_what_is_refused_leaves_the_pin(bench: Bench) -> None:
    version = bench.pay(0)
    killer = killer_of(PIN)
    shallow = bench.request(killer, pin=PIN, depth=DEPTH - 1)
    assert bench.codes(shallow) == ["release-too-shallow"]
    unproven = bench.request(killer, pin=PIN)
    del unproven.attestations[1:]
    assert bench.codes(unproven) == ["release-unproven"]
    assert bench.codes(bench.request(version, pin=PIN)) == ["release-pays"]
    assert bench.codes(bench.request(killer, pin=COINS[1].outpoint, spent=PIN)) == [
        "release-pin-unknown",
        "release-kills-nothing",
    ]
    assert bench.codes(bench.request(killer)) == ["release-not-paid", "release-officers-missing"]
    assert bench.info().pin == outpoint_message(PIN)
    assert bench.refused_to_pay(1) == "withdrawal-pinned"
    assert bench.release(bench.request(killer, pin=PIN)).state == "waiting"


def test_the_funding_of_a_pin_reorganised_away(bench: Bench) -> None:
    bench.pay(0)
    funding = COINS[0].previous
    source = funding.inputs[0].previous
    request = bench.request(funding, killer_of(source), pin=PIN, spent=source)
    funded = bench.request(funding, funding, pin=PIN, spent=source)
    assert bench.codes(funded) == ["release-kills-nothing"]
    assert bench.release(request).state == "waiting"


def test_a_forged_word_is_refused(bench: Bench) -> None:
    bench.pay(0)
    forged = bench.request(killer_of(PIN), pin=PIN)
    forged.attestations[0].spends[0].tip_height += 1
    assert bench.codes(forged) == ["attestation-invalid"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"withdrawal_id": b"\x01" * 31}, "request-malformed"),
        ({"withdrawal_id": b"\x01" * 32}, "withdrawal-unknown"),
        ({"transactions": []}, "request-malformed"),
        ({"transactions": [b"\x00"]}, "transaction-malformed"),
        ({"transactions": [killer_of(PIN).serialize()] * 65}, "request-malformed"),
        ({"acts": [ap.OfficerAct()] * 65}, "request-malformed"),
        ({"acts": [ap.OfficerAct(text="pause", officer_key=bytes(32))]}, "act-malformed"),
    ],
)
def test_what_is_no_request(bench: Bench, change: dict[str, object], code: str) -> None:
    bench.pay(0)
    good = bench.request(killer_of(PIN), pin=PIN)
    fields = {each.name: value for each, value in good.ListFields()}
    assert bench.codes(cp.ReleaseWithdrawalRequest(**(fields | change))) == [code]
    assert bench.release(good).state == "waiting"


def test_the_officers_quorum_of_a_vault(tmp_path: Path) -> None:
    """`release_quorum = 3`, where two officers govern: all three consent, to exactly this."""
    bench = opened(tmp_path / "a", quorum=3)
    with ExitStack() as opening:
        opening.callback(bench.running.stop)
        bench.pay(0)
        killer = killer_of(PIN)
        request = bench.request(killer, pin=PIN)
        act = bench.act(killer, PIN)
        assert bench.codes(request) == ["release-officers-missing"]
        two = bench.with_acts(request, act, ADA, BOB)
        assert bench.codes(two) == ["release-officers-missing"]
        for other in (
            bench.act(killer_of(PIN, amount=1_000), PIN),
            bench.act(killer, COINS[1].outpoint),
            bench.act(killer, PIN, verdict=CLOSED),
            bench.act(killer, PIN, withdrawal_id=withdrawal_id(2)),
            bench.act(killer, PIN, vault_fingerprint=bytes(32)),
        ):
            assert bench.codes(bench.with_acts(request, other, *OFFICERS)) == ["act-misplaced"]
        elsewhere = bench.act(killer, PIN, scope=Scope(bytes(32), 0, 1))
        assert bench.codes(bench.with_acts(request, elsewhere, *OFFICERS)) == [
            "control-other-kernel"
        ]
        late = bench.with_acts(request, act, *OFFICERS, expires=NOW)
        assert bench.codes(late) == ["act-expired"]
        answer = bench.release(bench.with_acts(request, act, *OFFICERS))
        assert answer.state == "waiting"
        assert bench.release(request).decision_id == answer.decision_id


def test_an_unknown_payment_closes_with_the_officers(bench: Bench) -> None:
    """Other members signed a version that this one never saw; it was buried."""
    version = bench.pay(0)
    fee = Sats(version.outputs[1].amount - 1_000)
    outputs = (version.outputs[0], TxOut(fee, version.outputs[1].script_pubkey))
    theirs = Transaction(2, version.inputs, outputs, 0)
    request = bench.request(theirs)
    assert bench.codes(request) == ["release-officers-missing"]
    act = bench.act(theirs, PIN, verdict=CLOSED)
    assert bench.codes(bench.with_acts(request, act, CYD)) == ["release-officers-missing"]
    assert bench.release(bench.with_acts(request, act, ADA, CYD)).state == "closed"


def test_closing_frees_an_equal_withdrawal(bench: Bench) -> None:
    """ADR 0006: the second of two twins waits no longer than until the first is closed."""
    version = bench.pay(0)
    assert bench.refused_to_pay(1, number=2) == "withdrawal-twin-open"
    bench.release(bench.request(version))
    assert bench.refused_to_pay(1, number=2) == "attestation-missing"  # words from before
    bench.member.clock.moment += 60
    bench.pay(1, number=2)
    assert bench.info(2).state == "open"


def test_a_release_is_an_entry_that_tells_all(bench: Bench) -> None:
    """Whoever has the log checks the proof again; the tables are its fold."""
    bench.pay(0)
    funding = COINS[0].previous
    source = funding.inputs[0].previous
    request = bench.request(funding, killer_of(source), pin=PIN, spent=source)
    stranger = attested(COINS[2:], ())
    request.attestations.extend(stranger)
    bench.release(request)
    bench.pay(1)
    bench.release(bench.request(killer_of(COINS[1].outpoint, witness=True), pin=COINS[1].outpoint))
    bench.running.stop()
    place = bench.member.folder / "journal.sqlite"
    entries = [each.entry for each in read_entries(place, 0)]
    first, second = (each for each in entries if isinstance(each, ReleasedNotice))
    for notice in (first, second):
        assert decode_entry(encode_entry(notice)) == notice
        assert (notice.caller, notice.terms.withdrawal_id) == (RELAYER.name, withdrawal_id(1))
        raw = [parse_transaction(each) for each in notice.transactions]
        assert [each.witnesses for each in raw] == [()] * len(raw)
        assert raw[-1].txid == notice.killer
        evidence = decode_evidence(notice.evidence)
        assert len(evidence) == 2
        words = authorize(evidence, vault().realm, frozenset(each.key for each in WATCHERS))
        (said,) = words.said
        assert (said.spender, said.depth) == (notice.killer, DEPTH)
    assert (first.pin, len(first.transactions)) == (PIN, 2)
    assert (second.pin, len(second.transactions)) == (COINS[1].outpoint, 1)
    verify_journal(place)
    bench.running = bench.member.start()
    assert bench.info().state == "waiting"
