"""Commit, then open: nobody, the machine included, chooses a contribution after seeing another's.

1. A contribution is 32 bytes: a hash of samples that were tested (`signer.ceremony.health`).
2. A commitment covers ceremony, network, contributor, counts and contribution; 256 bits of entropy hide it.
3. A round is all commitments: of at least two contributors, the machine that derives the seed among them. Its
   digest is what people compare before they open, and every opening names it.
4. Texts are lines `key: value`, each ended by LF; only what these functions write is read.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from signer.bitcoin.errors import Malformed
from signer.bitcoin.hashes import tagged_hash
from signer.bitcoin.network import Network, network_named
from signer.ceremony.health import SOURCES, Health, require_healthy
from signer.core.acts_fields import Values, read_count, read_hash
from signer.core.errors import Objection, Refusal

COMMITMENT_HEADING = "pegwarden key ceremony commitment, version 1"
OPENING_HEADING = "pegwarden key ceremony opening, version 1"
MACHINE = "machine"
"""The contributor that is the machine on which the seed is derived."""
MAX_CONTRIBUTORS = 32
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_MANY = 9_999


@dataclass(frozen=True, slots=True)
class Claim:
    """What a contributor says of a contribution, without it."""

    ceremony: str
    network: str
    contributor: str
    health: Health


@dataclass(frozen=True, slots=True)
class Commitment:
    """A contribution that cannot be changed any more. Tells nothing of it."""

    claim: Claim
    digest: bytes


@dataclass(frozen=True, slots=True)
class Round:
    """All commitments of a ceremony, by contributor. Born in `gather`."""

    commitments: tuple[Commitment, ...]

    @property
    def ceremony(self) -> str:
        """Its name, the same in all commitments."""
        return self.commitments[0].claim.ceremony

    @property
    def network(self) -> Network:
        """Likewise."""
        return network_named(self.commitments[0].claim.network)

    @property
    def digest(self) -> bytes:
        """What is compared before anything is opened."""
        texts = [commitment_text(each).encode() for each in self.commitments]
        sized = b"".join(len(text).to_bytes(2, "big") + text for text in texts)
        return tagged_hash("pegwarden/ceremony/round/v1", sized)


@dataclass(frozen=True, slots=True)
class Opening:
    """A contribution, given up for one round. A secret."""

    round_digest: bytes
    contributor: str
    contribution: bytes = field(repr=False)


def contribution_of(samples: bytes) -> bytes:
    """Rule 1."""
    return tagged_hash("pegwarden/ceremony/samples/v1", samples)


def commit(claim: Claim, contribution: bytes) -> Commitment:
    """Rule 2. Raises Refusal `ceremony-entropy-weak`."""
    require_healthy(claim.health, claim.contributor)
    text = _claim_text(claim).encode()
    return Commitment(claim, tagged_hash("pegwarden/ceremony/commitment/v1", text + contribution))


def gather(commitments: Iterable[Commitment]) -> Round:
    """The round of these commitments, given in any order. Raises Refusal `ceremony-incomplete`,
    `ceremony-entropy-weak`."""
    ordered = tuple(sorted(commitments, key=lambda each: each.claim.contributor))
    claims = [each.claim for each in ordered]
    names = [claim.contributor for claim in claims]
    if not 2 <= len(names) <= MAX_CONTRIBUTORS or len(set(names)) != len(names):
        raise _incomplete("a round is one commitment of each of 2 to 32 contributors")
    if len({(claim.ceremony, claim.network) for claim in claims}) != 1:
        raise _incomplete("the commitments are of different ceremonies or networks")
    if not any(claim.contributor == MACHINE and claim.health.source == "os" for claim in claims):
        raise _incomplete(f"no commitment of the contributor `{MACHINE}`, of source os")
    for claim in claims:
        require_healthy(claim.health, claim.contributor)
    return Round(ordered)


def open_for(gathered: Round, contributor: str, contribution: bytes) -> Opening:
    """The opening of one's own commitment. Raises Refusal `ceremony-incomplete`,
    `ceremony-commitment-differs`."""
    found = [each for each in gathered.commitments if each.claim.contributor == contributor]
    if not found:
        raise _incomplete(f"the round holds no commitment of {contributor}")
    if commit(found[0].claim, contribution) != found[0]:
        raise _differs(f"{contributor} committed to something else")
    return Opening(gathered.digest, contributor, contribution)


def contributions_of(gathered: Round, openings: Iterable[Opening]) -> tuple[bytes, ...]:
    """What was contributed, in the round's order; every commitment is opened, and rightly. Raises Refusal
    `ceremony-incomplete`, `ceremony-commitment-differs`."""
    given = sorted(openings, key=lambda each: each.contributor)
    if [each.contributor for each in given] != [
        each.claim.contributor for each in gathered.commitments
    ]:
        raise _incomplete("a round is opened by one opening of each of its contributors")
    for each in given:
        if open_for(gathered, each.contributor, each.contribution) != each:
            raise _differs(f"{each.contributor} opened for another round")
    return tuple(each.contribution for each in given)


def commitment_text(commitment: Commitment) -> str:
    """The text that is handed round; nothing in it is a secret."""
    return f"{_claim_text(commitment.claim)}commitment: {commitment.digest.hex()}\n"


def read_commitment(text: str) -> Commitment:
    """The inverse. Raises Refusal `ceremony-malformed`."""
    value = _values(text)
    try:
        counts = (value["samples"], value["longest run"], value["most of one value"])
        health = read_health(value["source"], counts)
        claim = claimed(value["ceremony"], value["network"], value["contributor"], health)
        commitment = Commitment(claim, read_hash(value["commitment"]))
    except (KeyError, ValueError, Malformed):
        raise malformed_text("no commitment of a key ceremony") from None
    require_canonical(commitment_text(commitment), text)
    return commitment


def opening_text(opening: Opening) -> str:
    """The text that goes to the machine that derives the seed, and nowhere else."""
    head = f"{OPENING_HEADING}\nround: {opening.round_digest.hex()}\n"
    return f"{head}contributor: {opening.contributor}\ncontribution: {opening.contribution.hex()}\n"


def read_opening(text: str) -> Opening:
    """The inverse. Raises Refusal `ceremony-malformed`, which says nothing of the text."""
    value = _values(text)
    try:
        contribution = read_hash(value["contribution"])
        opening = Opening(read_hash(value["round"]), _name(value["contributor"]), contribution)
    except (KeyError, ValueError):
        raise malformed_text("no opening of a key ceremony") from None
    require_canonical(opening_text(opening), text)
    return opening


def read_health(source: str, counts: Iterable[str]) -> Health:
    """Of the counts as texts write them. Raises ValueError."""
    samples, longest, most = (read_count(each, 0, _MANY) for each in counts)
    return Health(source, samples, longest, most)


def claimed(ceremony: str, network: str, contributor: str, health: Health) -> Claim:
    """A claim in words that are names. Raises ValueError, Malformed."""
    if health.source not in SOURCES:
        raise ValueError(health.source)
    return Claim(_name(ceremony), network_named(network).name, _name(contributor), health)


def malformed_text(detail: str) -> Refusal:
    """Rule 4."""
    return Refusal(Objection("ceremony-malformed", detail))


def _claim_text(claim: Claim) -> str:
    health = claim.health
    lines = (
        COMMITMENT_HEADING,
        f"ceremony: {claim.ceremony}",
        f"network: {claim.network}",
        f"contributor: {claim.contributor}",
        f"source: {health.source}",
        f"samples: {health.samples}",
        f"longest run: {health.longest}",
        f"most of one value: {health.most}",
        "",
    )
    return "\n".join(lines)


def _name(text: str) -> str:
    if NAME.fullmatch(text) is None:
        raise ValueError(text)
    return text


def _values(text: str) -> Values:
    return dict(line.partition(": ")[::2] for line in text.split("\n"))


def require_canonical(written: str, text: str) -> None:
    """Rule 4."""
    if written != text:
        raise malformed_text("a text that is not in the form in which it is written")


def _incomplete(detail: str) -> Refusal:
    return Refusal(Objection("ceremony-incomplete", detail))


def _differs(detail: str) -> Refusal:
    return Refusal(Objection("ceremony-commitment-differs", detail))
