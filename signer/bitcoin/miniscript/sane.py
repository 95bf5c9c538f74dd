"""Whether a Miniscript is safe to receive coins (BIP-379, "Sane").

1. Well-typed: the whole has type B. Nothing else is analysed.
2. Valid: its script is not too large ever to be spent.
3. Sane: every satisfaction needs a signature, none can be altered by others, none needs locks of different
   units, no key stands twice, and the limits of consensus and standardness allow each of them.
4. What nothing satisfies is sane by rule 3, but receives no coins: `verify_sane` refuses it.
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

from signer.bitcoin.errors import Malformed
from signer.bitcoin.miniscript.limits import sizes_of, spendable_size, within_limits
from signer.bitcoin.miniscript.model import Miniscript
from signer.bitcoin.miniscript.types import Type, verify_top_level


@dataclass(frozen=True, slots=True)
class Analysis:
    """What is true of a well-typed script, whatever its keys."""

    type: Type
    script_size: int
    ops: int
    stack: int
    exec_stack: int
    max_witness_size: int
    """Of its items, each with its length; Core's bound."""
    nonmalleable: bool
    """Nobody without keys can alter a satisfaction."""
    needs_signature: bool
    """Every satisfaction has one."""
    timelock_mix: bool
    """Some satisfaction needs a height and a time; there can never be one."""
    valid: bool
    """Rule 2."""
    within_limits: bool
    """Valid, and no satisfaction takes more operations or items than are allowed."""


def analyze(script: Miniscript) -> Analysis:
    """All about it. Raises Malformed `miniscript-type`."""
    kind, sizes = verify_top_level(script), sizes_of(script)
    return Analysis(
        type=kind,
        script_size=sizes.script,
        ops=sizes.ops,
        stack=sizes.stack,
        exec_stack=sizes.exec_stack,
        max_witness_size=sizes.witness,
        nonmalleable=kind.has("m"),
        needs_signature=kind.has("s"),
        timelock_mix=not kind.has("k"),
        valid=spendable_size(script.context, sizes),
        within_limits=within_limits(script.context, sizes),
    )


def insanities(script: Miniscript, keys: Sequence[Hashable]) -> tuple[str, ...]:
    """The codes of what keeps it from being sane; none if it is. Keys are by place, equal ones are one key.

    Raises Malformed `miniscript-type`.
    """
    return tuple(error.code for error in _insanities(script, analyze(script), keys))


def verify_sane(script: Miniscript, keys: Sequence[Hashable]) -> Analysis:
    """All about a sane script that can be satisfied. Keys are by place, equal ones are one key.

    Raises Malformed `miniscript-type`, and the first of `miniscript-malleable`,
    `miniscript-without-signature`, `miniscript-timelock-mix`, `miniscript-key-repeated`,
    `miniscript-resource-limits`, `miniscript-unsatisfiable`.
    """
    analysis = analyze(script)
    for error in _insanities(script, analysis, keys):
        raise error
    if analysis.stack == 0:  # every satisfaction would have a signature
        raise Malformed("miniscript-unsatisfiable", "nothing satisfies the script")
    return analysis


def _insanities(
    script: Miniscript, analysis: Analysis, keys: Sequence[Hashable]
) -> Iterator[Malformed]:
    if not analysis.nonmalleable:
        yield Malformed("miniscript-malleable", "others could alter a witness")
    if not analysis.needs_signature:
        yield Malformed("miniscript-without-signature", "it can be satisfied without a signature")
    if analysis.timelock_mix:
        yield Malformed("miniscript-timelock-mix", "a height and a time are needed together")
    if len({keys[place] for place in script.places}) != len(script.places):
        yield Malformed("miniscript-key-repeated", "a key stands in two places")
    if not analysis.within_limits:
        yield Malformed(
            "miniscript-resource-limits",
            f"{analysis.script_size} bytes, {analysis.ops} operations, {analysis.stack} items of a "
            f"witness, {analysis.exec_stack} items on the stack",
        )
