"""What officers sign: acts, each as one canonical text (design section 5). The one door to all families.

1. A text is UTF-8, lines `key: value` in the order below, each ended by LF, so that what is read is what is
   signed. `read_act` accepts only what `act_text` writes.
2. A text binds the network, its genesis hash (as explorers print it) and what is acted on; `expires` is its
   last line. What stands between is the family's to say: `acts_payments`, `acts_policy`, `acts_control`.
3. `subject_of` names what is acted on without the expiry: what words about one thing are counted by.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from signer.bitcoin.errors import Malformed
from signer.bitcoin.network import Network, network_named
from signer.core.acts_control import (
    CONTROL_ACTS,
    CONTROL_READERS,
    ConfirmPause,
    ControlAct,
    Lock,
    NewEpoch,
    Pause,
    ReleaseWithdrawal,
    Resume,
    Scope,
    Unlock,
    control_lines,
    control_subject,
)
from signer.core.acts_fields import Lines, Values, read_moment
from signer.core.acts_payments import (
    PAYMENT_READERS,
    ApproveMove,
    ApproveWithdrawal,
    HoldDestination,
    HoldWithdrawal,
    LiftHolds,
    PaymentAct,
    RejectWithdrawal,
    move_subject,
    payment_lines,
    payment_subject,
    withdrawal_subject,
)
from signer.core.acts_policy import (
    GENESIS_POLICY,
    MAX_VERSION,
    ApprovePolicy,
    policy_lines,
    policy_subject,
    read_policy_act,
)
from signer.core.moments import format_time

__all__ = [
    "CONTROL_ACTS",
    "GENESIS_POLICY",
    "HEADING",
    "MAX_ACT",
    "MAX_VERSION",
    "Act",
    "ApproveMove",
    "ApprovePolicy",
    "ApproveWithdrawal",
    "ConfirmPause",
    "ControlAct",
    "HoldDestination",
    "HoldWithdrawal",
    "LiftHolds",
    "Lock",
    "NewEpoch",
    "Pause",
    "RejectWithdrawal",
    "ReleaseWithdrawal",
    "Resume",
    "Scope",
    "SignedAct",
    "StatedAct",
    "Unlock",
    "act_text",
    "move_subject",
    "read_act",
    "subject_of",
    "withdrawal_subject",
]

HEADING = "pegwarden officer act, version 1"
MAX_ACT = 4_096
"""Characters of a text; all that are written are ASCII."""

Act = PaymentAct | ApprovePolicy | ControlAct


@dataclass(frozen=True, slots=True)
class SignedAct:
    """A claim: that officer said so. Nothing is proven until `signer.core.officers.verify_act`."""

    text: str
    officer: bytes
    """32-byte x-only key, or an OpenSSH public key blob."""
    signature: bytes
    """64 bytes of BIP-340, or an OpenSSH signature blob."""


@dataclass(frozen=True, slots=True)
class StatedAct:
    """What a text says."""

    act: Act
    network: Network
    expires: int
    """Unix seconds; at this second it no longer counts."""


def act_text(stated: StatedAct) -> str:
    """The canonical text."""
    action, lines = _lines(stated.act, stated.network)
    network = stated.network
    head = [HEADING, f"action: {action}", f"network: {network.name}"]
    genesis = f"genesis: {network.genesis_hash[::-1].hex()}"
    body = [f"{key}: {value}" for key, value in lines]
    return "\n".join((*head, genesis, *body, f"expires: {format_time(stated.expires)}", ""))


def read_act(text: str) -> StatedAct:
    """The inverse of `act_text`. Raises Malformed `act-malformed`."""
    if len(text) > MAX_ACT:
        raise _malformed(f"an officer's text has at most {MAX_ACT} characters")
    value = dict(line.partition(": ")[::2] for line in text.split("\n"))
    try:
        network = network_named(value["network"])
        act = _READERS[value["action"]](value, network)
        stated = StatedAct(act, network, read_moment(value["expires"]))
    except (KeyError, ValueError, Malformed):
        raise _malformed("an officer's text of an unknown or incomplete act") from None
    if act_text(stated) != text:
        raise _malformed("an officer's text that is not in canonical form")
    return stated


def subject_of(act: Act, genesis_hash: bytes) -> bytes:
    """32 bytes: what the act is about."""
    if isinstance(act, ApprovePolicy):
        return policy_subject(act, genesis_hash)
    if isinstance(act, CONTROL_ACTS):
        return control_subject(act, genesis_hash)
    return payment_subject(act, genesis_hash)


def _lines(act: Act, network: Network) -> tuple[str, Lines]:
    if isinstance(act, ApprovePolicy):
        return policy_lines(act)
    if isinstance(act, CONTROL_ACTS):
        return control_lines(act)
    return payment_lines(act, network)


_READERS: Mapping[str, Callable[[Values, Network], Act]] = {
    **PAYMENT_READERS,
    "approve policy": read_policy_act,
    **CONTROL_READERS,
}


def _malformed(detail: str) -> Malformed:
    return Malformed("act-malformed", detail)
