"""Why a kernel is not ready, in sentences for its operator: what GetInfo, GetStatus, health and alerts tell.

1. What stops this process: an old copy, a stepped clock, a start that waits for other members.
2. What stops the kernel by the record: a lock or a pause.
3. What failed: the journal's disk or database, the head file.
4. Effective time and the machine's clock have drifted apart since the start. This stops nothing: time goes
   on by the boot clock, and attestations made by right clocks fit less and less.
"""

from collections.abc import Callable, Iterator

from signer.clock import MAX_DIFFERENCE
from signer.core.control import control_objections
from signer.journal.journal import Journal
from signer.ports.machine import MachineClock


def readiness_of(journal: Journal, clock: MachineClock) -> Callable[[], tuple[str, ...]]:
    """Asks why the kernel is not ready; nothing when it is."""
    return lambda: tuple(_reasons(journal, clock))


def _reasons(journal: Journal, clock: MachineClock) -> Iterator[str]:
    stopped = journal.stopped_by()
    for each in stopped:  # 1
        seen = "; ".join(filter(None, (each.observed, each.limit)))
        yield f"{each.code}: {each.detail}" + (f" ({seen})" if seen else "")
    with journal.reading() as view:
        now, said = view.now(), tuple(control_objections(view.control(), view.now()))
    for each in said:  # 2
        yield f"{each.code}: {each.detail} {each.limit}".rstrip()
    yield from journal.failures()  # 3
    ahead = now - clock.wall()
    if abs(ahead) > MAX_DIFFERENCE and not stopped:  # 4
        where = "ahead of" if ahead > 0 else "behind"
        yield (
            f"effective time is {abs(ahead)} s {where} this machine's clock (limit {MAX_DIFFERENCE} s): "
            "set the clock right, then restart"
        )
