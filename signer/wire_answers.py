"""From the domain to protobuf.

1. What leaves was built by us; nothing of a request is echoed but what was verified.
2. Values and limits are for those entitled (`signer.core.errors.shown_to`), in traces as in refusals.
"""

from pegwarden.v1 import kernel_pb2 as pb
from pegwarden.v1 import types_pb2 as t
from signer.bitcoin.address import address_of
from signer.bitcoin.errors import Malformed
from signer.bitcoin.network import Network
from signer.bitcoin.transaction import OutPoint, display
from signer.core.caller import Role
from signer.core.errors import Objection, Pending, sees_all, shown_to
from signer.core.question import TraceLine
from signer.core.receipt import Receipt
from signer.core.spend import VerifiedSpend
from signer.core.stated import Stated
from signer.core.vault import CHANGE, RECEIVE, Vault
from signer.kernel import Kernel
from signer.sign_request import Explanation

_BRANCH_NAMES = {RECEIVE: t.BRANCH_RECEIVE, CHANGE: t.BRANCH_CHANGE}


def outpoint_message(point: OutPoint) -> t.OutPoint:
    """The inverse of `wire.outpoint`."""
    return t.OutPoint(txid=point.txid, vout=point.vout)


def branch_message(place: int) -> t.Branch:
    """The inverse of `wire.branch`."""
    return _BRANCH_NAMES[place]


def custody_message(kernel: Kernel) -> t.Custody:
    """Where its keys are."""
    custody = kernel.custody
    names = {vault.fingerprint: vault.vault_id for vault in kernel.registry.all()}
    return t.Custody(
        processes=custody.processes,
        room_is_closed=custody.room_is_closed,
        keys=[
            t.KeyCustody(vault_id=names[vault], kind=key.kind, has_caps=key.has_caps)
            for vault, key in custody.keys.items()
        ],
    )


def witness_terms(vault: Vault) -> pb.WitnessTerms | None:
    """Whose grants its entries wait for; None without witnesses."""
    if not vault.witnesses.quorum:
        return None
    return pb.WitnessTerms(
        log_keys=vault.witnesses.log_keys,
        quorum=vault.witnesses.quorum,
        start_needs=vault.importers,
    )


def objection_message(objection: Objection) -> t.Objection:
    """One reason, with its values (`shown_to` takes out what its reader may not see)."""
    return t.Objection(
        code=objection.code,
        detail=objection.detail,
        observed=objection.observed,
        limit=objection.limit,
    )


def pending_message(pending: Pending, roles: frozenset[Role]) -> pb.PendingSpend:
    """What is missing, as these roles may see it."""
    return pb.PendingSpend(
        missing=[objection_message(shown_to(roles, each)) for each in pending.missing],
        not_before_unix=pending.not_before or 0,
    )


def trace_message(line: TraceLine, roles: frozenset[Role]) -> pb.TraceLine:
    """One rule's verdict, as these roles may see it: the trace tells no more than a refusal does."""
    return pb.TraceLine(
        rule=line.rule,
        text=line.text if sees_all(roles) else line.brief or line.text,
        passed=line.passed,
        objections=[objection_message(shown_to(roles, each)) for each in line.objections],
        way=line.way,
    )


def explanation_message(explanation: Explanation, roles: frozenset[Role]) -> pb.ExplainPsbtResponse:
    """ExplainPsbt's answer to a caller with these roles."""
    spend = explanation.spend
    outputs = [
        pb.ExplainedOutput(
            vout=vout,
            amount_sat=txout.amount,
            script_pubkey=txout.script_pubkey,
            address=address_text(txout.script_pubkey, spend.vault.network),
            purpose=_purpose(vout, spend),
        )
        for vout, txout in enumerate(spend.transaction.outputs)
    ]
    return pb.ExplainPsbtResponse(
        would_sign=explanation.would_sign,
        on_record=explanation.on_record,
        kind=spend.kind,
        path=spend.path.name,
        fee_sat=spend.fee,
        vsize=spend.vsize,
        outflow_sat=spend.outflow,
        outputs=outputs,
        trace=[trace_message(line, roles) for line in explanation.lines],
        unsigned_txid=spend.transaction.txid,
        unsigned_txid_display=display(spend.transaction.txid),
        would_be_pending=explanation.would_be_pending,
        nearest_changes=explanation.nearest_changes if sees_all(roles) else (),
    )


def _purpose(vout: int, spend: VerifiedSpend) -> str:
    if vout in {payment.vout for payment in spend.payments}:
        return "payment"
    if spend.change is not None and vout == spend.change.vout:
        return "change"
    return "rotation" if spend.rotations else "anchor"


def address_text(script_pubkey: bytes, network: Network) -> str:
    """Empty for what has no address: an OP_RETURN."""
    try:
        return address_of(script_pubkey, network)
    except Malformed:
        return ""


def receipt_message(receipt: Receipt) -> t.Receipt:
    """A receipt as it travels."""
    answer = receipt.answer
    return t.Receipt(
        decision_id=answer.decision_id,
        verdict=answer.verdict,
        request_digest=answer.request_digest,
        txid=answer.txid,
        size=answer.size,
        root=answer.root,
        signature=receipt.signature,
    )


def statement_message(stated: Stated, key: bytes, signature: bytes) -> t.SignedStatement:
    """What the kernel states, signed."""
    return t.SignedStatement(kind=stated.kind, statement_key=key, signature=signature)
