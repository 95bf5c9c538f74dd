"""What Watch tells of acts about the kernel as a whole."""

from signer.core.acts import (
    ConfirmPause,
    ControlAct,
    Lock,
    NewEpoch,
    Pause,
    ReleaseWithdrawal,
    Resume,
    Unlock,
)
from signer.core.moments import format_time


def control_told(officer: str, act: ControlAct) -> tuple[str, str, bytes]:
    """(what, in English, withdrawal id or nothing)."""
    match act:
        case Pause(until=until):
            return "paused", f"{officer} pauses the kernel until {format_time(until)}", b""
        case ConfirmPause():
            return "paused", f"{officer} confirms the pause", b""
        case Resume():
            return "resumed", f"{officer} ends the pauses", b""
        case Lock():
            return "locked", f"{officer} locks the kernel", b""
        case Unlock(moment=moment):
            return "unlocked", f"{officer} unlocks the kernel at {format_time(moment)}", b""
        case NewEpoch(scope=scope):
            return "epoch", f"{officer} opens epoch {scope.epoch + 1} of the journal", b""
        case ReleaseWithdrawal(withdrawal_id=withdrawal_id):
            said = f"consents to the release of withdrawal {withdrawal_id.hex()}"
            return "released", f"{officer} {said}", withdrawal_id
