"""Who may call what: the one table of roles (docs/integrate.md shows it).

Rule 1: a method without a row is open to nobody.
Rule 2: asked before the message is read. Whoever proposes a transaction cannot change a policy; whoever
        audits cannot sign.
"""

from collections.abc import Mapping

from signer.core.caller import Caller, Role
from signer.core.errors import Objection, Unauthorized

HEALTH_CHECK = "HealthCheck"
"""grpc.health.v1.Health/Check, by the name it has here."""
WATCH = "Watch"
"""The RPC that is answered by a stream."""
KERNEL_SERVICE = "pegwarden.v1.KernelService"
_HEALTH_PATH = "/grpc.health.v1.Health/Check"

_EVERYBODY = frozenset(Role)
_RELAYER, _INDEXER = Role.RELAYER, Role.INDEXER
_OFFICER, _AUDITOR, _OPERATOR = Role.OFFICER, Role.AUDITOR, Role.OPERATOR
_READERS = frozenset({_RELAYER, _OFFICER, _AUDITOR, _OPERATOR})

SERVICES: Mapping[str, Mapping[str, frozenset[Role]]] = {
    KERNEL_SERVICE: {
        "GetInfo": _EVERYBODY,
        "GetVaultAddress": frozenset({_RELAYER, _INDEXER, _AUDITOR, _OPERATOR}),
        "ListVaultAddresses": frozenset({_RELAYER, _INDEXER, _AUDITOR, _OPERATOR}),
        "GenerateDepositPsbt": frozenset({_RELAYER, _INDEXER}),
        "ConstructWithdrawalTx": frozenset({_RELAYER}),
        "ConstructAnchorTx": frozenset({_RELAYER}),
        "ConstructSweepTx": frozenset({_RELAYER}),
        "SignPsbt": frozenset({_RELAYER}),
        "ExplainPsbt": frozenset({_RELAYER, _OFFICER, _AUDITOR}),
        "ListCoins": _READERS | {_INDEXER},
        "GetWithdrawal": _READERS | {_INDEXER},
        "ListWithdrawals": _READERS | {_INDEXER},
        "ExtractTx": frozenset({_RELAYER}),
        "ValidateOpReturn": frozenset({_RELAYER, _INDEXER, _AUDITOR}),
        "VerifyScript": _READERS | {_INDEXER},
    },
    "pegwarden.v1.ApprovalService": {
        "ProposeWithdrawals": frozenset({_RELAYER}),
        "ListPending": _READERS,
        "GetPacket": frozenset({_RELAYER, _OFFICER}),
        "SubmitApproval": frozenset({_RELAYER, _OFFICER}),
        "RejectWithdrawal": frozenset({_OFFICER}),
        "Hold": frozenset({_OFFICER}),
        WATCH: _READERS,
    },
    "pegwarden.v1.PolicyService": {
        "ProposePolicy": frozenset({_OFFICER, _OPERATOR}),
        "ApprovePolicy": frozenset({_OFFICER, _OPERATOR}),
        "GetPolicy": _READERS - {_RELAYER},
        "ListPolicies": _READERS,
    },
}
"""Service -> RPC name -> the roles of which a caller must have one."""

ROLES: Mapping[str, frozenset[Role]] = {
    method: roles for methods in SERVICES.values() for method, roles in methods.items()
} | {HEALTH_CHECK: _EVERYBODY}
"""RPC name -> roles. No two services have an RPC of one name."""

PATHS: Mapping[str, str] = {
    f"/{service}/{method}": method for service, methods in SERVICES.items() for method in methods
} | {_HEALTH_PATH: HEALTH_CHECK}
"""gRPC path -> RPC name."""


def require_role(caller: Caller, method: str) -> None:
    """Raises Unauthorized `role-not-allowed`."""
    allowed = ROLES.get(method, frozenset())
    if caller.roles.isdisjoint(allowed):
        raise Unauthorized(
            Objection(
                "role-not-allowed",
                f"{caller.name} may not call {method}",
                _names(caller.roles),
                _names(allowed),
            )
        )


def _names(roles: frozenset[Role]) -> str:
    return ", ".join(sorted(roles)) or "none"
