"""Core's `gettxoutproof` and `verifytxoutproof` beside ours: 2,000 proofs are in the campaign `spv`."""

from clients.bitcoind import Bitcoind
from tests.regtest.txoutproofs import DIFFERENCES, Node, trials


def test_a_node_agrees_but_for_five_named_differences(bitcoind: Bitcoind) -> None:
    """Each is met, so that a node that became stricter or a verifier that became laxer is noticed."""
    found = trials(Node(bitcoind), 300, seed=8)
    assert set(found) == {"good", "bad"} | DIFFERENCES
    assert found["good"] > 80
    assert found["bad"] > 60
