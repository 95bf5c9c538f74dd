"""`pegwarden anchor verify`: offline, that a vault committed to a root in a block, and how deep.

1. The transaction is in the block (`proof_claims`), and has exactly one OP_RETURN, an anchor's.
2. One of its inputs is proven, by the previous transaction in the file, to spend a script of the vault, which
   is derived anew from the published descriptor. Anyone can write a magic: without this it is no anchor.
3. With `--magic` and `--batch` it is that rollup's, and that batch's.
"""

from collections.abc import Callable
from pathlib import Path

import click

from policies.load import load_policy
from signer.bitcoin.descriptor import Descriptor, derive, is_fixed, parse_descriptor
from signer.bitcoin.network import Network, network_named
from signer.bitcoin.transaction import Transaction
from signer.cli.options import FILE, Emit, json_option
from signer.cli.proof_claims import read_proof_file
from signer.cli.spv_verify import Known, anchor_json, known_options, shown_json, shown_lines
from signer.core.errors import Objection, Refusal
from signer.core.opreturn import Anchor, PlaceOf, spent_outputs, validate_anchor
from signer.core.registry import ScriptPlace
from signer.core.vault import CHANGE, RECEIVE
from signer.member_files import read_policy_bytes

LOOKAHEAD = 1_000
"""Addresses of each branch that are searched unless it is told otherwise."""


@click.group("anchor")
def command() -> None:
    """Verify offline that a vault committed to a state root."""


@command.command("verify")
@click.argument("file", type=FILE)
@click.option("--descriptor", help="The vault's published descriptor, with checksum.")
@click.option("--network", help="Network of that descriptor.")
@click.option("--policy", type=FILE, help="Or the published policy, with --vault.")
@click.option("--vault", help="Name of the vault in the policy.")
@click.option(
    "--index",
    type=click.IntRange(0, 2**31 - 1),
    help="Index of the coin's address: spares the search.",
)
@click.option(
    "--lookahead",
    type=click.IntRange(1, 100_000),
    default=LOOKAHEAD,
    show_default=True,
    help="Addresses of each branch to search.",
)
@click.option("--magic", help="Expected rollup magic (8 hex digits).")
@click.option("--batch", type=click.IntRange(1, 2**64 - 1), help="Expected batch.")
@known_options
@json_option
def verify_command(
    file: Path, known: Known, emit: Emit, **options: str | int | Path | None
) -> None:
    """FILE is a proof of `spv prove --previous first`: a few kilobytes that anyone can verify."""
    descriptor, network = _vault(options)
    claims = read_proof_file(file)
    if claims.network != network.name:
        detail = "the proof is of another network than the vault"
        raise Refusal(Objection("proof-other-header", detail, claims.network, network.name))
    seen = known.judged(claims)
    anchor, vault_input = verify_anchor(
        seen.fact.transaction,
        tuple(each for each in claims.previous if each is not None),
        _searching(descriptor, options),
    )
    _require_expected(anchor, options)
    fields = anchor_json((anchor.magic, anchor.batch_id, anchor.state_root, anchor.eth_tx_hash))
    lines = [
        f"Rollup {anchor.magic.hex()}, batch {anchor.batch_id}: state root 0x{anchor.state_root.hex()}, "
        f"transaction 0x{anchor.eth_tx_hash.hex()}.",
        f"Committed by the vault, if that block is Bitcoin's: input {vault_input} spends its coin.",
    ]
    is_known = known.block_hash is not None or seen.of_chain
    if not is_known:
        lines.append(
            "Nobody says whose block it is: whoever makes blocks of their own can put anything in them. "
            "Name it (--block-hash or --header), or give --headers."
        )
    members = {"ok": is_known} | fields | {"vault_input": vault_input} | shown_json(seen)
    emit(members, [*lines, *shown_lines(seen)])
    if not is_known:
        raise click.exceptions.Exit(1)


def verify_anchor(
    transaction: Transaction, previous: tuple[bytes, ...], place_of: PlaceOf
) -> tuple[Anchor, int]:
    """Rules 1 and 2: the anchor, and the input that is proven to spend a coin of the vault.

    Raises Refusal `anchor-not-from-vault`, `anchor-mismatch`, `deposit-op-return` or as
    `opreturn.decode_payload`, and Malformed as `opreturn.spent_outputs`.
    """
    prevouts = spent_outputs(transaction, previous)
    report = validate_anchor(transaction, prevouts, place_of, None)
    if report.objections or not isinstance(report.payload, Anchor):
        raise Refusal(*report.objections)
    vault_input = next(
        at for at, each in enumerate(prevouts) if each is not None and place_of(each.script_pubkey)
    )
    return report.payload, vault_input


def _require_expected(anchor: Anchor, options: dict[str, str | int | Path | None]) -> None:
    """Rule 3. Raises Refusal `anchor-mismatch`."""
    magic, batch = options["magic"], options["batch"]
    for name, wanted, observed in (
        ("magic", magic if magic is None else str(magic).lower(), anchor.magic.hex()),
        ("batch", batch if batch is None else str(batch), str(anchor.batch_id)),
    ):
        if wanted not in (None, observed):
            detail = f"the anchor has another {name}"
            raise Refusal(Objection("anchor-mismatch", detail, observed, str(wanted)))


def _vault(options: dict[str, str | int | Path | None]) -> tuple[Descriptor, Network]:
    descriptor, policy = options["descriptor"], options["policy"]
    if (descriptor is None) == (policy is None):
        raise click.UsageError("give --descriptor and --network, or --policy and --vault")
    if policy is None:
        network = network_named(str(options["network"] or ""))
        return parse_descriptor(str(descriptor), network), network
    for vault in load_policy(read_policy_bytes(Path(str(policy)))).vaults:
        if options["vault"] in (None, vault.vault_id):
            return vault.descriptor, vault.network
    raise click.UsageError(f"no vault {options['vault']!r} in that policy")


def _searching(
    descriptor: Descriptor, options: dict[str, str | int | Path | None]
) -> Callable[[bytes], ScriptPlace | None]:
    """Finds scripts of the vault, deriving one after another until it is there; each is derived once."""
    index, lookahead = options["index"], int(str(options["lookahead"]))
    indexes = range(lookahead) if index is None else range(int(str(index)), int(str(index)) + 1)
    branches: tuple[int, ...] = (RECEIVE, CHANGE)
    if is_fixed(descriptor):
        indexes, branches = range(1), (RECEIVE,)
    places = ((branch, at) for at in indexes for branch in branches)
    derived: dict[bytes, ScriptPlace] = {}

    def find(script_pubkey: bytes) -> ScriptPlace | None:
        for branch, at in places:
            if script_pubkey in derived:
                break
            script = derive(descriptor, branch, at).script_pubkey
            derived.setdefault(script, ScriptPlace("vault", branch, at))
        return derived.get(script_pubkey)

    return find
