"""The restore attack: a member's machine is put back to before a signature, and asked to pay once more.

1. What is put back is the journal whole: the database, its log and the head file beside it.
2. The relayer is hostile: it kept the third member away from the first payment, and has not sent it yet.
3. Afterwards one that lost all its state finishes that payment from what the members have on record.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from carrier.round import Carrier
from carrier.seen import size_of
from clients.demo.bridge import Told, confirmed
from clients.demo.hostile import refusal_of
from clients.demo.joint import carry, head_of, orders
from clients.demo.narrator import Narrator, expect
from clients.demo.scene import FEE, VAULT, Cast
from clients.demo.stage import START_SECONDS, House
from clients.jsonrpc import to_sats
from clients.member import Member, Refused
from clients.relayer.coins import VaultCoin
from clients.relayer.draft import Draft
from clients.relayer.federation import Federation, lacks_grants
from clients.relayer.relayer import Relayer
from clients.relayer.resume import resume_all

STARTING, PINNED = "agreement-starting", "withdrawal-pinned"
REBUILT = "-shm"
"""What SQLite makes anew: a machine that was put back has none."""
AGAIN = "a signed withdrawal again, by a member that was put back"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A member's journal as it was."""

    house: House
    files: Mapping[Path, bytes]

    @classmethod
    def of(cls, house: House) -> "Snapshot":
        """Of a kernel that is idle."""
        paths = (path for path in house.directory.glob("journal*") if REBUILT not in path.name)
        return cls(house, {path: path.read_bytes() for path in paths})

    def put_back(self) -> None:
        """Kill the kernel, replace its journal, start it."""
        self.house.crash()
        for path in self.house.directory.glob("journal*"):
            path.unlink()
        for path, content in self.files.items():
            path.touch(mode=0o600)
            path.write_bytes(content)
        self.house.serve()


def restore_attack(
    cast: Cast,
    houses: tuple[House, ...],
    coins: tuple[VaultCoin, ...],
    telling: tuple[Told, Narrator],
) -> None:
    """Signed from the first coin; put back; asked to pay from the second."""
    told, narrator = telling
    order, (dora, erik, faye) = orders(cast)["attacked"], cast.kernels
    paying, again = (cast.relayer.construct((order,), (coin,), FEE) for coin in coins)
    snapshot = Snapshot.of(houses[0])
    Federation((dora, erik), VAULT).collect(paying)
    size = size_of(head_of(dora).head)
    narrator.step(f"{dora.name} and {erik.name} signed a withdrawal; {faye.name} heard nothing")
    houses[1].crash()
    snapshot.put_back()
    houses[0].wait_until_it_answers()
    dora.wait_ready(START_SECONDS)
    _refused_while_alone(cast, again, narrator)
    houses[1].serve()
    houses[1].wait_until_it_answers()
    erik.wait_ready(START_SECONDS)
    carry(cast.kernels)
    expect(size_of(head_of(dora).head) >= size, "the lost entries did not come back")
    told.agreement["rolled forward"] += 1
    narrator.step(f"{erik.name} is back: {dora.name} took its lost entries from it, and serves")
    _refused_for_good(cast, again, narrator)
    _finish_without_memory(cast, told, narrator)


def _refused_while_alone(cast: Cast, again: Draft, narrator: Narrator) -> None:
    """With one member down a member that was put back knows that it lacks something."""
    dora, erik, faye = cast.kernels
    ask = partial(_refused, cast, again, STARTING)
    ask((dora,))
    expect(_waits(cast, again), f"{faye.name} signed alone")
    Carrier((dora, faye)).carry()
    narrator.refused(AGAIN, ask((dora,)))
    expect(_waits(cast, again), f"{faye.name} signed with nobody's grant")
    (waiting, *_) = head_of(dora).waiting_for
    narrator.step(f"{erik.name} is down: {dora.name} {waiting}")
    narrator.step(f"{faye.name} has the second payment on record, and nobody who grants it")


def _refused_for_good(cast: Cast, again: Draft, narrator: Narrator) -> None:
    """The signers know the pin; the third member still waits, and never gets a grant."""
    narrator.refused(AGAIN, _refused(cast, again, PINNED, cast.kernels[:2]))
    carry(cast.kernels)
    expect(_waits(cast, again), f"{cast.kernels[2].name} signed the second payment")


def _refused(
    cast: Cast, again: Draft, code: str, kernels: tuple[Member, ...]
) -> tuple[Refused, ...]:
    said = []
    for kernel in kernels:
        refused = refusal_of(partial(cast.relayer.federation.sign, kernel, again), AGAIN)
        expect(refused.code == code, f"{AGAIN}: {refused}, not {code}")
        said.append(refused)
    return tuple(said)


def _waits(cast: Cast, again: Draft) -> bool:
    """Whether the third member's answer is that it lacks grants."""
    answer = cast.relayer.federation.sign(cast.kernels[2], again)
    return lacks_grants(answer) and not answer.psbt


def _finish_without_memory(cast: Cast, told: Told, narrator: Narrator) -> None:
    first, order = cast.relayer, orders(cast)["attacked"]
    relayer = Relayer(first.federation, first.node, first.evidence, first.network)
    (txid,) = resume_all(relayer, FEE.rate_sat_per_kvb)
    told.withdrawals.append(confirmed(cast, txid))
    told.agreement["signed with grants"] += 1
    paid = cast.node.rpc("scantxoutset", "start", [f"addr({order.address})"])["unspents"]
    times = [to_sats(each["amount"]) for each in paid].count(order.amount_sat)
    expect(times == 1, f"paid {times} times")
    narrator.step(f"a relayer that lost everything finished it from their lists; paid once: {txid}")
