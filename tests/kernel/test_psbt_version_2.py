"""The straight line, asked in PSBT version 2 (BIP-370): a kernel answers in the version it was asked in."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pegwarden.v1 import kernel_pb2 as pb
from signer.bitcoin.errors import Malformed
from signer.bitcoin.psbt.convert import as_version_0, as_version_2
from signer.bitcoin.psbt.reader import parse_psbt
from signer.bitcoin.psbt.writer import serialize_maps
from signer.core.errors import Refusal
from tests.core.spends import Coin
from tests.kernel.room import Member, Running, attested, construct_request, sign_request

COINS = (Coin(), Coin(salt=1, index=1))


@pytest.fixture
def members(tmp_path: Path) -> Iterator[tuple[Running, ...]]:
    running = tuple(Member(tmp_path / str(n), n).init().start() for n in range(2))
    yield running
    for each in running:
        each.stop()


def asked(kernel: Running) -> tuple[pb.SignPsbtRequest, pb.SignPsbtRequest]:
    """One request to sign in version 0 and in version 2."""
    request = sign_request(kernel.construct(construct_request(COINS)), attested(COINS))
    in_version_2 = pb.SignPsbtRequest()
    in_version_2.CopyFrom(request)
    in_version_2.psbt = as_version_2(parse_psbt(request.psbt))
    return request, in_version_2


def extracted(kernel: Running, *psbts: bytes) -> pb.ExtractTxResponse:
    request = pb.ExtractTxRequest(vault_id="peg", psbts=psbts)
    return pb.ExtractTxResponse.FromString(kernel.call("ExtractTx", request))


def test_explained_signed_and_extracted(members: tuple[Running, ...]) -> None:
    a, b = members
    version_0, version_2 = asked(a)
    assert a.explain(version_2).would_sign
    answers = [kernel.sign(version_2) for kernel in members]
    assert [parse_psbt(answer.psbt).version for answer in answers] == [2, 2]
    final = extracted(b, *(answer.psbt for answer in answers))
    assert final.complete
    assert final.txid == parse_psbt(version_0.psbt).transaction.txid
    assert parse_psbt(final.combined_psbt).version == 2


def test_a_retry_in_the_other_version_is_the_same_decision(members: tuple[Running, ...]) -> None:
    """What is on record is the transaction: evidence is not asked again, nothing is counted twice."""
    a, _ = members
    version_0, version_2 = asked(a)
    first = a.sign(version_0)
    del version_2.attestations[:]
    again = a.sign(version_2)
    assert again.decision_id == first.decision_id
    assert as_version_0(parse_psbt(again.psbt)) == first.psbt


def test_answers_of_two_versions_are_combined_in_version_0(members: tuple[Running, ...]) -> None:
    a, b = members
    version_0, version_2 = asked(a)
    answers = a.sign(version_0).psbt, b.sign(version_2).psbt
    final = extracted(a, *answers)
    assert final.complete
    assert parse_psbt(final.combined_psbt).version == 0
    assert final == extracted(a, answers[0], as_version_0(parse_psbt(answers[1])))


def test_what_is_not_understood_or_not_complete_is_not_extracted(
    members: tuple[Running, ...],
) -> None:
    """As for signing: before anything is combined."""
    a, _ = members
    answer = parse_psbt(a.sign(asked(a)[1]).psbt)
    maps = [answer.global_pairs, *(each.pairs for each in (*answer.inputs, *answer.outputs))]
    assert not extracted(a, serialize_maps(maps)).complete
    for number, pair, code in (
        (0, (b"\x06", b"\x03"), "psbt-modifiable"),
        (0, (b"\x7f", b""), "psbt-field-not-understood"),
        (1, (b"\x7f", b""), "psbt-field-not-understood"),
        (len(maps) - 1, (b"\x7f", b""), "psbt-field-not-understood"),
    ):
        changed = [*maps[:number], (*maps[number], pair), *maps[number + 1 :]]
        with pytest.raises((Malformed, Refusal)) as caught:
            extracted(a, serialize_maps(changed))
        assert caught.value.code == code
