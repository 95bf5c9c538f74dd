"""Two whole kernels behind mTLS, and a story that a foreign client can play from one JSON file.

The attestors speak beforehand: what they sign (ids, coins, batches, sweeps) does not depend on any PSBT.
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf.json_format import MessageToDict

from pegwarden.v1 import kernel_pb2 as pb
from pegwarden.v1 import types_pb2 as t
from signer.bitcoin.address import address_of
from signer.bitcoin.network import REGTEST
from signer.bitcoin.units import Sats
from signer.cli.certificates import Issued
from signer.core.evidence import AnchorTerms, Statement, SweepTerms
from signer.core.opreturn import Anchor, Deposit, encode_payload
from signer.core.payment import WithdrawalTerms
from tests import federation
from tests.core.spends import NOW, USER_SCRIPT, Coin, previous_transaction, withdrawal_id
from tests.edge import lobby
from tests.kernel.room import Member, Running, construct_request, policy_text

AMOUNT, FEE_RATE = 60_000_000, 2_000
MAGIC, ROOT_HASH, ETH_TX = b"PGWD", bytes([0xA1]) * 32, bytes([0xE7]) * 32
DEPOSIT = Deposit(MAGIC, 31_337, bytes([0xC0]) * 20)
ANCHOR = Anchor(MAGIC, 1, ROOT_HASH, ETH_TX)
COINS = tuple(Coin(index=index, salt=index) for index in range(4))
FOR_WITHDRAWAL, FOR_ANCHOR, FOR_SWEEP = COINS[:1], COINS[1:2], COINS[2:]
POLICY = (
    policy_text()
    + b"""
[[allow]]
spend = "anchor"
from  = "peg"
when  = "and(attested(2, watchers), anchor_extends(), fee_at_most(0.0005 BTC))"

[[allow]]
spend = "sweep"
from  = "peg"
to    = "peg"
when  = "and(attested(2, watchers), fee_at_most(0.0005 BTC))"
"""
)


@dataclass(frozen=True)
class Stage:
    """What the client is given, and what it should find."""

    story: Path
    expected: dict[str, Any]


def _attestation(statements: tuple[Statement, ...], watcher: federation.Watcher) -> t.Attestation:
    said = watcher.attest(federation.vault().realm, NOW + 1_800, *statements)
    message = t.Attestation(
        attestor=said.attestor, expiry_unix=said.expiry, signature=said.signature
    )
    for each in statements:
        match each:
            case WithdrawalTerms():
                message.withdrawals.add(
                    withdrawal_id=each.withdrawal_id,
                    amount_sat=each.amount,
                    script_pubkey=each.script_pubkey,
                )
            case AnchorTerms():
                message.anchors.add(
                    magic=each.magic,
                    previous_batch_id=each.previous_batch,
                    previous_state_root=each.previous_root,
                    batch_id=each.batch,
                    state_root=each.root,
                    eth_tx_hash=each.eth_tx_hash,
                )
            case SweepTerms():
                message.sweeps.add(
                    kind=each.kind,
                    to_vault_fingerprint=each.to_fingerprint,
                    path_index=each.path,
                    max_fee_sat=each.max_fee,
                    nonce=each.nonce,
                )
            case _:
                message.coins.add(
                    outpoint=t.OutPoint(txid=each.outpoint.txid, vout=each.outpoint.vout),
                    amount_sat=each.amount,
                    confirmed_height=each.height,
                    script_pubkey=each.script_pubkey,
                )
    return message


def _attested(statement: Statement, coins: tuple[Coin, ...]) -> list[Any]:
    """Two watchers' words for the statement and the coins."""
    groups: tuple[tuple[Statement, ...], ...] = ((statement,), tuple(coin.terms for coin in coins))
    watchers = federation.WATCHERS[:2]
    return [_json(_attestation(group, each)) for group in groups for each in watchers]


def _json(message: Any) -> Any:
    """Protobuf's own JSON form, with the proto's field names."""
    return MessageToDict(message, preserving_proto_field_name=True)


def _withdrawal() -> pb.ConstructWithdrawalTxRequest:
    return construct_request(FOR_WITHDRAWAL, ((1, AMOUNT),))


def _anchor() -> pb.ConstructAnchorTxRequest:
    return pb.ConstructAnchorTxRequest(
        vault_id="peg",
        magic=ANCHOR.magic,
        batch_id=ANCHOR.batch_id,
        state_root=ANCHOR.state_root,
        eth_tx_hash=ANCHOR.eth_tx_hash,
        coins=construct_request(FOR_ANCHOR).coins,
        change_index=1,
        fee_rate_sat_per_kvb=FEE_RATE,
    )


def _sweep() -> pb.ConstructSweepTxRequest:
    return pb.ConstructSweepTxRequest(
        vault_id="peg",
        to_vault_id="peg",
        index=2,
        coins=construct_request(FOR_SWEEP).coins,
        fee_rate_sat_per_kvb=FEE_RATE,
    )


def _deposit() -> pb.GenerateDepositPsbtRequest:
    user = previous_transaction(USER_SCRIPT, 80_000_000, salt=77)
    return pb.GenerateDepositPsbtRequest(
        vault_id="peg",
        index=5,
        rollup="main",
        l2_chain_id=DEPOSIT.l2_chain_id,
        l2_address=DEPOSIT.l2_address,
        amount_sat=50_000_000,
        utxos=[pb.UserUtxo(previous_tx=user.serialize(), vout=1)],
        change_address=address_of(USER_SCRIPT, REGTEST),
        fee_rate_sat_per_kvb=FEE_RATE,
    )


