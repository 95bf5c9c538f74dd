"""The report's vaults: fingerprints in words, first addresses, who can spend by which path, and when."""

from collections.abc import Iterator

from policies.analysis.markup import Markup, Part, element, facts, items, joined, table
from policies.analysis.report_tree import tree
from policies.explain_vault import (
    cap_lines,
    coins_heading,
    path_lines,
    reach_line,
    who_signs,
    witness_lines,
)
from policies.loaded import LoadedPolicy
from policies.proquint import words_of
from policies.vault_entry import VaultEntry
from signer.bitcoin.address import address_of
from signer.bitcoin.descriptor import SpendingPath, with_checksum
from signer.bitcoin.descriptor.read import read_descriptor
from signer.bitcoin.miniscript.locks import SEQUENCE_VALUE, after_in_time, older_in_time
from signer.core.moments import DAY, format_time
from signer.core.script_report import report_of, subject_of_descriptor
from signer.core.vault import CHANGE, RECEIVE

_SHOWN = ((RECEIVE, 0), (RECEIVE, 1), (RECEIVE, 2), (CHANGE, 0))
"""(branch, index) of the addresses that are shown; of a vault of fixed keys the first, which is all."""
_BRANCHES = {RECEIVE: "receive", CHANGE: "change"}
_BLOCKS_A_DAY = 144


def vaults_section(policy: LoadedPolicy) -> Markup:
    """All vaults."""
    shown = (part for entry in policy.vault_entries for part in _vault(entry))
    return element("section", element("h2", "Vaults"), *shown)


def _vault(entry: VaultEntry) -> Iterator[Markup]:
    vault, its = entry.vault, entry.vault.federation
    yield element("h3", f"Vault {vault.vault_id}")
    yield facts(
        (
            ("Fingerprint in words", element("span", words_of(vault.fingerprint), style="words")),
            ("Fingerprint", element("code", vault.fingerprint.hex())),
            (
                "Members",
                f"{its.threshold} of {its.members}; any {vault.may_be_silent} may be silent",
            ),
            ("f", _tolerated(vault.tolerated)),
            ("Template", element("code", entry.definition.template)),
            ("Checksum", element("code", with_checksum(vault.text).partition("#")[2])),
            ("Addresses", reach_line(vault)),
            *(("Deposits", line) for line in cap_lines(entry)),
        )
    )
    yield element("h4", "Spending paths")
    yield table(("Path", "Who signs", "Opens", "Input weight at most"), _paths(entry))
    yield items("ul", (line for line in path_lines(entry) if not line.startswith("Path ")))
    yield element("h4", "Witnesses")
    yield items("ul", witness_lines(vault))
    yield items("ul", (element("code", key.hex()) for key in vault.witnesses.log_keys))
    yield element("h4", "First addresses")
    yield table(("Place", "Address"), _addresses(entry))
    yield element("h4", "Keys")
    keys = enumerate(entry.definition.keys)
    yield table(("Place", "Key"), [(f"@{place}", element("code", key)) for place, key in keys])
    yield element("h4", coins_heading(entry))
    yield tree(entry.coins)


def _tolerated(dishonest: int) -> Markup:
    words = "no withdrawal is paid twice while at most that many members are dishonest"
    return joined(element("strong", str(dishonest)), f": {words}")


def _paths(entry: VaultEntry) -> Iterator[tuple[Part, ...]]:
    vault = entry.vault
    read = report_of(
        subject_of_descriptor(read_descriptor(with_checksum(vault.text), vault.network))
    )
    for path, weight in zip(vault.paths, read.weights, strict=True):
        yield path.name, who_signs(entry, path), opens(path), f"{weight} WU"


def opens(path: SpendingPath) -> str:
    """When a path opens, with days or the date where blocks or seconds are stated."""
    parts = list[str]()
    if path.older is not None:
        parts.append(_relative(path.older))
    if path.after is not None:
        parts.append(_absolute(path.after))
    return " and ".join(parts) or "at once"


def _relative(older: int) -> str:
    number = older & SEQUENCE_VALUE
    if older_in_time(older):
        return f"{512 * number} seconds after the coin, {_days(512 * number / DAY)}"
    return f"{number} blocks after the coin, {_days(number / _BLOCKS_A_DAY)}"


def _absolute(after: int) -> str:
    return f"at {format_time(after)}" if after_in_time(after) else f"at block {after}"


def _days(days: float) -> str:
    return f"about {days:.1f} days"


def _addresses(entry: VaultEntry) -> Iterator[tuple[Part, ...]]:
    vault = entry.vault
    for branch, index in _SHOWN[:1] if vault.is_fixed else _SHOWN:
        script = vault.script(branch, index).script_pubkey
        address = address_of(script, vault.network)
        yield f"{_BRANCHES[branch]} {index}", element("code", address)
