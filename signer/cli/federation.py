"""Several members' standings beside each other, for `pegwarden status --federation`.

1. A federation file is the asker's own: for each member its address, and who we are to it. Like a
   configuration it is read to the letter.
2. A member that cannot be asked is a row, too; the others are asked all the same, at once.
3. What members must agree on is compared: chain, policy in force, vaults, time. What each says of itself is
   its own word.
"""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from signer.cli.control_service import asked_status
from signer.cli.kernel_client import KernelClient
from signer.cli.options import columns
from signer.clock import MAX_DIFFERENCE
from signer.core.errors import Objection, Refusal
from signer.core.moments import format_time
from signer.toml_table import read_toml

if TYPE_CHECKING:
    from pegwarden.v1 import control_pb2 as pb
    from pegwarden.v1 import kernel_pb2 as kb

FORMAT = "pegwarden-federation/1"
MOST, MAX_FILE = 64, 1 << 16


@dataclass(frozen=True, slots=True)
class Standing:
    """What a member says of itself, or why it says nothing."""

    name: str
    said: "tuple[pb.GetStatusResponse, kb.GetInfoResponse] | str"

    @property
    def is_ready(self) -> bool:
        """By its own word."""
        return not isinstance(self.said, str) and not self.said[0].not_ready_reasons


def read_federation(file: Path) -> Mapping[str, KernelClient]:
    """Member -> how to ask it. Raises Refusal `config-unreadable` and those of `read_toml`."""
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_FILE + 1)
    except OSError as error:
        raise Refusal(Objection("config-unreadable", f"{file}: {error.strerror}")) from None
    if len(content) > MAX_FILE:
        raise Refusal(Objection("config-unreadable", f"{file}: longer than {MAX_FILE} bytes"))
    top = read_toml(file, content)
    if top.text("format") != FORMAT:
        top.refuse("format", f"is {FORMAT!r}")
    members: dict[str, KernelClient] = {}
    for name, table in top.table("members").tables():
        files = [table.path(key) for key in ("ca", "certificate", "key")]
        members[name] = KernelClient(table.text("address"), *files)
        table.end()
    top.end()
    if not 1 <= len(members) <= MOST:
        raise Refusal(Objection("config-value", f"{file}: `members` are 1 to {MOST} tables"))
    return members


def ask_all(members: Mapping[str, KernelClient]) -> tuple[Standing, ...]:
    """One for each, in the file's order."""
    with ThreadPoolExecutor(len(members)) as pool:
        return tuple(pool.map(_ask, members, members.values()))


def _ask(name: str, kernel: KernelClient) -> Standing:
    import grpc  # noqa: PLC0415 (slow, and not needed to say what is wrong with a file)

    try:
        return Standing(name, asked_status(kernel))
    except grpc.RpcError as error:
        if not isinstance(error, grpc.Call):
            raise
        return Standing(name, f"cannot be asked: {error.details()}")
    except OSError as error:
        return Standing(name, f"cannot be asked: {error.filename}: {error.strerror}")


def disagreements(standings: Iterable[Standing]) -> list[str]:
    """On what those who answer differ."""
    said = {each.name: each.said for each in standings if not isinstance(each.said, str)}
    compared = {
        "network": {name: info.genesis_hash.hex() for name, (_, info) in said.items()},
        "policy": {name: info.policy_id.hex() for name, (_, info) in said.items()},
        "vaults": {
            name: " ".join(sorted(vault.fingerprint.hex() for vault in info.vaults))
            for name, (_, info) in said.items()
        },
    }
    found = [_told(what, values) for what, values in compared.items()]
    times = [status.clock_unix for status, _ in said.values()]
    apart = max(times, default=0) - min(times, default=0)
    if apart > MAX_DIFFERENCE:
        found.append(f"effective times are {apart} s apart (limit {MAX_DIFFERENCE} s)")
    return [each for each in found if each]


def _told(what: str, values: Mapping[str, str]) -> str:
    """Who says what, in groups; empty where all say the same."""
    groups: dict[str, list[str]] = {}
    for name, value in values.items():
        groups.setdefault(value, []).append(name)
    if len(groups) < 2:
        return ""
    return f"{what}: " + "; ".join(f"{', '.join(names)} {value}" for value, names in groups.items())


def member_json(standing: Standing) -> dict[str, object]:
    """One row for machines."""
    if isinstance(standing.said, str):
        return {"name": standing.name, "is_ready": False, "fault": standing.said}
    status, info = standing.said
    return {
        "name": standing.name,
        "is_ready": standing.is_ready,
        "state": status.state,
        "not_ready_reasons": list(status.not_ready_reasons),
        "version": info.version,
        "network": info.network,
        "policy_id": info.policy_id.hex(),
        "policy_version": info.policy_version,
        "policy_expires_unix": status.policy_expires_unix,
        "log_key": status.log_key.hex(),
        "entries": status.entries,
        "epoch": status.epoch,
        "clock_unix": status.clock_unix,
        "pending_entries": list(status.pending_entries),
        "room_is_closed": status.custody.room_is_closed,
        "keys": [f"{key.vault_id}: {key.kind}" for key in status.custody.keys],
    }


def table(standings: Sequence[Standing]) -> list[str]:
    """For people."""
    head = ("member", "state", "policy", "entries", "epoch", "pending", "time", "keys")
    rows = []
    for each in standings:
        if isinstance(each.said, str):
            rows.append((each.name, "away", *("",) * (len(head) - 2)))
            continue
        status, info = each.said
        state = status.state if each.is_ready else f"{status.state}, not ready"
        kinds = ", ".join(sorted({key.kind for key in status.custody.keys}))
        version, now = str(info.policy_version), format_time(status.clock_unix)
        numbers = (str(status.entries), str(status.epoch), str(len(status.pending_entries)))
        rows.append((each.name, state, version, *numbers, now, kinds))
    return [*columns(head, rows), *_reasons(standings)]


def _reasons(standings: Iterable[Standing]) -> list[str]:
    return [
        f"{each.name}: {reason}"
        for each in standings
        for reason in (
            [each.said] if isinstance(each.said, str) else each.said[0].not_ready_reasons
        )
    ]
