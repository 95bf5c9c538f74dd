"""Other implementations of miniscript: btclib-wallet in this process, bdk in one of its own."""

import json
import subprocess
import sys
from collections.abc import Sequence

from btclib_wallet.descriptors import miniscript as btclib
from btclib_wallet.descriptors.key_expression import KeyExpression

from signer.bitcoin.miniscript.model import WRAPPERS, Context, Miniscript, Node

CONTEXTS = {Context.P2WSH: btclib.P2WSH, Context.TAPSCRIPT: btclib.TAPSCRIPT}


def btclibs(script: Miniscript, keys: Sequence[bytes]) -> btclib.Miniscript:
    """The same expression as btclib builds it from its parts; without properties if it is ill-typed."""

    def step(node: Node, subs: Sequence[btclib.Miniscript]) -> btclib.Miniscript:
        colon = ":" if node.fragment in WRAPPERS else ""
        return btclib.Miniscript(
            fragment=node.fragment.value + colon,
            context=CONTEXTS[script.context],
            subs=tuple(subs),
            keys=tuple(_key(keys[place]) for place in node.places),
            threshold=node.number,
            data=node.digest,
        )

    return script.fold(step)


def _key(key: bytes) -> KeyExpression:
    if len(key) == 32:
        return KeyExpression(pub_key=b"\x02" + key, x_only=True)
    return KeyExpression(pub_key=key)


def read_by_btclib(text: str, context: Context) -> btclib.Miniscript | None:
    """None if it is no valid script for btclib."""
    try:
        return btclib.parse(text, CONTEXTS[context])
    except ValueError:  # its own, or of the library that reads its keys
        return None


BDK = """
import json, sys
import bdkpython as bdk
for line in sys.stdin:
    try:
        bdk.Descriptor(json.loads(line), bdk.NetworkKind.TEST).sanity_check()
        print("sane", flush=True)
    except bdk.DescriptorError as error:
        print("refused", type(error).__name__, error, flush=True)
"""


def sane_for_bdk(descriptors: Sequence[str]) -> list[bool]:
    """Whether each is. bdk aborts its process on some texts, so it has one."""
    lines = "".join(json.dumps(each) + "\n" for each in descriptors)
    done = subprocess.run(
        [sys.executable, "-c", BDK], input=lines, capture_output=True, text=True, check=True
    )
    answers = done.stdout.splitlines()
    assert len(answers) == len(descriptors), done.stderr
    return [answer == "sane" for answer in answers]
