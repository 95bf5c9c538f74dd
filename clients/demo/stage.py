"""Three members, each with its own directory, authority, keys, journal and process.

1. Everything is done by `pegwarden init`, `key bind` and `serve`, as each member would on its own machine.
2. A process is ended by the process that was started: politely, or by `kill` as a crash would. Where a member
   is several processes, a crash ends all of them.
"""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from clients.bitcoind import free_port
from clients.demo.command import pegwarden, pegwarden_arguments
from clients.demo.narrator import Unexpected
from clients.demo.processes import kill_all, running
from clients.demo.softhsm import Token
from clients.member import Credentials, Member, Unreachable

NAMES = ("alice", "bob", "carol")
THRESHOLD = 2
START_SECONDS = 60.0
FORMER = "former"
"""A caller with a certificate whom the configuration no longer names."""
ISSUED = ("relayer:relayer", "indexer:indexer", "officer:officer", f"{FORMER}:relayer")


@dataclass
class House:
    """One member's directory and, while it serves, its process."""

    name: str
    directory: Path
    address: str
    xpubs: dict[str, str]
    """By the vault key's name, which in the demo is the vault's."""
    log_key: str = ""
    """Hexadecimal, as `init` told it."""
    token: Token | None = None
    """Where it keeps or seals its keys."""
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def xpub(self) -> str:
        """Of the first vault."""
        return next(iter(self.xpubs.values()))

    @property
    def config(self) -> str:
        """The member's configuration file."""
        return str(self.directory / "pegwarden.toml")

    @property
    def passphrase(self) -> str:
        """The file with the member's passphrase."""
        return str(self.directory.parent / f"{self.name}.passphrase")

    @property
    def log(self) -> Path:
        """What its processes say."""
        return self.directory / "log.jsonl"

    @property
    def environment(self) -> Mapping[str, str]:
        """What its processes see beside ours."""
        return {} if self.token is None else self.token.environment

    @property
    def pin_options(self) -> tuple[str, ...]:
        """Of commands that log in to its token."""
        return () if self.token is None else ("--pin-file", str(self.token.pin_file))

    @property
    def serve_command(self) -> list[str]:
        """The process of the whole member."""
        opened = ("--config", self.config, "--passphrase-file", self.passphrase)
        return pegwarden_arguments("serve", *opened, *self.pin_options)

    def credentials(self, caller: str) -> Credentials:
        """What the member gave to that caller."""
        tls = self.directory / "tls"
        return Credentials(tls / "ca.pem", tls / f"{caller}.pem", tls / f"{caller}.key")

    def connect(self, caller: str = "relayer") -> Member:
        """A channel to its kernel."""
        return Member(self.name, self.address, self.credentials(caller))

    def serve(self) -> None:
        """Start it."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.serve_command,
                env=os.environ | self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait_until_it_answers(self) -> None:
        """Raises Unexpected when it does not."""
        with self.connect() as member:
            try:
                member.wait_ready(START_SECONDS)
            except Unreachable as silent:
                log = self.log.read_text()[-2_000:]
                raise Unexpected(f"{silent}; its log ends with: {log}") from None

    def crash(self) -> None:
        """Kill it, as a power failure would."""
        if self.process is not None:
            kill_all(self.process, running(self.log).values())
            self.process = None

    def stop(self) -> None:
        """Ask it to stop. Raises Unexpected when it does not do so cleanly."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            status = self.process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            self.crash()
            raise Unexpected(f"{self.name} did not stop when asked") from None
        self.process = None
        if status != 0:
            raise Unexpected(f"{self.name} stopped with status {status}")


def build(
    directory: Path,
    name: str,
    vault_keys: tuple[str, ...] = ("vault",),
    issued: tuple[str, ...] = ISSUED,
) -> House:
    """`pegwarden init` for one member, with keys of these names and certificates for these callers."""
    house = House(name, directory / name, f"127.0.0.1:{free_port()}", {})
    passphrase = Path(house.passphrase)
    passphrase.touch(mode=0o600)
    passphrase.write_text(f"{os.urandom(12).hex()}\n")
    made = pegwarden(
        *("init", str(house.directory), "--network", "regtest", "--name", name),
        *("--listen", house.address, "--passphrase-file", house.passphrase),
        *(option for caller in issued for option in ("--issue", caller)),
        *(option for key in vault_keys for option in ("--vault-key", key)),
    )
    if issued is ISSUED:
        _forget(Path(house.config), FORMER)
    house.xpubs, house.log_key = made["xpubs"], made["log_key"]
    return house


def _forget(config: Path, caller: str) -> None:
    """Strike a caller's block from the configuration, and its name from the sources of headers, as an
    operator would with an editor."""
    before, block, after = config.read_text().partition(f'[callers."{caller}"]')
    if not block:
        raise Unexpected(f"{config} has no caller {caller}")
    rest = after.partition("\n[")
    text = before + (f"[{rest[2]}" if rest[1] else "")
    config.write_text(text.replace(f', "{caller}"', "").replace(f'"{caller}", ', ""))
