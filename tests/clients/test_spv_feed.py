"""Feeding a kernel: from where they part, after reorganisations, through trouble, again and again."""

import tomllib
from pathlib import Path

import pytest

from clients.jsonrpc import NodeError
from clients.member import Refused, Unreachable
from clients.spv.checkpoint import checkpoint_at, checkpoint_toml
from clients.spv.feed import NotOurChain, Step, catch_up
from clients.spv.follow import QUIET_ROUNDS, Follower
from clients.spv.node import ChainMoved
from pegwarden.v1 import types_pb2
from signer.bitcoin.chain_rules import PERIOD
from signer.bitcoin.errors import Malformed
from signer.bitcoin.network import REGTEST
from signer.config_chain import chain_in
from signer.toml_table import TomlTable
from tests.clients.spv_places import JudgingKernel, RecitingNode


def steps() -> list[Step]:
    return []


def test_all_headers_are_brought_once_in_messages_of_two_thousand() -> None:
    node, kernel, seen = RecitingNode(4_100), JudgingKernel(), steps()
    tip = catch_up(kernel, node.node, seen.append)
    assert (tip.height, tip.hash) == (4_100, node.hashes[-1])
    assert kernel.record.tip().hash == kernel.vouched == node.hashes[-1]
    assert kernel.batches == [2_000, 2_000, 100]
    assert [(each.height, each.of, each.added, each.left) for each in seen] == [
        *((2_000, 4_100, 2_000, 0), (4_000, 4_100, 2_000, 0), (4_100, 4_100, 100, 0))
    ]


def test_a_source_vouches_for_a_tip_that_the_kernel_has_already() -> None:
    node, kernel, seen = RecitingNode(30), JudgingKernel(), steps()
    catch_up(kernel, node.node, seen.append)
    kernel.vouched, kernel.batches = b"", []
    assert catch_up(kernel, node.node, seen.append).height == 30
    assert (kernel.vouched, kernel.batches) == (node.hashes[-1], [1])
    assert seen[-1] == Step(30, 30, 0, 0, equivocated=False)


@pytest.mark.parametrize("below", [1, 3, 40])
def test_a_reorganisation_is_followed_from_where_it_parts(below: int) -> None:
    node, kernel, seen = RecitingNode(60), JudgingKernel(), steps()
    catch_up(kernel, node.node, seen.append)
    node.mine(below + 1, below=below, root=b"r" * 32)
    catch_up(kernel, node.node, seen.append)
    assert kernel.record.tip().hash == node.hashes[-1]
    assert sum(each.left for each in seen) == below


def test_a_node_whose_chain_has_less_work_is_heard_and_not_followed() -> None:
    node, kernel, seen = RecitingNode(20), JudgingKernel(), steps()
    catch_up(kernel, node.node, seen.append)
    best = kernel.record.tip()
    node.mine(2, below=5, root=b"r" * 32)
    catch_up(kernel, node.node, seen.append)
    assert kernel.record.tip() == best
    assert kernel.vouched == node.hashes[-1]


@pytest.mark.parametrize("method", ["getblockhash", "getbestblockhash"])
def test_a_node_that_reorganises_while_it_is_asked(method: str) -> None:
    node, kernel, seen = RecitingNode(20), JudgingKernel(), steps()
    node.before[method] = lambda: node.mine(3, below=2, root=b"r" * 32)
    assert catch_up(kernel, node.node, seen.append).height == 21
    assert kernel.record.tip().hash == node.hashes[-1]


def test_a_node_that_never_stays_is_given_up() -> None:
    node, kernel = RecitingNode(20), JudgingKernel()
    catch_up(kernel, node.node, steps().append)
    node.mine(2)
    one = node.raws
    node.mine(8, below=5, root=b"r" * 32)
    other = node.raws

    def at_one() -> None:
        node.take(one)
        node.before["getblockcount"] = at_another

    def at_another() -> None:
        node.take(other)
        node.before["getblockheader"] = at_one

    at_one()
    with pytest.raises(ChainMoved):
        catch_up(kernel, node.node, steps().append)


