"""Invariants of generated sane miniscripts, of each trial one expression:

1. It is sane. Its text is read back as itself; its script as an expression with the same script, type and
   sizes (`and_v(and_v(X,Y),Z)` and `and_v(X,and_v(Y,Z))` have one script).
2. Of each tenth that is spent: consensus and our standardness rules accept the witness, and it is not larger
   than predicted. (Those that lack a signature have no witness; they are not counted.)
3. Five other witnesses that somebody without keys could write for it are refused by one or the other.
"""

from collections.abc import Iterator
from itertools import islice
from random import Random

from signer.bitcoin.miniscript.decode import decode_script
from signer.bitcoin.miniscript.encode import script_bytes
from signer.bitcoin.miniscript.model import Context
from signer.bitcoin.miniscript.parse import parse_miniscript
from signer.bitcoin.miniscript.sane import analyze, insanities
from signer.bitcoin.miniscript.text import format_miniscript
from signer.bitcoin.miniscript.witness_size import Terms, witness_size
from tests.bitcoin.miniscript.every_witness import size_of
from tests.bitcoin.miniscript.generator import Generated, generate
from tests.bitcoin.miniscript.malleation import alterations
from tests.bitcoin.miniscript.spending import (
    AFTER,
    OLDER,
    Coin,
    Spend,
    consensus_accepts,
    spend,
    standard_for_us,
)

FULL = 20_000
SPENT = 10
"""Of so many expressions one is spent."""
ALTERED = 5
"""So many other witnesses of each spend."""
SIGNATURE_SIZE = {Context.P2WSH: 72, Context.TAPSCRIPT: 64}


def run(n: int, seed: int) -> list[str]:
    """What breaks an invariant: n round trips, n / 10 spends, n / 2 alterations."""
    random, violations = Random(seed), []
    for _ in range(n):
        generated = generate(random, random.choice(list(Context)))
        if not round_trips(generated):
            violations.append(f"round trip of {text_of(generated)}")
    for each in islice(spends(random), n // SPENT):
        violations += broken(each, random)
    return violations


def text_of(generated: Generated) -> str:
    """With its keys in hexadecimal."""
    return format_miniscript(generated.script, [key.hex() for key in generated.keys])


def round_trips(generated: Generated) -> bool:
    """Invariant 1."""
    script, keys = generated.script, generated.keys
    if insanities(script, keys):
        return False
    text = text_of(generated)
    read = parse_miniscript(text, script.context)
    if read.script != script or read.keys != tuple(key.hex() for key in keys):
        return False
    written = script_bytes(script, keys)
    decoded = decode_script(written, script.context)
    if script_bytes(decoded.script, decoded.keys) != written:
        return False
    return analyze(decoded.script) == analyze(script)


def spends(random: Random) -> Iterator[Spend]:
    """Without end: complete ones, in both contexts, under many locks."""
    while True:
        generated = generate(random, random.choice(list(Context)))
        found = spend(Coin(generated), random.choice(OLDER), random.choice(AFTER), random)
        if found.items is not None:
            yield found


def broken(each: Spend, random: Random) -> list[str]:
    """Invariants 2 and 3."""
    about = f"{text_of(each.coin.generated)} older {each.assets.older} after {each.assets.after}"
    violations = [] if within_prediction(each) else [f"size of {about}"]
    if not taken(each, each.witness):
        violations.append(f"witness of {about}")
    for witness in islice(alterations(each, random), ALTERED):
        if taken(each, witness):
            violations.append(f"{about}: not only {_hex(each.witness)} but {_hex(witness)}")
    return violations


def within_prediction(each: Spend) -> bool:
    """Whether the items are not larger than the size that was promised."""
    script = each.coin.generated.script
    terms = Terms(each.assets.older, each.assets.after)
    most = witness_size(script, terms, SIGNATURE_SIZE[script.context])
    return each.items is not None and most is not None and size_of(each.items) <= most


def taken(each: Spend, witness: tuple[bytes, ...]) -> bool:
    """Whether consensus and our standardness rules both accept it."""
    transaction, prevout = each.with_witness(witness), each.coin.prevout
    return consensus_accepts(transaction, prevout) and standard_for_us(transaction, prevout)


def _hex(witness: tuple[bytes, ...]) -> str:
    return " ".join(item.hex() or "-" for item in witness)
