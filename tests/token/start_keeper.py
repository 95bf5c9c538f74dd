"""A keeper as `pegwarden keeper` starts one: hardened, PIN from a descriptor, then the kernel's socket.

Arguments: module, label, socket, descriptor, `serving` or `making`. Status 78: never again without a human.
"""

import os
import sys
from pathlib import Path

from keystore.passphrase import passphrase_from_descriptor
from keystore.token.keeper import NOT_AGAIN, Keeper, KernelPlace, TokenPlace, keep, log_in
from keystore.token.questions import MAKING, SERVING
from signer.core.errors import Refusal
from signer.room.memory import harden

NOT_AGAIN_STATUS = 78


def main(module: str, label: str, kernel: str, descriptor: str, offers: str) -> int:
    harden()
    try:
        token, _ = log_in(TokenPlace(module, label), passphrase_from_descriptor(int(descriptor)))
    except Refusal as refusal:
        print(refusal, file=sys.stderr)
        return NOT_AGAIN_STATUS if refusal.code in NOT_AGAIN else 1
    place = KernelPlace(Path(kernel), os.getuid())
    keep(Keeper(token, SERVING if offers == "serving" else MAKING), place)
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
