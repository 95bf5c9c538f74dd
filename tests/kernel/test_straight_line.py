"""The straight line through whole kernels: construct, explain, sign, extract, retry, restart, refuse."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pegwarden.v1 import kernel_pb2 as pb
from pegwarden.v1 import types_pb2 as t
from signer.bitcoin.psbt.reader import parse_psbt
from signer.core.errors import Fault, Refusal
from signer.kernel import require_task
from tests import federation
from tests.conftest import Places
from tests.core.spends import NOW, USER_SCRIPT, Coin, good_case, withdrawal_id
from tests.kernel.room import (
    RELAYER,
    Member,
    Running,
    attested,
    construct_request,
    sign_request,
)

BIG, OTHER, FRESH = Coin(), Coin(salt=1, index=1), Coin(salt=2, index=2)


@pytest.fixture
def members(tmp_path: Path, places: Places) -> Iterator[tuple[Running, ...]]:
    running = tuple(
        Member(tmp_path / str(n), n, place=places.new()).init().start() for n in range(3)
    )
    yield running
    for each in running:
        each.stop()


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """For what comes to no store."""
    running = Member(tmp_path_factory.mktemp("alone") / "a", 0).init().start()
    yield running
    running.stop()


def refused(kernel: Running, request: pb.SignPsbtRequest) -> str:
    with pytest.raises(Refusal) as caught:
        kernel.sign(request)
    return caught.value.code


def test_two_of_three_pay_a_withdrawal(members: tuple[Running, ...]) -> None:
    a, b, c = members
    request = construct_request((BIG, OTHER))
    built = a.construct(request)
    assert built.psbt == b.construct(request).psbt == c.construct(request).psbt
    to_sign = sign_request(built, attested((BIG, OTHER)))
    assert a.explain(to_sign).would_sign
    answers = [kernel.sign(to_sign) for kernel in (a, c)]
    assert {answer.txid for answer in answers} == {built.unsigned_txid}
    psbts = [answer.psbt for answer in answers]
    one = pb.ExtractTxResponse.FromString(
        b.call("ExtractTx", pb.ExtractTxRequest(vault_id="peg", psbts=psbts[:1]))
    )
    assert not one.complete
    assert [(each.have, each.need) for each in one.missing] == [(1, 2)] * len(one.missing)
    final = pb.ExtractTxResponse.FromString(
        b.call("ExtractTx", pb.ExtractTxRequest(vault_id="peg", psbts=psbts))
    )
    assert final.complete
    assert final.txid == built.unsigned_txid
    assert final.fee_sat == built.fee_sat
    assert final.vsize <= built.vsize


def test_answer_carries_our_signatures_only(members: tuple[Running, ...]) -> None:
    a, b, _ = members
    built = a.construct(construct_request((BIG,)))
    evidence = attested((BIG,))
    first = a.sign(sign_request(built, evidence))
    carried = pb.SignPsbtRequest(
        vault_id="peg", psbt=first.psbt, payments=built.payments, attestations=evidence
    )
    second = b.sign(carried)
    assert (first.signatures, second.signatures) == (1, 1)
    assert len(second.psbt) == pytest.approx(len(first.psbt), abs=1)


def test_retry_gets_the_same_decision_without_new_evidence(members: tuple[Running, ...]) -> None:
    a = members[0]
    built = a.construct(construct_request((BIG,)))
    first = a.sign(sign_request(built, attested((BIG,))))
    again = a.sign(sign_request(built, []))
    assert again.decision_id == first.decision_id
    assert a.explain(sign_request(built, [])).on_record


def test_restart_keeps_the_record(tmp_path: Path) -> None:
    member = Member(tmp_path / "m", 0).init()
    running = member.start()
    built = running.construct(construct_request((BIG,)))
    first = running.sign(sign_request(built, attested((BIG,))))
    running.stop()
    running = member.start()
    try:
        assert running.sign(sign_request(built, [])).decision_id == first.decision_id
        other = running.construct(construct_request((FRESH,)))
        assert refused(running, sign_request(other, attested((FRESH,)))) == "withdrawal-pinned"
    finally:
        running.stop()


def test_fee_bump_and_the_record_a_relayer_goes_on_from(members: tuple[Running, ...]) -> None:
    a = members[0]
    built = a.construct(construct_request((BIG,)))
    a.sign(sign_request(built, attested((BIG,))))
    asked = pb.GetWithdrawalRequest(withdrawal_id=withdrawal_id(1))
    info = pb.GetWithdrawalResponse.FromString(a.call("GetWithdrawal", asked)).withdrawal
    assert info.amount_sat == 60_000_000
    assert info.script_pubkey == USER_SCRIPT
    assert (info.pin.txid, info.pin.vout) == (BIG.outpoint.txid, 1)
    assert list(info.pinned_together) == [withdrawal_id(1)]
    bump = a.construct(
        construct_request(
            (BIG,), required_inputs=[info.pin], min_fee_sat=info.versions[0].fee_sat + 1_000
        )
    )
    assert bump.fee_sat >= built.fee_sat + 1_000
    a.sign(sign_request(bump, []))
    info = pb.GetWithdrawalResponse.FromString(a.call("GetWithdrawal", asked)).withdrawal
    assert [version.txid for version in info.versions] == [
        built.unsigned_txid,
        bump.unsigned_txid,
    ]
    listed = pb.ListWithdrawalsResponse.FromString(
        a.call("ListWithdrawals", pb.ListWithdrawalsRequest(vault_id="peg"))
    )
    assert [each.withdrawal_id for each in listed.withdrawals] == [withdrawal_id(1)]
    coins = pb.ListCoinsResponse.FromString(
        a.call("ListCoins", pb.ListCoinsRequest(vault_id="peg"))
    )
    assert [(coin.outpoint.vout, coin.proven, len(coin.spent_by)) for coin in coins.coins] == [
        (1, "attested", 2)
    ]


def test_same_withdrawal_from_other_coins(members: tuple[Running, ...]) -> None:
    a = members[0]
    a.sign(sign_request(a.construct(construct_request((BIG,))), attested((BIG,))))
    other = a.construct(construct_request((FRESH,)))
    assert refused(a, sign_request(other, attested((FRESH,)))) == "withdrawal-pinned"


def test_missing_and_doubled_attestations(members: tuple[Running, ...]) -> None:
    a = members[0]
    built = a.construct(construct_request((BIG,)))
    alone = attested((BIG,))[:1]
    coins_only = attested((BIG,), payments=())
    assert refused(a, sign_request(built, coins_only + alone)) == "attestation-missing"
    assert refused(a, sign_request(built, coins_only + alone + alone)) == "attestation-missing"
    assert a.sign(sign_request(built, attested((BIG,)))).signatures == 1


def test_outflow_over_a_day_also_when_split(members: tuple[Running, ...]) -> None:
    a = members[0]
    for number, coin in ((1, BIG), (2, OTHER)):
        payments = ((number, 99_000_000 + number),)
        built = a.construct(construct_request((coin,), payments))
        a.sign(sign_request(built, attested((coin,), payments)))
    payments = ((3, 5_000_000),)
    built = a.construct(construct_request((FRESH,), payments))
    assert refused(a, sign_request(built, attested((FRESH,), payments))) == "outflow-exceeded"


def test_outflow_window_moves_on(tmp_path: Path) -> None:
    member = Member(tmp_path / "m", 0).init()
    running = member.start()
    try:
        for number, coin in ((1, BIG), (2, OTHER)):
            payments = ((number, 99_000_000 + number),)
            built = running.construct(construct_request((coin,), payments))
            running.sign(sign_request(built, attested((coin,), payments)))
        member.clock.moment = NOW + 86_399
        payments = ((3, 5_000_000),)
        built = running.construct(construct_request((FRESH,), payments))
        evidence = attested((FRESH,), payments, now=member.clock.moment)
        assert refused(running, sign_request(built, evidence)) == "outflow-exceeded"
        member.clock.moment = NOW + 86_400
        assert running.sign(sign_request(built, evidence)).signatures == 1
    finally:
        running.stop()


def test_head_of_another_log_and_rollback(members: tuple[Running, ...]) -> None:
    a, b, _ = members
    built = a.construct(construct_request((BIG,)))
    evidence = attested((BIG,))
    head = a.sign(sign_request(built, evidence)).head
    assert a.sign(sign_request(built, evidence, head)).signatures == 1
    assert refused(b, sign_request(built, evidence, head)) == "head-malformed"
    assert refused(a, sign_request(built, evidence, "nonsense")) == "head-malformed"


def test_kernel_restored_from_an_old_copy_sees_its_own_newer_head(tmp_path: Path) -> None:
    member = Member(tmp_path / "m", 0).init()
    old = (member.folder / "journal.sqlite").read_bytes()
    running = member.start()
    built = running.construct(construct_request((BIG,)))
    evidence = attested((BIG,))
    head = running.sign(sign_request(built, evidence)).head
    running.stop()
    for stale in member.folder.glob("journal.sqlite-*"):
        stale.unlink()
    (member.folder / "journal.sqlite").write_bytes(old)
    running = member.start()
    try:
        assert refused(running, sign_request(built, evidence, head)) == "state-rolled-back"
    finally:
        running.stop()


def test_info(members: tuple[Running, ...]) -> None:
    info = members[0].info()
    assert info.ready
    assert info.network == "regtest"
    vault = info.vaults[0]
    assert (vault.threshold, vault.members, vault.tolerated, vault.may_be_silent) == (2, 3, 0, 1)
    assert vault.our_xpub in vault.descriptor
    assert (vault.next_change_index, vault.change_index_end) == (0, 20)
    assert info.vaults[0].our_xpub != members[1].info().vaults[0].our_xpub


@pytest.mark.parametrize(
    ("method", "request_bytes"),
    [
        ("SignPsbt", b"\xff\xff\xff"),
        ("SignPsbt", b""),
        ("GetInfo", b"\x08\x01"),
        ("GetVaultAddress", pb.GetVaultAddressRequest(vault_id="peg").SerializeToString()),
        (
            "ListVaultAddresses",
            pb.ListVaultAddressesRequest(
                vault_id="peg", branch=t.BRANCH_RECEIVE
            ).SerializeToString(),
        ),
        ("GetWithdrawal", b""),
        ("ListCoins", pb.ListCoinsRequest(vault_id="peg", page_size=1_001).SerializeToString()),
        ("ValidateOpReturn", pb.ValidateOpReturnRequest(vault_id="peg").SerializeToString()),
    ],
)
def test_request_malformed(alone: Running, method: str, request_bytes: bytes) -> None:
    with pytest.raises(Refusal) as caught:
        alone.handler.handle(method, RELAYER, request_bytes)
    assert caught.value.code == "request-malformed"


def test_unknown_field_deep_inside(alone: Running) -> None:
    """A newer client's field must not be believed to be understood."""
    claim = t.PaymentClaim(withdrawal_id=withdrawal_id(1), vout=0).SerializeToString() + b"\x50\x01"
    request = pb.SignPsbtRequest(vault_id="peg", psbt=b"x").SerializeToString()
    request += b"\x1a" + bytes([len(claim)]) + claim
    with pytest.raises(Refusal) as caught:
        alone.handler.handle("SignPsbt", RELAYER, request)
    assert caught.value.code == "request-malformed"


