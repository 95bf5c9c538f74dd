"""The type system of Miniscript (BIP-379, "Correctness", "Malleability", "Timelock mixing").

1. A type is one of the bases B, V, K, W with the properties z o n d u (correctness), e f s m
   (malleability) and x (its last opcode has no VERIFY form); g h i j say which locks are in it (relative
   time and height, absolute time and height), k that no way to satisfy it needs two of different units.
2. An expression without a base is not well-typed and no script.
3. Letters stand for bits. `_has(t, "Bdu")`: t has all three.
"""

from collections.abc import Sequence

from signer.bitcoin.errors import Malformed
from signer.bitcoin.miniscript.locks import after_in_time, older_in_time
from signer.bitcoin.miniscript.model import HASHES, Context, Fragment, Miniscript, Node

LETTERS = "BVKWzondufesmxghijk"
_BIT = {letter: 1 << place for place, letter in enumerate(LETTERS)}


def _bits(letters: str) -> int:
    return sum(_BIT[letter] for letter in letters)


_BASES, _LOCKS = _bits("BVKW"), _bits("ghij")
_LEAVES = {
    Fragment.FALSE: _bits("Bzudemsxk"),
    Fragment.TRUE: _bits("Bzufmxk"),
    Fragment.PK_K: _bits("Konudemsxk"),
    Fragment.PK_H: _bits("Knudemsxk"),
    Fragment.MULTI: _bits("Bnudemsk"),
    Fragment.SORTEDMULTI: _bits("Bnudemsk"),
    Fragment.MULTI_A: _bits("Budemsk"),
    Fragment.SORTEDMULTI_A: _bits("Budemsk"),
} | dict.fromkeys(HASHES, _bits("Bonudmk"))
_MIXES = tuple((_BIT[one], _BIT[other]) for one, other in ("gh", "hg", "ij", "ji"))


class Type(int):
    """A set of LETTERS, as bits."""

    def __str__(self) -> str:
        return "".join(letter for letter in LETTERS if self & _BIT[letter])

    def has(self, letters: str) -> bool:
        """Whether it has all of these letters."""
        return _has(self, letters)


def type_of(script: Miniscript) -> Type:
    """The type of the whole. Raises Malformed `miniscript-type` at the first part without one."""

    def step(node: Node, parts: Sequence[int]) -> int:
        kind = _type(node, parts, script.context)
        if not kind & _BASES:
            given = ", ".join(str(Type(part)) for part in parts[:3])
            raise Malformed("miniscript-type", f"{node.fragment} does not take {given}")
        return kind

    return Type(script.fold(step))


def verify_top_level(script: Miniscript) -> Type:
    """The type of a whole script, which is B. Raises Malformed `miniscript-type`."""
    kind = type_of(script)
    if not kind.has("B"):
        raise Malformed("miniscript-type", f"a script has type B, not {kind}")
    return kind


_SETS: dict[str, int] = {}


def _set(letters: str) -> int:
    """The bits of these letters, remembered: there are a few dozen of such strings, all of this file."""
    found = _SETS.get(letters)
    if found is None:
        found = _SETS[letters] = _bits(letters)
    return found


def _has(kind: int, letters: str) -> bool:
    wanted = _set(letters)
    return kind & wanted == wanted


def _if(condition: bool | int, letters: str) -> int:
    return _set(letters) if condition else 0


def _type(node: Node, parts: Sequence[int], context: Context) -> int:
    """The type of a fragment from those of its parts; without a base if they do not fit."""
    fragment = node.fragment
    if fragment in _LEAVES:
        return _LEAVES[fragment]
    if fragment is Fragment.OLDER:
        return _set("Bzfmxkg" if older_in_time(node.number) else "Bzfmxkh")
    if fragment is Fragment.AFTER:
        return _set("Bzfmxki" if after_in_time(node.number) else "Bzfmxkj")
    if fragment is Fragment.THRESH:
        return _thresh(node.number, parts)
    if fragment is Fragment.ANDOR:
        return _andor(*parts)
    if len(parts) == 2:
        return _PAIRS[fragment](*parts)
    return _wrapped(fragment, parts[0], context)


def _wrapped(fragment: Fragment, x: int, context: Context) -> int:
    kept = x & _set("ghijk")
    if fragment is Fragment.WRAP_A:
        return kept | _if(_has(x, "B"), "W") | x & _set("udfems") | _set("x")
    if fragment is Fragment.WRAP_S:
        return kept | _if(_has(x, "Bo"), "W") | x & _set("udfemsx")
    if fragment is Fragment.WRAP_C:
        return kept | _if(_has(x, "K"), "B") | x & _set("ondfem") | _set("us")
    if fragment is Fragment.WRAP_D:
        made = _if(_has(x, "Vz"), "B") | _if(_has(x, "z"), "o") | _if(_has(x, "f"), "e")
        # In P2WSH the branch of IF is taken for any true value: only tapscript has MINIMALIF in consensus.
        minimal = _if(context is Context.TAPSCRIPT, "u")
        return kept | made | x & _set("ms") | _set("ndx") | minimal
    if fragment is Fragment.WRAP_V:
        return kept | _if(_has(x, "B"), "V") | x & _set("zonms") | _set("fx")
    if fragment is Fragment.WRAP_J:
        made = _if(_has(x, "Bn"), "B") | _if(_has(x, "f"), "e")
        return kept | made | x & _set("oums") | _set("ndx")
    return kept | x & _set("Bzondfems") | _set("ux")  # n:


