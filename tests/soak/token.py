"""Invariant: 16 callers ask a token for signatures while keepers are killed and stopped and objects go away;
each request ends, before its deadline, in a low-S signature that verifies, or in a refusal of the catalogue.

1. As long as keepers are started again and the objects come back, none is refused.
2. At the end all keepers are killed and stay away: then each caller is told `token-unavailable` before its
   deadline. They come back, and each caller has its signature.
3. A request that waits beyond its deadline is a violation, and nobody waits for it.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import NamedTuple

from keystore.token.gate import TokenKey, sign_tasks
from keystore.token.links import Links, LinksSetting
from signer.bitcoin.hashes import sha256
from signer.bitcoin.secp import parse_der, verify_ecdsa
from signer.bitcoin.sighash import SIGHASH_ALL
from signer.core.catalogue import CATALOGUE
from signer.core.errors import Refusal
from signer.core.spend import SigningTask
from tests.token.keepers import end_keeper, keeper_links, start_keeper
from tests.token.softhsm import VAULT_KEY, SoftToken, installed

FULL = 20_000
CALLERS, KEEPERS = 16, 2
DEADLINE, SHORT, GRACE = 30.0, 2.0, 1.0
"""Seconds: of a request, of one while no keeper is there, and what a caller that was not scheduled is given
beyond."""
WATCHDOG, AWAY = 2.0, 1.0
"""Seconds after which a stopped keeper is killed, and for which the objects are gone."""
EACH = 600
"""Signatures between two mishaps."""
TOLD = 2_000
"""Requests between two lines of progress."""
_MISHAPS = ("kill", "stop", "away", "kill", "kill all", "stop")


class Outcome(NamedTuple):
    """Of one request."""

    code: str
    """Of the refusal; empty: signed."""
    seconds: float
    wrong: str
    """What breaks the invariant."""


@dataclass
class Company:
    """A token and its keepers, started again when they end, as a service manager does."""

    token: SoftToken
    links: Links
    path: Path
    keepers: list[subprocess.Popen[str]] = field(default_factory=list)
    stopped: dict[int, float] = field(default_factory=dict)
    """Process id -> when."""
    away: threading.Event = field(default_factory=threading.Event)
    """Nobody starts them again (2)."""
    over: threading.Event = field(default_factory=threading.Event)

    def supervise(self) -> None:
        while not self.over.wait(0.05):
            if self.away.is_set():
                continue
            for place, keeper in enumerate(self.keepers):
                since = self.stopped.get(keeper.pid)
                if since is not None and time.monotonic() - since > WATCHDOG:
                    keeper.kill()
                if keeper.poll() is not None:
                    end_keeper(keeper)
                    self.keepers[place] = start_keeper(self.token, self.path)

    def befall(self, mishap: str, random: Random) -> None:
        """One mishap."""
        keeper = random.choice(self.keepers)
        match mishap:
            case "kill":
                keeper.kill()
            case "kill all":
                self.kill_all()
            case "stop":
                self.stopped[keeper.pid] = time.monotonic()
                keeper.send_signal(signal.SIGSTOP)
            case _:
                gone = self.token.folder / "away"
                self.token.objects.rename(gone)
                self.over.wait(AWAY)
                gone.rename(self.token.objects)

    def kill_all(self) -> None:
        for each in self.keepers:
            each.kill()
            each.wait()


@dataclass
class Calls:
    """The callers' requests: each takes the next number."""

    links: Links
    key: TokenKey
    n: int
    seconds: float
    """That each request has."""
    numbers: Iterator[int]
    taking: threading.Lock = field(default_factory=threading.Lock)
    begun: dict[int, float] = field(default_factory=dict)
    """Request -> when, of those that have not ended."""
    outcomes: list[Outcome] = field(default_factory=list)

    def start(self) -> list[threading.Thread]:
        callers = [threading.Thread(target=self._call, daemon=True) for _ in range(CALLERS)]
        for each in callers:
            each.start()
        return callers

    def hung(self) -> list[int]:
        """Requests that wait beyond their deadline (3)."""
        late = time.monotonic() - self.seconds - 2 * GRACE
        return [number for number, began in list(self.begun.items()) if began < late]

    def _call(self) -> None:
        while True:
            with self.taking:
                number = next(self.numbers, None)
            if number is None:
                return
            self.begun[number] = time.monotonic()
            self.outcomes.append(_one(self, number))
            del self.begun[number]

    def wrong(self) -> list[str]:
        found = [each.wrong for each in self.outcomes if each.wrong]
        found += [f"request {number} waits beyond its deadline" for number in self.hung()]
        if len(self.outcomes) != self.n:
            found.append(f"{len(self.outcomes)} of {self.n} requests ended")
        return found


