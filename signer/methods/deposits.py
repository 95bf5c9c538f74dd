"""VerifyDeposit and AttestDeposit on the wire."""

from pegwarden.v1 import header_chain_pb2 as pb
from signer import wire, wire_answers
from signer.core.caller import Caller
from signer.core.deposits import DepositFacts, unburied
from signer.core.errors import VerificationError, shown_to
from signer.deposits import WantedDeposit, attest_deposit, find_deposit
from signer.kernel import Kernel
from signer.methods.chain import chain_of, stale
from signer.wire_answers import objection_message
from signer.wire_proofs import burial_message, inclusion_claim, is_on_best_chain


def verify_deposit(kernel: Kernel, caller: Caller, raw: bytes) -> pb.VerifyDepositResponse:
    """What a proven transaction deposits, and how deep; nothing is recorded."""
    wanted = _wanted(wire.decode(pb.VerifyDepositRequest, raw))
    kernel.policy_in_force()  # the address windows as far as the record has moved them
    with kernel.journal.reading() as reading:
        found = find_deposit(kernel, wanted, reading)
        reasons = found.objections()
        if reasons:
            raise VerificationError(*reasons)
        facts, chain = found.facts, chain_of(reading)
        shallow = unburied(chain.burial(facts.block_hash), found.terms.depth)
        stopped = (*kernel.journal.stopped_by(), *stale(chain, reading.now()))
        not_yet = (*stopped, *(() if shallow is None else (shallow,)))
        return pb.VerifyDepositResponse(
            deposit=_facts_message(facts),
            is_on_best_chain=is_on_best_chain(chain, facts),
            burial=burial_message(chain, facts.block_hash),
            needed_blocks=found.terms.depth,
            not_yet=[objection_message(shown_to(caller.roles, each)) for each in not_yet],
        )


def attest(kernel: Kernel, caller: Caller, raw: bytes) -> pb.AttestDepositResponse:
    """This kernel's signature that a deposit is buried as deep as the policy asks."""
    request = wire.decode(pb.AttestDepositRequest, raw)
    attested = attest_deposit(kernel, caller.name, _wanted(request.deposit))
    recorded = attested.recorded
    return pb.AttestDepositResponse(
        deposit=_facts_message(recorded.notice.facts),
        attestation_key=recorded.notice.key,
        signature=attested.signature,
        decision_id=recorded.decision_id,
        head=attested.head,
    )


def _wanted(message: pb.VerifyDepositRequest) -> WantedDeposit:
    return WantedDeposit(
        vault_id=wire.required(message.vault_id, "vault_id"),
        inclusion=inclusion_claim(message.proof),
        vout=message.vout,
        index=message.index,
        previous=tuple(message.previous_txs),
    )


def _facts_message(facts: DepositFacts) -> pb.DepositFacts:
    payload = facts.payload
    return pb.DepositFacts(
        outpoint=wire_answers.outpoint_message(facts.outpoint),
        amount_sat=facts.amount,
        magic=payload.magic,
        l2_chain_id=payload.l2_chain_id,
        l2_address=payload.l2_address,
        block_hash=facts.block_hash,
        height=facts.height,
    )
