"""The federation's policy of the demo: small limits, so that each can be reached."""

DAY_LIMIT = 300_000_000
"""Satoshis that may leave the vault in 24 hours."""
FEE_CAP = 40_000
TEMPLATE = """# The demo's federation.
format = "pegwarden-policy/1"
name = "demo"
version = 1
network = "regtest"

[vaults.peg]
template = "{template}"
keys = [
{keys}
]
lookahead = 100
coins = "attested(2, watchers)"

[rollups.main]
magic = "50475744"
first_batch = 1
sequence = "contiguous"

[groups]
watchers = [
{watchers}
]

[[allow]]
spend = "withdrawal"
from = "peg"
when = \"\"\"
and(attested(2, watchers),
    fee_rate_between(1 sat/vB, 500 sat/vB), fee_at_most({fee_cap} sat),
    payment_at_most(2 BTC), outflow_at_most(24h, {day_limit} sat))
\"\"\"
"""


def policy_text(threshold: int, xpubs: tuple[str, ...], watchers: tuple[bytes, ...]) -> str:
    """The policy of a k-of-n vault with these members and attestors."""
    places = ",".join(f"@{place}/**" for place in range(len(xpubs)))
    return TEMPLATE.format(
        template=f"wsh(sortedmulti({threshold},{places}))",
        keys="\n".join(f'    "{xpub}",' for xpub in xpubs),
        watchers="\n".join(f'    "{key.hex()}",' for key in watchers),
        fee_cap=FEE_CAP,
        day_limit=DAY_LIMIT,
    )
