"""A vault in English: who can move its coins, when, who witnesses it, and what proves a coin."""

from collections.abc import Iterator

from policies.literals import format_amount, format_work
from policies.proquint import words_of
from policies.vault_entry import VaultEntry
from signer.bitcoin.descriptor import SpendingPath, parse_key_information
from signer.core.vault import Vault


def vault_lines(entry: VaultEntry) -> Iterator[str]:
    """What `policy explain` says of it, without its `coins`."""
    vault, its = entry.vault, entry.vault.federation
    yield f"Vault {vault.vault_id}: {entry.definition.template}"
    yield f"  fingerprint {vault.fingerprint.hex()}"
    yield f"  in words {words_of(vault.fingerprint)}"
    yield (
        f"  {its.threshold} of {its.members} members sign withdrawals and anchors; "
        f"any {vault.may_be_silent} may be silent."
    )
    yield f"  f = {vault.tolerated}: no withdrawal is paid twice while at most that many are dishonest."
    yield from (f"    @{place} {key}" for place, key in enumerate(entry.definition.keys))
    yield from (f"  {line}" for line in witness_lines(vault))
    yield from (f"    {key.hex()}" for key in vault.witnesses.log_keys)
    yield from (f"  {line}" for line in path_lines(entry))
    yield f"  {reach_line(vault)}"
    officers = f", and {entry.release_quorum} officers consent" if entry.release_quorum else ""
    yield (
        f"  A withdrawal is closed, or its pin struck, by a transaction with {entry.release_depth} "
        f"confirmations (`coins` proves it){officers}."
    )
    if entry.release_work is not None:
        work = format_work(entry.release_work)
        yield f"  Instead of attestors our own chain may prove it, where {work} lie on it as well."
    yield from (f"  {line}" for line in cap_lines(entry))


def cap_lines(entry: VaultEntry) -> Iterator[str]:
    """What a deposit is bound to."""
    least = f", of at least {format_amount(entry.deposit_least)}" if entry.deposit_least else ""
    until = "" if entry.deposits_until is None else f", up to block {entry.deposits_until}"
    yield f"A deposit{least}{until} is attested from {entry.deposit_depth} confirmations."
    if entry.deposit_cap is not None:
        yield f"It rehearses: a deposit is at most {format_amount(entry.deposit_cap)}."


def witness_lines(vault: Vault) -> Iterator[str]:
    """How many members stand behind each entry, and what stops while more of them are silent."""
    quorum, others = vault.witnesses.quorum, vault.members - 1
    if not quorum:
        yield "Witnesses: none. A member that is restored from an old copy can contradict what it signed."
        return
    yield f"While more than {vault.may_be_silent} are silent nothing new is signed."
    yield (
        f"A kernel that starts waits for {vault.importers} of the {others} others; until then it neither "
        "grants nor signs."
    )
    yield (
        f"Witnesses: {quorum} of the {vault.members} members' kernels grant each entry before it is "
        "signed. Their log keys:"
    )


def reach_line(vault: Vault) -> str:
    """How far its addresses go."""
    if vault.is_fixed:
        return "One address, for deposits and change alike: its keys have no children."
    return f"Addresses and change reach {vault.lookahead} above the highest index seen."


def path_lines(entry: VaultEntry) -> Iterator[str]:
    """Who opens which path, and when."""
    if entry.vault.is_taproot:
        yield "Nobody can spend by the key path: the internal key is unspendable."
    for path in entry.vault.paths:
        lock = f", {path.locks_text}, to sweep or rotate" if path.is_locked else ""
        yield f"Path {path.name}: {who_signs(entry, path)} sign{lock}."
    since = []
    if entry.weaker_after is not None:
        since.append(f"it is {entry.weaker_after} blocks old")
    if entry.weaker_from is not None:
        since.append(f"the height is {entry.weaker_from}")
    if since:
        yield f"No fewer members, and nobody else, can move a coin before {' or '.join(since)}."


def who_signs(entry: VaultEntry, path: SpendingPath) -> str:
    """How many of whom: any so many, or a choice that VerifyScript lists way by way."""
    keys = ", ".join(f"@{place}" for place in signers(entry, path))
    (first, *others) = path.ways
    plain = not others and len(first.groups) == 1
    needed = f"any {path.threshold}" if plain else f"at least {path.threshold}, as its script says,"
    return f"{needed} of {keys}"


def signers(entry: VaultEntry, path: SpendingPath) -> list[int]:
    """Which of the vault's keys, as the template numbers them."""
    vault = entry.vault
    known = [parse_key_information(key, vault.network)[1] for key in entry.definition.keys]
    places = [known.index(vault.places[position].xpub) for position in path.positions]
    return list(dict.fromkeys(places))


def coins_heading(entry: VaultEntry) -> str:
    """What it means for a coin that `coins` holds."""
    if entry.may_be_unattested:
        return "A coin counts as existing, though it may be spent already, when"
    return "A coin counts as existing and unspent when"
