"""How a withdrawal ends: buried, it is closed, and an equal one may be paid."""

import time
from dataclasses import replace

from clients.attestor.attestor import MARGIN, now_unix
from clients.demo.bridge import Told, change_of, confirmed
from clients.demo.hostile import refusal_of
from clients.demo.joint import carry, orders
from clients.demo.narrator import Narrator, expect
from clients.demo.policy import RELEASE_DEPTH
from clients.demo.scene import FEE, Cast
from clients.demo.watchers import Watchers
from clients.relayer.burials import burials, release_all
from clients.relayer.coins import VaultCoin
from clients.relayer.draft import Draft, Order
from clients.relayer.relayer import Relayer

TWIN = "withdrawal-twin-open"
PATIENCE = 30.0


def close_and_pay_equal(cast: Cast, coin: VaultCoin, told: Told, narrator: Narrator) -> Draft:
    """Of two equal withdrawals the second waits until the first is buried. The second one's draft."""
    relayer, federation = cast.relayer, cast.relayer.federation
    one, other = orders(cast)["one"], orders(cast)["other"]
    paid = relayer.construct((one,), (coin,), FEE)
    told.withdrawals.append(confirmed(cast, relayer.finish(paid)))
    left, story = change_of(paid), "an equal withdrawal while the first one is open"
    early = relayer.construct((other,), (left,), FEE)
    refused = refusal_of(lambda: federation.sign(cast.kernels[0], early), story)
    expect(refused.code == TWIN, f"{story}: {refused}, not {TWIN}")
    narrator.refused(story, (refused,))
    cast.node.mine(RELEASE_DEPTH)
    lines = release_all(relayer, burials(relayer, RELEASE_DEPTH))
    carry(cast.kernels)
    closed = {line.split()[1] for line in lines if line.endswith(" closed")}
    expect(one.withdrawal_id.hex() in closed, f"not closed: {lines}")
    told.agreement["closed"] += len(closed)
    narrator.step(f"under {RELEASE_DEPTH} blocks {len(closed)} payments are closed, by evidence")
    draft = _attested_since(relayer, other, left)
    told.withdrawals.append(confirmed(cast, relayer.finish(draft)))
    told.agreement["signed with grants"] += 2
    narrator.step(f"attested after that, the equal one is paid: {told.withdrawals[-1]}")
    return draft


def _attested_since(relayer: Relayer, order: Order, coin: VaultCoin) -> Draft:
    """With words that count after the closing. An attestor keeps its expiry MARGIN below the horizon, so its
    words count that much later; these keep one second, since nobody here waits for minutes."""
    evidence = relayer.evidence
    if not isinstance(evidence, Watchers):
        raise TypeError("the demo's attestors are its watchers")
    ahead = tuple(
        replace(each, clock=lambda: now_unix() + MARGIN - 1) for each in evidence.attestors
    )
    prompt = replace(relayer, evidence=Watchers(ahead))
    deadline = time.monotonic() + PATIENCE
    while True:
        draft = prompt.construct((order,), (coin,), FEE)
        said = [relayer.federation.explain(each, draft) for each in relayer.federation.members]
        if all(each.would_sign for each in said):
            return draft
        failed = [line for each in said for line in each.trace if not line.passed]
        expect(time.monotonic() < deadline, f"the equal withdrawal is refused: {failed}")
        time.sleep(0.5)
