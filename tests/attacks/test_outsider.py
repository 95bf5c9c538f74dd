"""An outsider with a relayer's certificate, the proto and the manual: everything through mTLS and gRPC."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from google.protobuf.message import Message

from pegwarden.v1 import kernel_pb2 as pb
from pegwarden.v1 import types_pb2 as t
from signer.bitcoin.address import address_of
from signer.bitcoin.network import REGTEST
from signer.core.catalogue import CATALOGUE
from signer.edge.server import SERVICE
from tests.attacks.bridge import (
    MAIN,
    TAP,
    anchor,
    batch,
    coin,
    offered,
    pay,
    root,
    with_evidence,
)
from tests.core.spends import USER_SCRIPT, withdrawal_id
from tests.edge.lobby import (
    INDEXER,
    RELAYER,
    Answered,
    Lobby,
    answered,
    served,
    with_limits,
)
from tests.kernel.room import Running

METHODS = tuple(method.name for method in pb.DESCRIPTOR.services_by_name["KernelService"].methods)
BURN = 60_000_000
AMPLE = with_limits(refusal_burst=1_000_000, request_burst=1_000_000, calls_per_caller=64, calls=64)


@pytest.fixture
def lobby(kernel: Running) -> Iterator[Lobby]:
    with served(kernel.handler.handle, AMPLE) as lobby:
        yield lobby


def told(channel: grpc.Channel, method: str, request: bytes) -> Answered | bytes:
    """The response, or how the call ended."""
    rpc: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(f"/{SERVICE}/{method}")
    try:
        return rpc(request, timeout=30)
    except grpc.RpcError as error:
        if not isinstance(error, grpc.Call):
            raise
        return answered(error)


def code_of(answer: Answered | bytes) -> str:
    """`ok`, or the refusal's code; an answer that has none fails the test."""
    if isinstance(answer, bytes):
        return "ok"
    assert answer.code in CATALOGUE, (answer.status, answer.message)
    return answer.code


NOISE = (
    b"\xff" * 10,
    b"\x0a\xff\xff\xff\xff\x0f",  # a field of four gigabytes that is not there
    b"\x0a\x02\xc3\x28",  # not UTF-8
    b"\x0b" * 5_000,  # groups in groups
    b"\x08" + b"\xff" * 9 + b"\x01",  # a number of 64 bits where none belongs
    b"\xf8\x07\x01",  # a field of tomorrow
    bytes(range(256)),
)


@pytest.mark.parametrize("method", METHODS)
def test_noise(lobby: Lobby, method: str) -> None:
    """I send what is no message to each RPC: a crash, a hang or a default would be mine.
    It is refused as malformed, and the next honest call is answered."""
    with lobby.channel(RELAYER) as channel:
        for noise in NOISE:
            answer = told(channel, method, noise)
            assert code_of(answer) == "request-malformed"
            assert isinstance(answer, Answered)
            assert answer.status is grpc.StatusCode.INVALID_ARGUMENT
        assert code_of(told(channel, "GetInfo", b"")) == "ok"


@pytest.mark.parametrize("method", METHODS)
def test_every_rpc_of_the_contract_is_behind_the_door(lobby: Lobby, method: str) -> None:
    """An RPC that is in the proto and that no role may call is a promise broken in silence.
    The relayer reaches each; an indexer is refused what could sign or build."""
    with lobby.channel(RELAYER) as channel:
        assert code_of(told(channel, method, b"\x0f")) == "request-malformed"
    if method in ("SignPsbt", "ExtractTx") or method.startswith("Construct"):
        with lobby.channel(INDEXER) as channel:
            assert code_of(told(channel, method, b"")) == "role-not-allowed"


