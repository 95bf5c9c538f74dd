"""A process of `serve` ends with it, also where that was killed and could end nothing."""

import os
import signal

from signer.core.errors import Fault
from signer.room.system import PR_SET_PDEATHSIG, process_control


def end_with(parent: int | None) -> None:
    """SIGTERM when that process ends; None: nobody's. Raises Fault where it has ended already."""
    if parent is None:
        return
    process_control(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        raise Fault("the process that started this one has ended")
