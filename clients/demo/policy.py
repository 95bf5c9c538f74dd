"""The policies of the demo: small limits, so that each can be reached."""

from collections.abc import Sequence
from dataclasses import dataclass

from signer.bitcoin.network import REGTEST
from signer.bitcoin.taproot import unspendable_xpub

DAY_LIMIT = 300_000_000
"""Satoshis that may leave the vault in 24 hours by withdrawals."""
FEE_CAP = 40_000
DELAY = 10
"""Blocks after which one member may move a coin of a vault with a recovery path."""
VAULTS = ("peg", "tap", "mini", "next")
"""P2WSH; Taproot; a P2WSH miniscript; Taproot too, to which the first two rotate."""
RELEASE_DEPTH = 6
"""Blocks under which a withdrawal is closed, in the vault whose members witness each other."""
MAGIC, GAMES_MAGIC = b"PGWD", b"GAME"
FIRST_GAMES_BATCH = 1_000
GOVERNED = "mini"
"""The vault whose large withdrawals officers approve."""
CHANGE_DELAY, AGE = 5, 3
"""Seconds: what a loosening waits; what a large withdrawal waits."""
_HEAD = """# The demo's federation.
format = "pegwarden-policy/1"
name = "demo"
version = 1
network = "regtest"
"""
_VAULT = """
[vaults.{name}]
template = "{template}"
keys = [
{keys}
]
lookahead = 100
coins = "attested(2, watchers)"
"""
_ROLLUP = """
[rollups.{name}]
magic = "{magic}"
first_batch = {first}
sequence = "{sequence}"
"""
_GROUPS = """
[groups]
watchers = [
{watchers}
]
"""
_OFFICERS = """officers = [
{officers}
]

[governance]
officers = "officers"
quorum = 2
delay = "{delay}s"
confirm_within = "1h"
hold_at_most = "2h"
"""
_WITHDRAWAL = """
[[allow]]
spend = "withdrawal"
from = "{vault}"
when = \"\"\"
and(attested(2, watchers),
    fee_rate_between(1 sat/vB, 500 sat/vB), fee_at_most({fee_cap} sat),
    payment_at_most(2 BTC), outflow_at_most(24h, {day_limit} sat))
\"\"\"
"""
_GOVERNED_WITHDRAWAL = """
[[allow]]
spend = "withdrawal"
from = "{vault}"
when = \"\"\"
and(attested(2, watchers),
    fee_rate_between(1 sat/vB, 500 sat/vB), fee_at_most({fee_cap} sat),
    or(and(payment_at_most(2 BTC), outflow_at_most(24h, {day_limit} sat)),
       and(approved(2, officers), aged({age}s), outflow_at_most(24h, 10 BTC))))
\"\"\"
"""
_ANCHOR = """
[[allow]]
spend = "anchor"
from = "{vault}"
when = \"\"\"
and(attested(2, watchers), anchor_extends(),
    fee_rate_between(1 sat/vB, 500 sat/vB), fee_at_most({fee_cap} sat))
\"\"\"
"""
_MOVE = """
[[allow]]
spend = "{kind}"
from = "{vault}"
to = "{to}"
when = "and(attested(2, watchers), fee_at_most({fee_cap} sat))"
"""


def _vault(name: str, template: str, keys: Sequence[str]) -> str:
    listed = "\n".join(f'    "{key}",' for key in keys)
    return _VAULT.format(name=name, template=template, keys=listed)


def is_fixed(key: str) -> bool:
    """A key as it is, such as a token's, which has no children."""
    return key.rpartition("]")[2].startswith(("02", "03"))


def wsh_vault(name: str, threshold: int, xpubs: Sequence[str]) -> str:
    """A k-of-n P2WSH vault; members may have a key without children in it."""
    places = ",".join(f"@{n}" if is_fixed(key) else f"@{n}/**" for n, key in enumerate(xpubs))
    return _vault(name, f"wsh(sortedmulti({threshold},{places}))", xpubs)


def taproot_vault(name: str, threshold: int, xpubs: Sequence[str], internal: str = "") -> str:
    """A k-of-n Taproot vault, of which any one member may move coins after DELAY blocks. `internal`: not
    the key that nobody has."""
    members = range(1, len(xpubs) + 1)
    primary = ",".join(f"@{place}/**" for place in members)
    recovery = ",".join(f"@{place}/<2;3>/*" for place in members)
    leaves = f"multi_a({threshold},{primary}),and_v(v:older({DELAY}),multi_a(1,{recovery}))"
    key = internal or unspendable_xpub().text(REGTEST)
    return _vault(name, f"tr(@0/**,{{{leaves}}})", (key, *xpubs)) + f"weaker_after = {DELAY}\n"