def _files(folder: Path, name: str, issued: Issued) -> dict[str, str]:
    contents = {
        "ca": lobby.AUTHORITY.issued.certificate_pem,
        "certificate": issued.certificate_pem,
        "key": issued.key_pem,
    }
    for kind, content in contents.items():
        (folder / f"{name}-{kind}.pem").write_bytes(content)
    return {kind: str(folder / f"{name}-{kind}.pem") for kind in contents}


def _story(folder: Path, ports: list[int]) -> dict[str, Any]:
    withdrawal = WithdrawalTerms(withdrawal_id(1), Sats(AMOUNT), USER_SCRIPT)
    anchor = AnchorTerms(MAGIC, 0, bytes(32), 1, ROOT_HASH, ETH_TX)
    fingerprint = federation.vault().fingerprint
    sweep = SweepTerms(1, fingerprint, 0, Sats(50_000), bytes([0x5E]) * 16)
    expected_deposit = pb.ExpectedDeposit(
        magic=MAGIC, l2_chain_id=DEPOSIT.l2_chain_id, l2_address=DEPOSIT.l2_address
    )
    expected_anchor = pb.ExpectedAnchor(
        magic=MAGIC, batch_id=1, state_root=ROOT_HASH, eth_tx_hash=ETH_TX
    )
    return {
        "members": [f"127.0.0.1:{port}" for port in ports],
        "relayer": _files(folder, "relayer", lobby.RELAYER),
        "indexer": _files(folder, "indexer", lobby.INDEXER),
        "stranger": _files(folder, "stranger", lobby.STRANGER),
        "vault_id": "peg",
        "construct_withdrawal": _json(_withdrawal()),
        "construct_anchor": _json(_anchor()),
        "construct_sweep": _json(_sweep()),
        "deposit": _json(_deposit()),
        "expected_deposit": _json(expected_deposit),
        "expected_anchor": _json(expected_anchor),
        "attestations": {
            "withdrawal": _attested(withdrawal, FOR_WITHDRAWAL),
            "anchor": _attested(anchor, FOR_ANCHOR),
            "sweep": _attested(sweep, FOR_SWEEP),
        },
    }


def _refusal(rpc: str, status: str, code: str, disposition: str, **more: Any) -> dict[str, Any]:
    refusal = {
        "rpc": rpc,
        "status": status,
        "reason": code.upper().replace("-", "_"),
        "domain": "pegwarden",
        "code": code,
        "disposition": f"DISPOSITION_{disposition}",
        "objections": [code],
        "recorded": False,
        "has_remedy": True,
    }
    return refusal | more


REFUSALS = [
    _refusal(
        *("SignPsbt", "PERMISSION_DENIED", "coin-unproven", "NEEDS_EVIDENCE"),
        objections=["coin-unproven", "attestation-missing"],
        recorded=True,
    ),
    _refusal("GetWithdrawal", "FAILED_PRECONDITION", "withdrawal-unknown", "REBUILD"),
    _refusal("SignPsbt", "INVALID_ARGUMENT", "psbt-malformed", "REBUILD"),
    _refusal("SignPsbt", "PERMISSION_DENIED", "role-not-allowed", "OPERATOR"),
    _refusal("GetInfo", "PERMISSION_DENIED", "caller-unknown", "OPERATOR"),
]


def _expected(kernel: Running) -> dict[str, Any]:
    """What the same kernels say without a wire between."""
    txids = {}
    for kind, request in (
        ("Withdrawal", _withdrawal()),
        ("Anchor", _anchor()),
        ("Sweep", _sweep()),
    ):
        answer = getattr(pb, f"Construct{kind}TxResponse")
        raw = kernel.call(f"Construct{kind}Tx", request)
        txids[kind.lower()] = answer.FromString(raw).unsigned_txid_display
    settled = {
        kind: {"txid": txid, "complete": True, "alone_complete": False, "alone_missing": inputs}
        for (kind, txid), inputs in zip(txids.items(), (1, 1, 2), strict=True)
    }
    service = pb.DESCRIPTOR.services_by_name["KernelService"]
    script = federation.vault().script(0, 0).script_pubkey
    return {
        "called": sorted(method.name for method in service.methods),
        "ready": True,
        "address": address_of(script, REGTEST),
        "script_type": "p2wsh",
        "deposit": {"valid": True, "matches": True, "payload": encode_payload(DEPOSIT).hex()},
        "withdrawal": settled["withdrawal"],
        "record": {"state": "open", "versions": 1, "listed": 1, "coins": 1},
        "anchor": settled["anchor"] | {"valid": True, "matches": True},
        "sweep": settled["sweep"],
        "refusals": REFUSALS,
    }


@contextmanager
def staged(folder: Path) -> Iterator[Stage]:
    """Two members of the federation that serve, and the story's file."""
    with ExitStack() as stack:
        kernels = [Member(folder / f"member-{n}", n, POLICY).init().start() for n in (0, 1)]
        for kernel in kernels:
            stack.callback(kernel.stop)
        served = [stack.enter_context(lobby.served(each.handler.handle)) for each in kernels]
        story = folder / "story.json"
        story.write_text(json.dumps(_story(folder, [each.port for each in served]), indent=1))
        yield Stage(story, _expected(kernels[0]))
