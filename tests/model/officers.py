"""What officers do to a kernel: pause, confirm, resume, lock, unlock, with texts that come late or again.

1. Their words are kept: a relayer may bring a text long after it was signed, or once more.
2. What a member must do then is in `Stopped`: a text ends only what stands in the entries that it knew of,
   and a text that is on record does nothing again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from google.protobuf.message import Message

from pegwarden.v1 import approval_pb2 as ap
from pegwarden.v1 import control_pb2 as cp
from signer.core.acts import (
    ConfirmPause,
    ControlAct,
    Lock,
    Pause,
    Resume,
    Scope,
    SignedAct,
    Unlock,
)
from tests.kernel.governed import OFFICERS, SECRETARY
from tests.model.past import Stopped
from tests.officers import Officer

if TYPE_CHECKING:
    from tests.model.driver import Driver

HOUR = 3_600
_RPCS: dict[type[ControlAct], tuple[type[Message], type[Message]]] = {
    Pause: (cp.PauseRequest, cp.PauseResponse),
    ConfirmPause: (cp.PauseRequest, cp.PauseResponse),
    Resume: (cp.ResumeRequest, cp.ResumeResponse),
    Lock: (cp.LockRequest, cp.LockResponse),
    Unlock: (cp.UnlockRequest, cp.UnlockResponse),
}


@dataclass
class Text:
    """What officers signed for a member."""

    name: str
    act: ControlAct
    signed: list[SignedAct]
    is_recorded: bool = False

    @property
    def words(self) -> str:
        """Officers may say the very same twice; then it is recorded once."""
        return self.signed[0].text


def text(
    driver: "Driver",
    name: str,
    act: Callable[[Scope], ControlAct],
    officers: tuple[Officer, ...] = OFFICERS[:2],
) -> Text:
    """About the member's journal as it is now."""
    said = driver.call(name, cp.GetStatusRequest(), cp.GetStatusResponse)
    assert isinstance(said, cp.GetStatusResponse)
    made = act(Scope(log_key=said.log_key, epoch=said.epoch, size=said.entries))
    words = officers[0].says(made, driver.now + HOUR).text
    return Text(name, made, [each.sign(words) for each in officers])


def bring(driver: "Driver", brought: Text) -> str:
    """The code with which the member refuses; empty where it is on record now."""
    asked, answered = _RPCS[type(brought.act)]
    request = asked(
        acts=[
            ap.OfficerAct(text=each.text, officer_key=each.officer, signature=each.signature)
            for each in brought.signed
        ]
    )
    answer = driver.call(brought.name, request, answered, SECRETARY)
    if isinstance(answer, str):
        return answer
    driver.tally[type(brought.act).__name__] += 1
    same = [
        each for each in driver.texts if each.words == brought.words and each.name == brought.name
    ]
    if not any(each.is_recorded for each in (brought, *same)) and brought.name != driver.liar:
        brought.is_recorded = True
        _note(driver, brought, answer.decision_ids[0])  # type: ignore[attr-defined]
    return ""


def _note(driver: "Driver", brought: Text, decision: bytes) -> None:
    stopped = driver.past.stopped.setdefault(brought.name, Stopped())
    act, size = brought.act, brought.act.scope.size
    with driver.running[brought.name].journal.reading() as reading:
        entry = reading.number_of(decision) or 0
    match act:
        case Pause(until=until):
            stopped.pauses.append((until, entry))
        case ConfirmPause():
            stopped.confirmed = entry
        case Resume():
            stopped.resume(size)
        case Lock():
            stopped.locked = entry
        case Unlock():
            stopped.unlock(size)


def let_go_on(driver: "Driver", name: str) -> None:
    """The quorum ends what stops the kernel."""
    said = driver.call(name, cp.GetStatusRequest(), cp.GetStatusResponse)
    assert isinstance(said, cp.GetStatusResponse)
    if said.state == "paused" or said.pause_confirmed or any(each.lives for each in said.pauses):
        bring(driver, text(driver, name, Resume))
    if said.state in ("locked", "shut"):
        now = driver.now
        bring(driver, text(driver, name, lambda scope: Unlock(scope, now)))


# --- steps


def command(driver: "Driver") -> None:
    """Officers say something about a member; sometimes nobody brings it yet."""
    name, now = driver.random.choice(sorted(driver.running)), driver.now
    until = now + driver.random.choice((100, 700, 4_000))
    act = driver.random.choice(
        (
            lambda scope: Pause(scope, until),
            ConfirmPause,
            Resume,
            Resume,
            Lock,
            lambda scope: Unlock(scope, now),
            lambda scope: Unlock(scope, now),
        )
    )
    made = text(driver, name, act)
    if isinstance(made.act, Pause):
        del made.signed[driver.random.choice((0, 1))]
    driver.texts.append(made)
    if driver.random.random() < 0.7:
        bring(driver, made)


def bring_late(driver: "Driver") -> None:
    """A text of before, whether or not it was brought then."""
    running = [each for each in driver.texts if each.name in driver.running]
    if running:
        bring(driver, driver.random.choice(running))


def let_all_go_on(driver: "Driver") -> None:
    """Who is stopped is let go on, so that lives do not stand still."""
    for name in sorted(driver.running):
        if name in driver.past.stopped or driver.running[name].journal.stopped_by():
            let_go_on(driver, name)