NUMBERS: tuple[tuple[str, Message, str], ...] = (
    ("GetVaultAddress", pb.GetVaultAddressRequest(vault_id="peg"), "request-malformed"),
    (
        "GetVaultAddress",
        pb.GetVaultAddressRequest(vault_id="peg", branch=3),  # type: ignore[arg-type]
        "request-malformed",
    ),
    (
        "GetVaultAddress",
        pb.GetVaultAddressRequest(vault_id="peg", branch=-1),  # type: ignore[arg-type]
        "request-malformed",
    ),
    (
        "GetVaultAddress",
        pb.GetVaultAddressRequest(vault_id="peg", branch=t.BRANCH_RECEIVE, index=2**32 - 1),
        "address-index-too-high",
    ),
    (
        "ListVaultAddresses",
        pb.ListVaultAddressesRequest(
            vault_id="peg", branch=t.BRANCH_RECEIVE, start_index=2**32 - 1, count=1_000
        ),
        "address-index-too-high",
    ),
    ("ListCoins", pb.ListCoinsRequest(vault_id="peg", page_size=2**32 - 1), "request-malformed"),
    ("ListCoins", pb.ListCoinsRequest(vault_id="peg", page_token=b"x" * 35), "request-malformed"),
    ("ListWithdrawals", pb.ListWithdrawalsRequest(page_token=b"x"), "request-malformed"),
    ("ExtractTx", pb.ExtractTxRequest(vault_id="peg", psbts=[b"x"] * 10_000), "request-malformed"),
    (
        "ConstructWithdrawalTx",
        pb.ConstructWithdrawalTxRequest(
            vault_id="peg",
            payments=[
                pb.WithdrawalPayment(
                    withdrawal_id=bytes(32),
                    address=address_of(USER_SCRIPT, REGTEST),
                    amount_sat=2**64 - 1,
                )
            ],
            fee_rate_sat_per_kvb=2_000,
        ),
        "amount-out-of-range",
    ),
    (
        "ConstructSweepTx",
        pb.ConstructSweepTxRequest(
            vault_id="peg",
            to_vault_id="tap",
            coins=[offered(coin(0))],
            fee_rate_sat_per_kvb=2**64 - 1,
        ),
        "fee-rate-refused",
    ),
    (
        "ConstructSweepTx",
        pb.ConstructSweepTxRequest(
            vault_id="tap",
            to_vault_id="tap",
            coins=[offered(coin(0, TAP))],
            path_index=2**32 - 1,
            fee_rate_sat_per_kvb=2_000,
        ),
        "path-unknown",
    ),
    (
        "ConstructAnchorTx",
        pb.ConstructAnchorTxRequest(
            vault_id="peg",
            magic=MAIN,
            batch_id=1,
            state_root=bytes(32),
            eth_tx_hash=root(2),
            coins=[offered(coin(0))],
            fee_rate_sat_per_kvb=2_000,
        ),
        "op-return-zero",
    ),
    (
        "VerifyScript",
        pb.VerifyScriptRequest(descriptor="tr(" * 2_000_000),
        "descriptor-checksum",
    ),
)


@pytest.mark.parametrize(("method", "request_message", "code"), NUMBERS)
def test_numbers_at_their_edges(
    lobby: Lobby, method: str, request_message: Message, code: str
) -> None:
    """I send the largest numbers, zero enums, enums of tomorrow, and texts of megabytes: an overflow
    would be a wrong index or amount. Each is refused by the rule that it breaks."""
    with lobby.channel(RELAYER) as channel:
        assert code_of(told(channel, method, request_message.SerializeToString())) == code
        assert code_of(told(channel, "GetInfo", b"")) == "ok"


def raced(lobby: Lobby, requests: list[pb.SignPsbtRequest]) -> list[Answered | bytes]:
    """All at once."""
    with lobby.channel(RELAYER) as channel, ThreadPoolExecutor(len(requests)) as threads:
        raw = [each.SerializeToString() for each in requests]
        return list(threads.map(lambda each: told(channel, "SignPsbt", each), raw))


def test_a_race_for_one_coin(kernel: Running, lobby: Lobby) -> None:
    """Sixteen withdrawals at once, each from the same coin: two decided on the same view would both pin
    it. One writer decides them one after another."""
    requests = [pay(kernel, (coin(0),), ((number, BURN + number),)) for number in range(16)]
    codes = Counter(code_of(each) for each in raced(lobby, requests))
    assert codes == {"ok": 1, "pin-spent-unpaid": 15}


def test_a_race_for_one_withdrawal(kernel: Running, lobby: Lobby) -> None:
    """One withdrawal at once from sixteen coins: sixteen payments, if two were decided together.
    One is pinned, the others are refused."""
    requests = [pay(kernel, (coin(number),), ((1, BURN),)) for number in range(16)]
    codes = Counter(code_of(each) for each in raced(lobby, requests))
    assert codes == {"ok": 1, "withdrawal-pinned": 15}


def test_a_race_for_the_window(kernel: Running, lobby: Lobby) -> None:
    """Sixteen withdrawals of a bitcoin and more at once under a limit of ten a day: each alone fits.
    Each is decided in the light of those before it."""
    coins = [coin(number, amount=200_000_000) for number in range(16)]
    requests = [
        pay(kernel, (each,), ((number, 110_000_000 + number),)) for number, each in enumerate(coins)
    ]
    codes = Counter(code_of(each) for each in raced(lobby, requests))
    assert codes == {"ok": 9, "outflow-exceeded": 7}


