"""The slice of `make fuzz` that runs everywhere: the corpus, and deterministic changes of it, without
atheris.
"""

from random import Random

import pytest

from signer.bitcoin import address
from signer.bitcoin.errors import Malformed
from signer.bitcoin.network import REGTEST
from tests.fuzz import address as address_target
from tests.fuzz.target import CORPUS, NAMES, Target, coded, target

CHANGES = {"policy": 150, "descriptor": 300}
"""Where reading costs more; elsewhere:"""
MANY = 1_000


@pytest.mark.parametrize("name", NAMES)
def test_the_corpus_is_accepted_and_is_what_its_target_makes(name: str) -> None:
    subject = target(name)
    assert subject.corpus() == dict(subject.seeds())
    refused = [seed for seed, data in subject.corpus().items() if not subject.accepts(data)]
    assert refused == []


def test_there_is_a_corpus_for_each_target() -> None:
    assert sorted(path.name for path in CORPUS.iterdir()) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_changes_of_the_corpus_keep_the_invariant(name: str) -> None:
    """Both ends are reached: what is refused, and what is accepted though it was changed."""
    subject = target(name)
    verdicts = [subject.accepts(data) for data in changed(subject, CHANGES.get(name, MANY))]
    assert verdicts.count(False) > len(verdicts) // 10
    if name not in ("address", "descriptor"):  # their checksums know every change
        assert True in verdicts


def changed(subject: Target, count: int) -> list[bytes]:
    """`count` inputs, one to three small changes away from a seed."""
    random, seeds = Random(subject.name), list(subject.corpus().values())
    return [_change(random, random.choice(seeds), random.choice(seeds)) for _ in range(count)]


def _change(random: Random, data: bytes, other: bytes) -> bytes:
    for _ in range(random.randint(1, 3)):
        at, end = sorted((random.randint(0, len(data)), random.randint(0, len(data))))
        end = min(end, at + 8)
        change = random.choice(
            (
                bytes(byte ^ (1 << random.randrange(8)) for byte in data[at : at + 1]),
                random.randbytes(random.randint(0, 4)),
                data[at:end] * 2,
                other[at:end],
            )
        )
        data = data[:at] + change + data[end if len(change) != 1 else at + 1 :]
    return data


def test_a_violation_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that forgets the prefix is caught by the target; so is a code that nobody knows."""
    good = target("address").corpus()["p2wpkh-regtest"]
    assert address_target.accepts(good)
    monkeypatch.setattr(
        address_target, "script_of", lambda text, _: address.script_of(text, REGTEST)
    )
    with pytest.raises(AssertionError):
        address_target.accepts(good)
    with pytest.raises(AssertionError):
        coded(Malformed("no-such-code", "unknown"))