def run(n: int, seed: int) -> list[str]:
    """What was wrong."""
    found = installed()
    if found is None:
        return ["SoftHSM 2 is not there: run scripts/setup.sh"]
    folder = Path(tempfile.mkdtemp(prefix="pegwarden-token-"))
    token = SoftToken(folder / "token", found)
    pubkey = token.make_keys()
    links = keeper_links(folder / "keeper.sock", LinksSetting(os.getuid()))
    company = Company(token, links, folder / "keeper.sock")
    company.keepers += [start_keeper(token, company.path) for _ in range(KEEPERS)]
    supervisor = threading.Thread(target=company.supervise)
    supervisor.start()
    key = TokenKey(VAULT_KEY, pubkey)
    try:
        wrong = _signed(company, Calls(links, key, n, DEADLINE, iter(range(n))), Random(seed))
        return wrong or _without_keepers(company, key)
    finally:
        company.over.set()
        supervisor.join()
        for keeper in company.keepers:
            end_keeper(keeper)
        links.close()
        shutil.rmtree(folder)


def _signed(company: Company, calls: Calls, random: Random) -> list[str]:
    """All of them, while mishaps befall the company."""
    began = time.monotonic()
    befallen = Counter(_befallen(company, calls, random))
    seconds = time.monotonic() - began
    refused = Counter(each.code for each in calls.outcomes if each.code)
    print(
        f"token: {len(calls.outcomes) - refused.total()} signed, {dict(refused)} refused, "
        f"{len(calls.outcomes) / seconds:.0f}/s, "
        f"longest {max((each.seconds for each in calls.outcomes), default=0):.1f} s; "
        f"{dict(befallen)}, {company.links.tally()}",
        flush=True,
    )
    wrong = [f"request refused: {code}" for code in refused]
    return wrong + calls.wrong()


def _befallen(company: Company, calls: Calls, random: Random) -> Iterator[str]:
    """A mishap for each EACH signatures, while callers are at work."""
    callers, happened, told = calls.start(), 0, 0
    while any(each.is_alive() for each in callers) and not calls.hung():
        ended = len(calls.outcomes)
        if ended >= EACH * happened + EACH // 4:
            mishap = _MISHAPS[happened % len(_MISHAPS)]
            with suppress(ProcessLookupError):
                company.befall(mishap, random)
            happened += 1
            yield mishap
        if ended >= told + TOLD:
            told = ended
            print(f"token: {ended} of {calls.n} ended", flush=True)
        company.over.wait(0.02)


def _without_keepers(company: Company, key: TokenKey) -> list[str]:
    """Refused in time, and signed when the keepers are back (2)."""
    company.away.set()
    company.kill_all()
    refused = Calls(company.links, key, CALLERS, SHORT, iter(range(CALLERS)))
    for each in refused.start():
        each.join(SHORT + 3 * GRACE)
    company.away.clear()
    signed = Calls(company.links, key, CALLERS, DEADLINE, iter(range(CALLERS)))
    for each in signed.start():
        each.join(DEADLINE + 3 * GRACE)
    codes = Counter(each.code for each in refused.outcomes)
    print(f"token: without keepers {dict(codes)}; they come back", flush=True)
    wrong = [
        f"without keepers: {code or 'signed'}" for code in codes if code != "token-unavailable"
    ]
    wrong += [f"keepers are back: {each.code}" for each in signed.outcomes if each.code]
    return wrong + refused.wrong() + signed.wrong()


def _one(calls: Calls, number: int) -> Outcome:
    digest = sha256(number.to_bytes(4, "big"))
    task = SigningTask(0, 0, calls.key.pubkey, b"", b"", SIGHASH_ALL, digest)
    began = time.monotonic()
    code, wrong = "", ""
    try:
        (signature,) = sign_tasks(calls.links, calls.key, (task,), began + calls.seconds)
        parse_der(signature.signature[:-1])  # low S
        verify_ecdsa(calls.key.pubkey, digest, signature.signature[:-1])
    except Refusal as refusal:
        code = refusal.code
        if code not in CATALOGUE:
            wrong = f"request {number}: {code} is in no catalogue"
    except Exception as error:
        wrong = f"request {number}: {error!r}"
    seconds = time.monotonic() - began
    if seconds > calls.seconds + GRACE:
        wrong = f"request {number} took {seconds:.1f} s"
    return Outcome(code, seconds, wrong)