def test_a_race_of_retries(kernel: Running, lobby: Lobby) -> None:
    """The same request sixteen times at once: sixteen entries, or sixteen charges, would empty the
    window. All get the one decision."""
    request = pay(kernel, (coin(0),), ((1, BURN),))
    answers = raced(lobby, [request] * 15 + [with_evidence(request, list(request.attestations))])
    decisions = {
        pb.SignPsbtResponse.FromString(each).decision_id
        for each in answers
        if isinstance(each, bytes)
    }
    assert (len(decisions), [code_of(each) for each in answers]) == (1, ["ok"] * 16)


def test_questions_cost(kernel: Running) -> None:
    """I ask ExplainPsbt again and again and halve the interval until I know the limit.
    Each question costs as much as a refusal, and the budget ends."""
    request = pay(kernel, (coin(0),), ((1, BURN),))
    asked = pb.ExplainPsbtRequest(
        vault_id="peg",
        psbt=request.psbt,
        payments=request.payments,
        attestations=request.attestations,
    )
    few = with_limits(refusal_burst=3, refusals_per_hour=1)
    with served(kernel.handler.handle, few) as lobby, lobby.channel(RELAYER) as channel:
        raw = asked.SerializeToString()
        codes = [code_of(told(channel, "ExplainPsbt", raw)) for _ in range(4)]
        assert codes == ["ok", "ok", "ok", "refusal-budget-exhausted"]


def requests_of_every_kind(kernel: Running) -> dict[str, Message]:
    """One good request for each RPC that reads much."""
    signed = pay(kernel, (coin(0),), ((1, BURN),))
    payment = pb.WithdrawalPayment(
        withdrawal_id=withdrawal_id(4),
        address=address_of(USER_SCRIPT, REGTEST),
        amount_sat=1_000_000,
    )
    return {
        "SignPsbt": signed,
        "ExtractTx": pb.ExtractTxRequest(vault_id="peg", psbts=[signed.psbt]),
        "ConstructWithdrawalTx": pb.ConstructWithdrawalTxRequest(
            vault_id="peg",
            payments=[payment],
            coins=[offered(coin(5)), offered(coin(6))],
            required_inputs=[offered(coin(5)).outpoint],
            fee_rate_sat_per_kvb=2_000,
        ),
        "ConstructSweepTx": pb.ConstructSweepTxRequest(
            vault_id="peg", to_vault_id="tap", coins=[offered(coin(5))], fee_rate_sat_per_kvb=2_000
        ),
        "ValidateOpReturn": pb.ValidateOpReturnRequest(
            vault_id="peg",
            psbt=anchor(kernel, coin(3), batch(1)).psbt,
            expected_anchor=pb.ExpectedAnchor(magic=MAIN, batch_id=1, state_root=root(1)),
        ),
        "VerifyScript": pb.VerifyScriptRequest(
            vault_id="tap",
            expected=[pb.ExpectedScript(branch=t.BRANCH_RECEIVE, index=2, script=b"abc")],
        ),
    }


def spoiled(raw: bytes, chance: random.Random) -> bytes:
    """A few bytes changed, cut out or repeated, anywhere."""
    changed = bytearray(raw)
    for _ in range(chance.choice((1, 1, 2, 4))):
        at = chance.randrange(len(changed))
        act: Callable[[], None] = chance.choice(
            (
                lambda at=at: changed.__setitem__(at, chance.randrange(256)),  # type: ignore[misc]
                lambda at=at: changed.__delitem__(slice(at, at + chance.randrange(1, 9))),  # type: ignore[misc]
                lambda at=at: changed.__setitem__(slice(at, at), changed[at : at + 40]),  # type: ignore[misc]
            )
        )
        act()
        if not changed:
            break
    return bytes(changed)


def test_spoiled_requests_of_every_kind(kernel: Running, lobby: Lobby) -> None:
    """I change bytes of good requests, a thousand times over: one unforeseen exception would tell me
    where to dig. Every answer is a response or a refusal of the catalogue, never a fault."""
    chance, found = random.Random(20_240_607), Counter[str]()
    kinds = {
        name: each.SerializeToString() for name, each in requests_of_every_kind(kernel).items()
    }
    with lobby.channel(RELAYER) as channel:
        for _ in range(600):
            method = chance.choice(sorted(kinds))
            found[code_of(told(channel, method, spoiled(kinds[method], chance)))] += 1
    assert len(found) > 5
    assert found["request-malformed"] > 50
