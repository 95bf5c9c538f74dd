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
WATCH, LIST_ENTRIES = "Watch", "ListEntries"
"""The RPCs that are answered by a stream."""
SUBMIT_HEADERS = "SubmitHeaders"
"""The RPC that is a stream both ways."""
STREAMED = frozenset({WATCH, LIST_ENTRIES, SUBMIT_HEADERS})
GET_STATUS = "GetStatus"
"""What health and the heartbeat ask."""
WITNESS = "Witness"
"""What carries entries of other members: a message of it holds a whole request, and more."""
EDGE = "edge"
"""What the edge itself is called: it may ask GET_STATUS, and nothing else."""
KERNEL_SERVICE, AUDIT_SERVICE = "pegwarden.v1.KernelService", "pegwarden.v1.AuditService"
CONTROL_SERVICE = "pegwarden.v1.ControlService"
HEADER_CHAIN_SERVICE = "pegwarden.v1.HeaderChainService"
_HEALTH_PATH = "/grpc.health.v1.Health/Check"

_EVERYBODY = frozenset(Role)
_RELAYER, _INDEXER = Role.RELAYER, Role.INDEXER
_OFFICER, _AUDITOR, _OPERATOR = Role.OFFICER, Role.AUDITOR, Role.OPERATOR
_CONTROLLERS = frozenset({_OFFICER, _OPERATOR})
_READERS = frozenset({_RELAYER, _OFFICER, _AUDITOR, _OPERATOR})
_FEEDERS = frozenset({_RELAYER, _INDEXER})
_LOG_READERS = frozenset({_AUDITOR, _OPERATOR, Role.WITNESS})

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
    CONTROL_SERVICE: {
        GET_STATUS: _EVERYBODY,
        "Pause": _CONTROLLERS,
        "Resume": _CONTROLLERS,
        "Lock": _CONTROLLERS,
        "Unlock": _CONTROLLERS,
        "NewEpoch": _CONTROLLERS,
        "ReleaseWithdrawal": _CONTROLLERS | {_RELAYER},
    },
    "pegwarden.v1.PolicyService": {
        "ProposePolicy": frozenset({_OFFICER, _OPERATOR}),
        "ApprovePolicy": frozenset({_OFFICER, _OPERATOR}),
        "GetPolicy": _READERS - {_RELAYER},
        "ListPolicies": _READERS,
    },
    HEADER_CHAIN_SERVICE: {
        SUBMIT_HEADERS: _FEEDERS,
        "GetTip": _READERS | {_INDEXER},
        "GetHeader": _READERS | {_INDEXER},
        "VerifyTxProof": _READERS | {_INDEXER},
        "VerifyDeposit": _READERS | {_INDEXER},
        "AttestDeposit": _FEEDERS,
    },
    AUDIT_SERVICE: {
        LIST_ENTRIES: _LOG_READERS,
        "GetHead": _LOG_READERS,
        "ProveInclusion": _LOG_READERS,
        "ProveConsistency": _LOG_READERS,
        WITNESS: frozenset({_OPERATOR, Role.WITNESS}),
    },
}
"""Service -> RPC name -> the roles of which a caller must have one."""

ROLES: Mapping[str, frozenset[Role]] = {
    method: roles for methods in SERVICES.values() for method, roles in methods.items()
} | {HEALTH_CHECK: _EVERYBODY}
"""RPC name -> roles. No two services have an RPC of one name."""

UNBLOCKED = frozenset({*SERVICES[AUDIT_SERVICE], *SERVICES[CONTROL_SERVICE]})
"""The RPCs with threads of their own: calls of SignPsbt that wait for grants must not keep these out.
Headers are not among them: they can wait, and whoever brings many must not keep out who locks."""

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