def miniscript_vault(name: str, threshold: int, xpubs: Sequence[str]) -> str:
    """A k-of-n P2WSH vault, of which any one member may move coins after DELAY blocks."""
    primary = ",".join(f"@{place}/**" for place in range(len(xpubs)))
    recovery = ",".join(f"@{place}/<2;3>/*" for place in range(len(xpubs)))
    locked = f"and_v(v:multi(1,{recovery}),older({DELAY}))"
    template = f"wsh(or_d(multi({threshold},{primary}),{locked}))"
    return _vault(name, template, xpubs) + f"weaker_after = {DELAY}\n"


def groups(watchers: Sequence[bytes]) -> str:
    """The attestors."""
    return _GROUPS.format(watchers="\n".join(f'    "{key.hex()}",' for key in watchers))


def policy_text(threshold: int, xpubs: Sequence[str], watchers: Sequence[bytes]) -> str:
    """The policy of one k-of-n P2WSH vault that pays withdrawals, with these members and attestors."""
    return "".join(
        (
            _HEAD,
            wsh_vault("peg", threshold, xpubs),
            _ROLLUP.format(name="main", magic=MAGIC.hex(), first=1, sequence="contiguous"),
            groups(watchers),
            _WITHDRAWAL.format(vault="peg", fee_cap=FEE_CAP, day_limit=DAY_LIMIT),
        )
    )


@dataclass(frozen=True, slots=True)
class People:
    """Whose word counts."""

    watchers: tuple[bytes, ...]
    """x-only keys."""
    officers: tuple[str, ...]
    """As a policy lists them."""


def governed(people: People) -> str:
    """Groups, and who may change the policy."""
    officers = "\n".join(f'    "{key}",' for key in people.officers)
    return groups(people.watchers) + _OFFICERS.format(officers=officers, delay=CHANGE_DELAY)


def next_version(text: str, version: int, fee_cap: int = FEE_CAP) -> str:
    """That policy with another number and another cap of fees of GOVERNED's withdrawals."""
    head, name, rules = text.partition(f'spend = "withdrawal"\nfrom = "{GOVERNED}"\n')
    numbered = head.replace("version = 1\n", f"version = {version}\n", 1)
    cap = f"fee_at_most({FEE_CAP} sat)"
    return numbered + name + rules.replace(cap, f"fee_at_most({fee_cap} sat)", 1)


def witnessed_policy_text(
    threshold: int, xpubs: Sequence[str], people: People, log_keys: Sequence[str]
) -> str:
    """The policy of one k-of-n P2WSH vault whose members witness each other."""
    listed = "".join(f'    "{key}",\n' for key in log_keys)
    vault = wsh_vault("peg", threshold, xpubs) + f"release_depth = {RELEASE_DEPTH}\n"
    return "".join(
        (
            _HEAD,
            vault + f"witnesses = [\n{listed}]\nwitness_quorum = {threshold}\n",
            _ROLLUP.format(name="main", magic=MAGIC.hex(), first=1, sequence="contiguous"),
            governed(people),
            _WITHDRAWAL.format(vault="peg", fee_cap=FEE_CAP, day_limit=DAY_LIMIT),
        )
    )


def bridge_policy_text(
    threshold: int, xpubs: Sequence[Sequence[str]], people: People, internal: str = ""
) -> str:
    """The policy of the whole bridge. `xpubs`: of each of VAULTS."""
    peg, tap, mini, following = xpubs
    games = {"first": FIRST_GAMES_BATCH, "sequence": "increasing"}
    limits = {"fee_cap": FEE_CAP, "day_limit": DAY_LIMIT, "age": AGE}
    withdrawals = {GOVERNED: _GOVERNED_WITHDRAWAL}
    return "".join(
        (
            _HEAD,
            wsh_vault("peg", threshold, peg),
            taproot_vault("tap", threshold, tap, internal),
            miniscript_vault("mini", threshold, mini),
            taproot_vault("next", threshold, following),
            _ROLLUP.format(name="main", magic=MAGIC.hex(), first=1, sequence="contiguous"),
            _ROLLUP.format(name="games", magic=GAMES_MAGIC.hex(), **games),
            governed(people),
            *(withdrawals.get(each, _WITHDRAWAL).format(vault=each, **limits) for each in VAULTS),
            *(_ANCHOR.format(vault=vault, **limits) for vault in VAULTS),
            *(_MOVE.format(kind="sweep", vault=each, to=each, **limits) for each in VAULTS),
            *(_MOVE.format(kind="rotation", vault=v, to="next", **limits) for v in VAULTS[:2]),
        )
    )
