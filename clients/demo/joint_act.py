"""The act of the members that witness each other, from their founding to the auditor."""

from clients.attestor.attestor import AttestorKey
from clients.bitcoind import Bitcoind
from clients.demo.bridge import Told
from clients.demo.casting import cast_with, kept_in_order
from clients.demo.ending import close_and_pay_equal
from clients.demo.founding import serve_all
from clients.demo.joint import granted_withdrawal, head_of, start_together
from clients.demo.narrator import Narrator
from clients.demo.oversight import audit, pause_and_resume
from clients.demo.restore import restore_attack
from clients.demo.stage import House

Telling = tuple[Told, Narrator]


def act(
    houses: tuple[House, ...], node: Bitcoind, keys: tuple[AttestorKey, ...], telling: Telling
) -> None:
    """All of it, by members that do not serve yet."""
    (told, narrator), directory = telling, houses[0].directory.parent
    narrator.chapter("Three members that witness each other")
    serve_all(houses)
    with kept_in_order(houses), cast_with(directory, node, houses, keys) as cast:
        start_together(cast, narrator)
        _, coins = granted_withdrawal(cast, told, narrator)
        old_head = head_of(cast.kernels[0]).head
        narrator.chapter("A member's machine is put back to an old copy")
        restore_attack(cast, houses, coins[:2], telling)
        narrator.chapter("A withdrawal ends")
        last = close_and_pay_equal(cast, coins[2], told, narrator)
        narrator.chapter("Pause, and audit")
        receipt = pause_and_resume(cast, houses[0], last, telling)
        audit(cast, houses[0], (old_head, receipt), telling)
