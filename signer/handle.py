"""The one narrow call behind the edge: handle(method, caller, request bytes) -> response bytes.

Rule 1: every RPC stands in `Handler.methods`, and only there.
Rule 2: what goes out is a response, a Refusal with a code of the catalogue, or a Fault; anything
        unexpected is a Fault, and then nothing was signed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from google.protobuf.message import Message

from signer.bitcoin.errors import Malformed
from signer.consensus import ConsensusGate
from signer.core.caller import Caller
from signer.core.errors import Fault, MalformedRequest, Refusal, malformed
from signer.kernel import Kernel
from signer.methods import (
    addresses,
    approvals,
    audit,
    chain,
    construction,
    control,
    deposits,
    finishing,
    op_return,
    policies,
    proofs,
    records,
    releases,
    scripts,
    signing,
    watch,
    witness,
)
from signer.ports.header_feed import HeaderFeed

Method = Callable[[Kernel, Caller, bytes], Message]


@dataclass(frozen=True)
class Handler:
    """A kernel with its methods."""

    kernel: Kernel
    gate: ConsensusGate
    headers: HeaderFeed | None = None
    """What takes headers; None where the configuration names no chain."""

    @cached_property
    def methods(self) -> Mapping[str, Method]:
        """RPC name -> method."""
        return {
            "GetInfo": records.get_info,
            "GetVaultAddress": addresses.get_vault_address,
            "ListVaultAddresses": addresses.list_vault_addresses,
            "GenerateDepositPsbt": construction.generate_deposit_psbt,
            "ConstructWithdrawalTx": construction.construct_withdrawal_tx,
            "ConstructAnchorTx": construction.construct_anchor_tx,
            "ConstructSweepTx": construction.construct_sweep_tx,
            "SignPsbt": signing.sign_psbt,
            "ExplainPsbt": signing.explain_psbt,
            "ListCoins": records.list_coins,
            "GetWithdrawal": records.get_withdrawal,
            "ListWithdrawals": records.list_withdrawals,
            "ExtractTx": finishing.extract_tx(self.gate),
            "ValidateOpReturn": op_return.validate_op_return,
            "VerifyScript": scripts.verify_script,
            "ProposeWithdrawals": approvals.propose_withdrawals,
            "ListPending": approvals.list_pending,
            "GetPacket": approvals.get_packet,
            "SubmitApproval": approvals.submit_approval,
            "RejectWithdrawal": approvals.reject_withdrawal,
            "Hold": approvals.hold,
            "Watch": watch.watch,
            "ListEntries": audit.list_entries,
            "GetHead": audit.get_head,
            "ProveInclusion": audit.prove_entry,
            "ProveConsistency": audit.prove_growth,
            "Witness": witness.witness,
            "GetStatus": control.get_status,
            "Pause": control.pause,
            "Resume": control.resume,
            "Lock": control.lock,
            "Unlock": control.unlock,
            "NewEpoch": control.new_epoch,
            "ProposePolicy": policies.propose_policy,
            "ApprovePolicy": policies.approve_policy,
            "GetPolicy": policies.get_policy,
            "ListPolicies": policies.list_policies,
            "ReleaseWithdrawal": releases.release_withdrawal,
            "VerifyTxProof": proofs.verify_tx_proof,
            "VerifyDeposit": deposits.verify_deposit,
            "AttestDeposit": deposits.attest,
            "SubmitHeaders": chain.submit_headers(self.headers),
            "GetTip": chain.get_tip,
            "GetHeader": chain.get_header,
        }

    def handle(self, method: str, caller: Caller, request: bytes) -> bytes:
        """The response's bytes. Raises Refusal or Fault, nothing else."""
        try:
            answer = self.methods.get(method, _unknown)(self.kernel, caller, request)
            return answer.SerializeToString()
        except Malformed as error:
            self.kernel.journal.count(caller.name, error.code)
            raise malformed(error.code, error.detail) from error
        except MalformedRequest as refusal:
            self.kernel.journal.count(caller.name, refusal.code)
            raise
        except (Refusal, Fault):
            raise
        except Exception as error:
            raise Fault(f"{method}: {type(error).__name__}") from error


def _unknown(_: Kernel, __: Caller, ___: bytes) -> Message:
    raise malformed("method-unknown", "no such method")
