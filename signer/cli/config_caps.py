"""The caps of vault keys beside the most that the policy lets leave, for `pegwarden config check`.

1. A cap below that refuses honest traffic, which is why it is a warning and not an error: one may mean it.
2. A cap above it binds nothing as long as policy and core are right; it holds what goes wrong in them.
3. A key without caps signs whatever the policy lets pass.
4. A bound key with caps and without its ledger, as after `key restore`, keeps the kernel from starting
   (`cap-ledger-missing`): it is missing, and the command that makes one is named. So does one without caps
   beside a ledger of its vault (`cap-ledger-unused`).
Files and policy that do not fit each other are not compared: `missing` says why.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from keystore.caps import Caps
from keystore.header import Header
from keystore.hsm_sealed import header_of
from keystore.ledger import RECORD_SIZE, START_SIZE
from keystore.sealed import read_sealed
from policies.analysis.allowance import Allowance, allowance
from signer.config import KernelConfig
from signer.core.errors import Refusal
from signer.member_files import key_of, read_policy

Json = dict[str, object]

LONG = 100_000
"""Records of a ledger: 9 MB, all of it read at each start."""


@dataclass(frozen=True, slots=True)
class ComparedCaps:
    """Of one vault key."""

    path: Path
    caps: Caps | None
    allowed: Allowance | None
    """None where the policy is not known, or has no vault of that key."""
    records: int = 0
    """Of its ledger."""

    def findings(self) -> Iterator[tuple[str, str]]:
        """(name, how it stands to what the policy lets leave) of both caps."""
        if self.caps is None or self.allowed is None:
            return
        for name in Caps.__slots__:
            cap, most = getattr(self.caps, name), getattr(self.allowed, name)
            yield name, _standing(cap, most)


def compared_caps(config: KernelConfig) -> tuple[ComparedCaps, ...]:
    """Of each vault key whose file can be read, as it says in the open."""
    headers = {}
    for path in config.keys.vaults:
        with suppress(Refusal):
            headers[path] = header_of(read_sealed(path))
    allowed: dict[Path, Allowance] = {}
    with suppress(Refusal):
        policy = read_policy(config)
        by_text = {header.public: path for path, header in headers.items()}
        for vault in policy.vaults:
            path = key_of(vault, by_text)
            limits = headers[path].limits
            allowed[path] = allowance(policy, vault, b"" if limits is None else limits.successor)
    return tuple(
        ComparedCaps(
            path,
            None if header.limits is None else header.limits.caps,
            allowed.get(path),
            _records(config.keys.ledgers, header),
        )
        for path, header in headers.items()
    )


def lacks_ledger(ledgers: Path, header: Header) -> bool:
    """Whether that bound key has caps, and a ledger that is absent or empty (4)."""
    if header.limits is None or header.binding is None:
        return False
    with suppress(OSError):
        return (ledgers / header.binding.vault_fingerprint.hex()).stat().st_size == 0
    return True


def missing_ledgers(config: KernelConfig) -> Iterator[str]:
    """A line for each key without its ledger, or without caps beside one (4)."""
    for path in config.keys.vaults:
        with suppress(Refusal):
            header = header_of(read_sealed(path))
            if header.limits is not None and lacks_ledger(config.keys.ledgers, header):
                caps = header.limits.caps
                mend = f"{path} --per-spend {caps.per_spend} --per-day {caps.per_day}"
                yield f"{path}: has caps and no ledger; run `pegwarden key caps set {mend}`"
            elif header.limits is None and header.binding is not None:
                ledger = config.keys.ledgers / header.binding.vault_fingerprint.hex()
                if ledger.exists():
                    yield f"{path}: has no caps, and {ledger} is a ledger of its vault: an older file?"


def _records(ledgers: Path, header: Header) -> int:
    """By the size of the file; 0 where there is none."""
    if header.binding is None:
        return 0
    with suppress(OSError):
        size = (ledgers / header.binding.vault_fingerprint.hex()).stat().st_size
        return max(0, size - START_SIZE) // RECORD_SIZE
    return 0


def caps_json(each: ComparedCaps) -> Json:
    """As a JSON object."""
    most = each.allowed
    return {
        "has_caps": each.caps is not None,
        "policy": None if most is None else asdict(most),
        "caps_are": dict(each.findings()),
        "ledger_records": each.records,
    }


def caps_lines(each: ComparedCaps) -> Iterator[str]:
    """For people."""
    caps = each.caps
    if caps is None:
        yield f"caps: {each.path} has none: what the policy lets pass is signed (`key caps set`)"
    else:
        yield f"caps: {each.path}: {caps.per_spend} sat a transaction, {caps.per_day} sat a day"
    if each.allowed is not None:
        most = each.allowed
        yield f"  policy: {_sats(most.per_spend)} a transaction, {_sats(most.per_day)} a day"
    for name, standing in each.findings():
        yield f"  {name}: {_SAYS[standing]}"
    if each.records > LONG:
        yield f"  ledger: {each.records} records are read at each start (`key caps fold`)"


_SAYS = {
    "below": "warning: below what the policy lets pass; honest traffic beyond the cap is refused",
    "equal": "as much as the policy lets pass",
    "above": "above what the policy lets pass: binds nothing while policy and core do",
}


def _sats(most: int | None) -> str:
    return "any amount" if most is None else f"{most} sat"


def _standing(cap: int, most: int | None) -> str:
    if most is None or cap < most:
        return "below"
    return "equal" if cap == most else "above"
