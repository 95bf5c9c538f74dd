"""The worst case as lines for people and as one JSON object. What is unbounded is shouted."""

from collections.abc import Iterator, Sequence

from policies.analysis.worst_case import HORIZON_NAMES, HORIZONS, Loss, VaultCase, WorstCase
from policies.literals import format_amount
from signer.bitcoin.units import Sats

Json = dict[str, object]

UNBOUNDED = "UNBOUNDED"

FALSE_CHAIN = (
    "A false chain, brought by as many sources as are needed, shows coins that are none. It costs:"
)

HEAD = (
    "compromised",
    *(f"in {horizon}" for horizon in HORIZON_NAMES),
    "before a human must act",
    "of it",
)
"""Of the table's columns."""


def render(case: WorstCase) -> list[str]:
    """The lines that `pegwarden policy worst-case` prints."""
    lines = [
        "The most that can be signed away, fees included, for the federation. Upper bounds.",
        "This bounds signing, within any such time. Signatures may be hoarded: all that was signed",
        "and is not confirmed can leave at once, after seven days of hoarding the figure for 7d.",
        f"Clocks among the compromised err by at most {case.clock_error} s.",
        "A set that is not shown loses no more than some set within it that is.",
    ]
    for vault in case.vaults:
        lines += ["", *_vault_lines(vault)]
    for vault in case.after_expiry:
        lines += ["", "After `expires`, by the fallback alone.", *_vault_lines(vault)]
    return lines


def as_json(case: WorstCase) -> Json:
    """The same, with every set of parties."""
    return {
        "bounds": "signing",
        "horizons_seconds": list(HORIZONS),
        "clock_error_seconds": case.clock_error,
        "vaults": [_vault_json(vault) for vault in case.vaults],
        "after_expiry": [_vault_json(vault) for vault in case.after_expiry],
    }


def _vault_lines(vault: VaultCase) -> Iterator[str]:
    yield f"Vault {vault.vault_id}: {federation_text(vault)}"
    yield from (f"  {line}" for line in _table([row(loss) for loss in vault.telling]))
    reasons = {reason: None for loss in vault.losses for reason in loss.unbounded_by}
    yield from (f"  {UNBOUNDED}: {reason}" for reason in reasons)
    if vault.false_chain:
        yield f"  {FALSE_CHAIN}"
    yield from (f"    {each}" for each in vault.false_chain)


def federation_text(vault: VaultCase) -> str:
    """Who must act for a signature, and how many may be dishonest or silent."""
    witnesses = f", {vault.witness_quorum} grant each entry" if vault.witness_quorum else ""
    return (
        f"{vault.threshold} of {vault.members} members sign{witnesses}, f = {vault.tolerated}, "
        f"any {vault.may_be_silent} may be silent"
    )


def row(loss: Loss) -> tuple[str, ...]:
    """A line of the table, under HEAD."""
    figures = [UNBOUNDED if most is None else format_amount(Sats(most)) for most in loss.within]
    return (
        " + ".join(loss.adversary.parties),
        *figures,
        _endless(loss.unattended),
        _of_it(loss),
    )


def _of_it(loss: Loss) -> str:
    if loss.fees_only:
        return "fees" if any(most != 0 for most in loss.within) else ""
    return f"moves to {', '.join(loss.moves_to)} count in full" if loss.moves_to else ""


def _endless(unattended: int | None) -> str:
    if unattended is None:
        return UNBOUNDED
    return f"no end: {format_amount(Sats(unattended))} each 24h" if unattended else "0 sat"


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    table = [HEAD, *rows]
    widths = [max(len(row[place]) for row in table) for place in range(len(HEAD))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    ]


def _vault_json(vault: VaultCase) -> Json:
    telling = set(vault.telling)
    return {
        "name": vault.vault_id,
        "members": vault.members,
        "threshold": vault.threshold,
        "tolerated": vault.tolerated,
        "witness_quorum": vault.witness_quorum,
        "may_be_silent": vault.may_be_silent,
        "false_chain": list(vault.false_chain),
        "sets": [
            _loss_json(loss, "shown" if loss in telling else "implied") for loss in vault.losses
        ],
    }


def _loss_json(loss: Loss, place: str) -> Json:
    return {
        "compromised": list(loss.adversary.parties),
        "within_sat": dict(zip(HORIZON_NAMES, loss.within, strict=True)),
        "at_once_if_hoarded_sat": dict(zip(HORIZON_NAMES, loss.within, strict=True)),
        "unattended_sat_per_24h": loss.unattended,
        "fees_only": loss.fees_only,
        "moves_to": list(loss.moves_to),
        "unbounded": loss.is_unbounded,
        "unbounded_by": list(loss.unbounded_by),
        "row": place,
    }
