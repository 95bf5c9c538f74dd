"""The bitcoind that the commands of `spv` ask: their options, and how its refusals are told.

Rule 1: what the node says is told as its word, exit status 3; that it does not have what was asked for is
        a refusal with a code.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path

import click

from clients.jsonrpc import JsonRpc, NodeAddress, NodeError
from clients.spv.node import ChainMoved, Node, NotFound
from signer.cli.options import FILE
from signer.core.errors import Fault, Objection, Refusal


def node_options(command: Callable[..., object]) -> Callable[..., object]:
    """`--node` and `--cookie`, as the parameter `node`."""

    @wraps(command)
    def wrapped(*arguments: object, **options: object) -> object:
        node = _node(str(options.pop("node")), Path(str(options.pop("cookie"))))
        return command(*arguments, node=node, **options)

    for option in (
        click.option("--cookie", type=FILE, required=True, help="The node's .cookie file."),
        click.option(
            "--node",
            default="127.0.0.1:8332",
            show_default=True,
            help="The bitcoind's RPC, of this machine or by a tunnel: it is not encrypted.",
        ),
    ):
        wrapped = option(wrapped)
    return wrapped


def _node(address: str, cookie: Path) -> Node:
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 1 << 16:
        raise click.UsageError(f"--node {address!r} is not HOST:PORT")
    return Node(JsonRpc(NodeAddress(int(port), cookie, host)))


@contextmanager
def node_told() -> Iterator[None]:
    """Raises Refusal `transaction-not-in-block`, or Fault with what the node said."""
    try:
        yield
    except NotFound as error:
        raise Refusal(Objection("transaction-not-in-block", str(error))) from None
    except (NodeError, ChainMoved) as error:
        raise Fault(f"the node says: {error}") from None
    except OSError as error:
        raise Fault(f"the node cannot be asked: {error}") from None
