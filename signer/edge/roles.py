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

_EVERYBODY = frozenset(Role)
_RELAYER, _INDEXER = Role.RELAYER, Role.INDEXER
_OFFICER, _AUDITOR, _OPERATOR = Role.OFFICER, Role.AUDITOR, Role.OPERATOR

ROLES: Mapping[str, frozenset[Role]] = {
    HEALTH_CHECK: _EVERYBODY,
    "GetInfo": _EVERYBODY,
    "GetVaultAddress": frozenset({_RELAYER, _INDEXER, _AUDITOR, _OPERATOR}),
    "ListVaultAddresses": frozenset({_RELAYER, _INDEXER, _AUDITOR, _OPERATOR}),
    "GenerateDepositPsbt": frozenset({_RELAYER, _INDEXER}),
    "ConstructWithdrawalTx": frozenset({_RELAYER}),
    "ConstructAnchorTx": frozenset({_RELAYER}),
    "ConstructSweepTx": frozenset({_RELAYER}),
    "SignPsbt": frozenset({_RELAYER}),
    "ExplainPsbt": frozenset({_RELAYER, _OFFICER, _AUDITOR}),
    "ListCoins": frozenset({_RELAYER, _INDEXER, _OFFICER, _AUDITOR, _OPERATOR}),
    "GetWithdrawal": frozenset({_RELAYER, _INDEXER, _OFFICER, _AUDITOR, _OPERATOR}),
    "ListWithdrawals": frozenset({_RELAYER, _INDEXER, _OFFICER, _AUDITOR, _OPERATOR}),
    "ExtractTx": frozenset({_RELAYER}),
    "ValidateOpReturn": frozenset({_RELAYER, _INDEXER, _AUDITOR}),
    "VerifyScript": frozenset({_RELAYER, _INDEXER, _OFFICER, _AUDITOR, _OPERATOR}),
}
"""RPC name -> the roles of which a caller must have one."""


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