def test_unknown_method(alone: Running) -> None:
    with pytest.raises(Refusal) as caught:
        alone.handler.handle("SignDigest", RELAYER, b"")
    assert caught.value.code == "method-unknown"


def test_unknown_withdrawal_vault_and_rollup(members: tuple[Running, ...]) -> None:
    a = members[0]
    asked: tuple[tuple[str, object, str], ...] = (
        ("GetWithdrawal", pb.GetWithdrawalRequest(withdrawal_id=bytes(32)), "withdrawal-unknown"),
        ("ListCoins", pb.ListCoinsRequest(vault_id="pog"), "vault-unknown"),
        (
            "GenerateDepositPsbt",
            pb.GenerateDepositPsbtRequest(vault_id="peg", rollup="other", l2_address=b"\x01" * 20),
            "rollup-unknown",
        ),
        (
            "GetVaultAddress",
            pb.GetVaultAddressRequest(vault_id="peg", branch=t.BRANCH_RECEIVE, index=20),
            "address-index-too-high",
        ),
    )
    for method, request, code in asked:
        with pytest.raises(Refusal) as caught:
            a.call(method, request)
        assert caught.value.code == code


def test_unexpected_error_is_a_fault(alone: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("secret inside")

    monkeypatch.setitem(alone.handler.methods, "GetInfo", broken)  # type: ignore[arg-type]
    with pytest.raises(Fault) as caught:
        alone.call("GetInfo", pb.GetInfoRequest())
    assert "secret" not in str(caught.value)


def test_refusals_are_on_record(members: tuple[Running, ...]) -> None:
    a = members[0]
    built = a.construct(construct_request((BIG,)))
    with pytest.raises(Refusal) as caught:
        a.sign(sign_request(built, []))
    assert len(caught.value.decision_id) == 32


def anchor_transaction(kernel: Running, coin: Coin) -> tuple[bytes, bytes]:
    """(raw transaction without witness, previous transaction) of an anchor that the vault could write."""
    built = pb.ConstructAnchorTxResponse.FromString(
        kernel.call(
            "ConstructAnchorTx",
            pb.ConstructAnchorTxRequest(
                vault_id="peg",
                magic=b"PGWD",
                batch_id=7,
                state_root=b"\x11" * 32,
                eth_tx_hash=b"\x22" * 32,
                coins=construct_request((coin,)).coins,
                fee_rate_sat_per_kvb=2_000,
            ),
        )
    )
    return parse_psbt(built.psbt).transaction.serialize(), coin.previous.serialize()


def test_an_anchor_counts_only_from_the_vault(members: tuple[Running, ...]) -> None:
    raw, previous = anchor_transaction(members[0], BIG)
    expected = pb.ExpectedAnchor(
        magic=b"PGWD", batch_id=7, state_root=b"\x11" * 32, eth_tx_hash=b"\x22" * 32
    )

    def validated(**changes: object) -> pb.ValidateOpReturnResponse:
        fields: dict[str, object] = {
            "vault_id": "peg",
            "transaction": raw,
            "previous_transactions": [previous],
            "expected_anchor": expected,
        }
        request = pb.ValidateOpReturnRequest(**{**fields, **changes})  # type: ignore[arg-type]
        return pb.ValidateOpReturnResponse.FromString(members[0].call("ValidateOpReturn", request))

    good = validated()
    assert (good.anchor_valid, good.payload_matches, good.from_vault) == (True, True, True)
    assert good.anchor.batch_id == 7
    stranger = validated(previous_transactions=[])
    assert (stranger.anchor_valid, stranger.payload_matches) == (False, True)
    assert [reason.code for reason in stranger.reasons] == ["anchor-not-from-vault"]
    other = pb.ExpectedAnchor(
        magic=b"PGWD", batch_id=8, state_root=b"\x11" * 32, eth_tx_hash=b"\x22" * 32
    )
    mismatch = validated(expected_anchor=other)
    assert (mismatch.anchor_valid, mismatch.payload_matches) == (False, False)
    assert [reason.code for reason in mismatch.reasons] == ["anchor-mismatch"]


def test_verify_script_of_a_vault_a_descriptor_and_a_template(alone: Running) -> None:
    def asked(**subject: object) -> pb.VerifyScriptResponse:
        request = pb.VerifyScriptRequest(**subject)  # type: ignore[arg-type]
        return pb.VerifyScriptResponse.FromString(alone.call("VerifyScript", request))

    vault = federation.vault()
    script = vault.script(0, 3).script_pubkey
    known = asked(
        vault_id="peg",
        expected=[
            pb.ExpectedScript(branch=t.BRANCH_RECEIVE, index=3, script=script),
            pb.ExpectedScript(branch=t.BRANCH_CHANGE, index=3, script=script),
        ],
    )
    assert known.vault_allowed
    assert (known.script_type, list(known.matches)) == ("p2wsh", [True, False])
    assert asked(descriptor=known.descriptor).fingerprint == known.fingerprint
    tap = federation.taproot_definition()
    taproot = asked(template=pb.VaultTemplate(template=tap.template, keys=tap.keys))
    assert taproot.script_type == "p2tr"
    assert [(path.name, path.threshold, path.older_blocks) for path in taproot.paths] == [
        ("primary", 2, 0),
        ("recovery", 1, 144),
    ]
    assert not taproot.paths[0].HasField("older_blocks")
    weak = federation.definition(2, 4)
    refused_vault = asked(template=pb.VaultTemplate(template=weak.template, keys=weak.keys))
    assert not refused_vault.vault_allowed
    assert [each.code for each in refused_vault.objections] == ["vault-quorums-disjoint"]
    assert refused_vault.tolerated == -1


def test_a_path_without_our_key_is_not_recorded() -> None:
    """What we could not sign must not bind a pin or charge a window."""
    spend = good_case().verify(ours=())
    with pytest.raises(Refusal) as caught:
        require_task(spend)
    assert caught.value.code == "path-without-our-key"
    require_task(good_case().verify(ours=(1,)))