def _locks(x: int, y: int) -> int:
    """Of a conjunction: both locks are needed together."""
    union = x | y
    mixed = any(x & one and y & other for one, other in _MIXES)
    return union & _LOCKS | (0 if mixed else x & y & _set("k"))


def _or_locks(x: int, y: int) -> int:
    return (x | y) & _LOCKS | x & y & _set("k")


def _and_v(x: int, y: int) -> int:
    either, both = x | y, x & y
    return (
        (y & _set("BVK") if _has(x, "V") else 0)
        | x & _set("n")
        | (y & _set("n") if _has(x, "z") else 0)
        | (either & _set("o") if _has(either, "z") else 0)
        | both & _set("dmz")
        | either & _set("s")
        | _if(_has(y, "f") or _has(x, "s"), "f")
        | y & _set("ux")
        | _locks(x, y)
    )


def _and_b(x: int, y: int) -> int:
    either, both = x | y, x & y
    return (
        (x & _set("B") if _has(y, "W") else 0)
        | (either & _set("o") if _has(either, "z") else 0)
        | x & _set("n")
        | (y & _set("n") if _has(x, "z") else 0)
        | (both & _set("e") if _has(both, "s") else 0)
        | both & _set("dzm")
        | _if(_has(both, "f") or _has(x, "sf") or _has(y, "sf"), "f")
        | either & _set("s")
        | _set("ux")
        | _locks(x, y)
    )


def _or_b(x: int, y: int) -> int:
    either, both = x | y, x & y
    return (
        _if(_has(x, "Bd") and _has(y, "Wd"), "B")
        | (either & _set("o") if _has(either, "z") else 0)
        | (both & _set("m") if _has(either, "s") and _has(both, "e") else 0)
        | both & _set("zse")
        | _set("dux")
        | _or_locks(x, y)
    )


def _or_cd(x: int, y: int) -> int:
    """What `or_c` and `or_d` have in common: Y is run only where X was dissatisfied."""
    either, both = x | y, x & y
    return (
        (x & _set("o") if _has(y, "z") else 0)
        | (both & _set("m") if _has(x, "e") and _has(either, "s") else 0)
        | both & _set("zs")
        | _set("x")
        | _or_locks(x, y)
    )


def _or_c(x: int, y: int) -> int:
    return (y & _set("V") if _has(x, "Bdu") else 0) | _set("f") | _or_cd(x, y)


def _or_d(x: int, y: int) -> int:
    return (y & _set("B") if _has(x, "Bdu") else 0) | y & _set("ufde") | _or_cd(x, y)


def _or_i(x: int, y: int) -> int:
    either, both = x | y, x & y
    return (
        both & _set("BVKufs")
        | _if(_has(both, "z"), "o")
        | (either & _set("e") if _has(either, "f") else 0)
        | (both & _set("m") if _has(either, "s") else 0)
        | either & _set("d")
        | _set("x")
        | _or_locks(x, y)
    )


def _andor(x: int, y: int, z: int) -> int:
    then = y & z
    forced = _has(x, "s") or _has(y, "f")
    any_of, all_of = x | y | z, x & y & z
    together = _locks(x, y)
    return (
        (then & _set("BVK") if _has(x, "Bdu") else 0)
        | all_of & _set("z")
        | ((x | then) & _set("o") if _has(x | then, "z") else 0)
        | then & _set("u")
        | (z & _set("fe") if forced else 0)
        | z & _set("d")
        | (all_of & _set("m") if _has(x, "e") and _has(any_of, "s") else 0)
        | z & (x | y) & _set("s")
        | _set("x")
        | any_of & _LOCKS
        | together & z & _set("k")
    )


def _thresh(threshold: int, parts: Sequence[int]) -> int:
    signed = sum(_has(part, "s") for part in parts)
    arguments = sum(0 if _has(part, "z") else 1 if _has(part, "o") else 2 for part in parts)
    all_of = parts[0]
    for part in parts[1:]:
        all_of &= part
    fits = _has(parts[0], "Bdu") and all(_has(part, "Wdu") for part in parts[1:])
    nonmalleable = _has(all_of, "em") and signed >= len(parts) - threshold
    return (
        _if(fits, "B")
        | _set("du")
        | _if(arguments == 0, "z")
        | _if(arguments == 1, "o")
        | _if(_has(all_of, "e") and signed == len(parts), "e")
        | _if(nonmalleable, "m")
        | _if(signed >= len(parts) - threshold + 1, "s")
        | _thresh_locks(threshold, parts)
    )


def _thresh_locks(threshold: int, parts: Sequence[int]) -> int:
    locks = _set("k")
    for part in parts:
        locks = _locks(locks, part) if threshold > 1 else _or_locks(locks, part)
    return locks


_PAIRS = {
    Fragment.AND_V: _and_v,
    Fragment.AND_B: _and_b,
    Fragment.OR_B: _or_b,
    Fragment.OR_C: _or_c,
    Fragment.OR_D: _or_d,
    Fragment.OR_I: _or_i,
}