def test_a_node_without_any_of_the_kernels_headers() -> None:
    node, kernel = RecitingNode(5), JudgingKernel()
    node.start_at(2)
    with pytest.raises(NotOurChain, match="another network"):
        catch_up(kernel, node.node, steps().append)


class Trouble:
    """Collects what was told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def __call__(self, error: Exception) -> None:
        self.told.append(str(error))


def test_a_follower_brings_each_new_header() -> None:
    node, kernel, seen, trouble = RecitingNode(3), JudgingKernel(), steps(), Trouble()
    follower = Follower(kernel, node.node, 0)
    for height in (3, 4, 6):
        node.mine(height - len(node.raws) + 1)
        assert follower.round(seen.append, trouble) == 0  # waits, and sees the next one
        node.mine(1)
        assert follower.round(seen.append, trouble) == 0
        assert follower.round(seen.append, trouble) == 0
        assert kernel.record.tip().hash == node.hashes[-1]
    assert trouble.told == []


def test_a_follower_tells_a_quiet_tip_again_and_not_each_time() -> None:
    node, kernel, trouble = RecitingNode(3), JudgingKernel(), Trouble()
    follower = Follower(kernel, node.node, 0)
    for _ in range(QUIET_ROUNDS):
        follower.round(steps().append, trouble)
    assert kernel.batches == [3]
    kernel.vouched = b""
    follower.round(steps().append, trouble)
    assert kernel.vouched == node.hashes[-1]


def refused(code: str) -> Refused:
    return Refused("kernel", "FAILED_PRECONDITION", types_pb2.Refusal(code=code))


@pytest.mark.parametrize(
    "error",
    [
        refused("header-time-ahead"),
        Unreachable("kernel: UNAVAILABLE"),
        NodeError(-28, "Loading block index"),
        ConnectionRefusedError("no node"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_follower_tries_again_ever_slower_and_then_goes_on(error: Exception) -> None:
    node, kernel, trouble = RecitingNode(3), JudgingKernel(), Trouble()
    follower = Follower(kernel, node.node, 0)

    def fail() -> None:
        raise error

    waits = []
    for _ in range(9):
        node.before["getbestblockhash"] = fail
        waits.append(follower.round(steps().append, trouble))
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert trouble.told == [str(error)] * 9
    assert follower.round(steps().append, trouble) == 0
    assert kernel.record.tip().hash == node.hashes[-1]
    node.before["getbestblockhash"] = fail
    assert follower.round(steps().append, trouble) == 1


def test_a_mistake_of_ours_is_no_trouble_that_passes() -> None:
    node, kernel = RecitingNode(3), JudgingKernel()
    follower = Follower(kernel, node.node, 0)

    def mistake() -> None:
        raise KeyError("a mistake")

    node.before["getbestblockhash"] = mistake
    with pytest.raises(KeyError):
        follower.round(steps().append, Trouble())


def test_a_checkpoint_as_a_configuration_has_it() -> None:
    node = RecitingNode(PERIOD + 2)
    found = checkpoint_at(node.node, PERIOD)
    assert (found.height, found.hash, found.work) == (PERIOD, node.hashes[PERIOD], 2 * PERIOD + 2)
    assert found.headers == b"".join(node.raws[PERIOD - 10 : PERIOD + 1])
    text = '[chain]\nsources = ["a", "b"]\n' + checkpoint_toml(found)
    config = chain_in(TomlTable(Path("member.toml"), "", tomllib.loads(text)), REGTEST, ("a", "b"))
    assert config.checkpoint == found
    with pytest.raises(Malformed) as caught:
        checkpoint_at(node.node, PERIOD + 1)
    assert caught.value.code == "checkpoint-height"
