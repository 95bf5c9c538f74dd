"""The pure line beside the limit and beside peers, case by case, in interleaved rounds."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from bench.bdk import BdkProcess, bdk_process
from bench.cases import Case, Request, Signer, open_member, request
from bench.core_wallet import core, core_wallet
from bench.limit import bare, paired
from bench.line import fresh_line, pure_line
from bench.peers import PEERS, Peer, Trial, Unable, proven
from bench.rounds import HOPELESS, SLOW, Figure, expected, measure, once
from clients.bitcoind import Bitcoind
from signer.bitcoin.errors import Malformed
from signer.core.errors import Refusal

OURS = ("limit", "limit_paired", "pegwarden", "pegwarden_first")
NAMES = ("embit", "wallycore", "wallycore_ready", "bdkpython", "btclib", "core")


@dataclass
class Row:
    """One case with one number of inputs."""

    case: str
    inputs: int
    figures: dict[str, Figure] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    """Why there is no figure."""

    def ms(self, name: str) -> float | None:
        figure = self.figures.get(name)
        return None if figure is None else figure.median_ms

    def ratio(self, name: str, to: str) -> float | None:
        """How often the second goes into the first."""
        one, other = self.ms(name), self.ms(to)
        return None if one is None or other is None else one / other

    def as_json(self) -> dict[str, object]:
        names = (*OURS, *NAMES)
        found: dict[str, object] = {"case": self.case, "inputs": self.inputs}
        found |= {f"{name}_ms": self.ms(name) for name in names}
        found["rounds"] = {name: each.rounds for name, each in self.figures.items()}
        found["reasons"] = {f"{name}_ms": reason for name, reason in self.reasons.items()}
        return found


def compare(cases: tuple[Case, ...], directory: Path, budget: float) -> Iterator[Row]:
    """One row after another; `budget`: seconds of rounds for each."""
    with ExitStack() as opened:
        node = opened.enter_context(Bitcoind.start(directory / "pure-node"))
        bdk = opened.enter_context(bdk_process())
        for case in cases:
            yield from _rows(case, node, bdk, budget)


def _rows(case: Case, node: Bitcoind, bdk: BdkProcess, budget: float) -> Iterator[Row]:
    try:
        member = open_member(case)
    except (Malformed, Refusal) as refusal:
        reasons = dict.fromkeys((*OURS, *NAMES), f"the vault is refused: {refusal}")
        yield from (Row(case.name, count, {}, reasons) for count in case.counts)
        return
    peers = dict(PEERS) | {"bdkpython": bdk.prepare} | _core(node, member)
    earlier: dict[str, list[tuple[int, float]]] = {name: [] for name in peers}
    for count in case.counts:
        row = Row(case.name, count)
        trials = _trials(request(member, count), peers, row, earlier)
        row.figures |= measure(trials, budget)
        for name in peers:
            if (found := row.ms(name)) is not None:
                earlier[name].append((count, found / 1_000))
        yield row


def _core(node: Bitcoind, member: Signer) -> dict[str, Callable[[Request], Peer]]:
    try:
        return {"core": core(core_wallet(node, member))}
    except Unable as unable:
        return {"core": _refusing(str(unable))}


def _refusing(reason: str) -> Callable[[Request], Peer]:
    def prepare(_: Request) -> Peer:
        raise Unable(reason)

    return prepare


def _trials(
    asked: Request,
    peers: dict[str, Callable[[Request], Peer]],
    row: Row,
    earlier: dict[str, list[tuple[int, float]]],
) -> dict[str, Trial]:
    """What takes part in the rounds; other figures, and reasons for none, go into the row."""
    is_taproot = asked.member.case.is_taproot
    trials = {
        "limit": bare(asked.inputs, is_taproot),
        "limit_paired": paired(asked.inputs, is_taproot),
        "pegwarden": pure_line(asked),
        "pegwarden_first": fresh_line(asked),
    }
    for name, prepare in peers.items():
        try:
            seconds = expected(earlier[name], asked.inputs)
            if seconds > HOPELESS:
                raise Unable(f"about {seconds:.0f} s by its smaller cases: not awaited")
            ready = prepare(asked)
            seconds = proven(asked, ready)
            if seconds > SLOW:
                row.figures[name] = once(seconds)
            else:
                trials[name] = ready.trial
        except Unable as unable:
            row.reasons[name] = str(unable)
    return trials
