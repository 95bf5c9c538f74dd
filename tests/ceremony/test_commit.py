"""Commit, then open: what is refused, and one field away what is not."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from signer.ceremony.commit import (
    MAX_CONTRIBUTORS,
    Claim,
    Commitment,
    Opening,
    commit,
    commitment_text,
    contributions_of,
    gather,
    open_for,
    opening_text,
    read_commitment,
    read_opening,
)
from signer.ceremony.health import Health
from signer.core.errors import Refusal
from tests.ceremony.rounds import (
    CONTRIBUTORS,
    SECRETS,
    commitment_of,
    health_of,
    openings,
    whole_round,
)


def refused(code: str, call: Callable[..., object], *arguments: object) -> None:
    with pytest.raises(Refusal) as caught:
        call(*arguments)
    assert caught.value.code == code


def test_what_was_committed_to_is_opened() -> None:
    gathered = whole_round()
    assert contributions_of(gathered, reversed(openings(gathered))) == tuple(
        SECRETS[name] for name in sorted(SECRETS)
    )
    assert (gathered.ceremony, gathered.network.name) == ("vault-1", "regtest")


def test_a_commitment_binds_every_word_of_its_claim_and_the_contribution() -> None:
    health = health_of("alice")
    claim = Claim("vault-1", "regtest", "alice", health)
    others = [
        replace(claim, ceremony="vault-2"),
        replace(claim, network="signet"),
        replace(claim, contributor="alice2"),
        replace(claim, health=replace(health, source="token")),
        replace(claim, health=replace(health, longest=health.longest + 1)),
        replace(claim, health=replace(health, most=health.most + 1)),
    ]
    digests = {commit(each, SECRETS["alice"]).digest for each in [claim, *others]}
    assert len(digests) == 7
    assert commit(claim, SECRETS["bob"]).digest not in digests
    assert commit(claim, SECRETS["alice"]).digest in digests


def test_nobody_commits_to_what_is_no_entropy() -> None:
    claim = Claim("vault-1", "regtest", "alice", Health("os", 4_096, 4_096, 512))
    refused("ceremony-entropy-weak", commit, claim, bytes(32))


def test_the_order_of_the_commitments_does_not_matter_and_each_changes_the_round() -> None:
    all_of = [commitment_of(name) for name in CONTRIBUTORS]
    assert gather(reversed(all_of)) == gather(all_of)
    changed = replace(all_of[0], digest=bytes(32))
    assert gather([changed, *all_of[1:]]).digest != gather(all_of).digest
    assert gather(all_of[1:]).digest != gather(all_of).digest


def test_what_is_no_round() -> None:
    alice, machine = commitment_of("alice"), commitment_of("machine")
    gather([alice, machine])
    by_token = replace(machine, claim=replace(machine.claim, health=health_of("token")))
    weak = replace(machine.claim.health, longest=9)
    many = [
        replace(alice, claim=replace(alice.claim, contributor=f"a{number}"))
        for number in range(MAX_CONTRIBUTORS)
    ]
    gather([machine, *many[:-1]])
    for commitments in (
        [],
        [machine],
        [alice, machine, machine],
        [alice, commitment_of("bob")],
        [alice, by_token],
        [machine, *many],
        [machine, commitment_of("alice", ceremony="vault-2")],
        [machine, commitment_of("alice", network="signet")],
    ):
        refused("ceremony-incomplete", gather, commitments)
    stuck = replace(machine, claim=replace(machine.claim, health=weak))
    refused("ceremony-entropy-weak", gather, [alice, stuck])


def test_only_what_was_committed_to_opens() -> None:
    gathered = whole_round()
    open_for(gathered, "alice", SECRETS["alice"])
    differs = "ceremony-commitment-differs"
    refused(differs, open_for, gathered, "alice", SECRETS["bob"])
    refused(differs, open_for, gathered, "alice", SECRETS["alice"] + b"\0")
    refused("ceremony-incomplete", open_for, gathered, "mallory", SECRETS["alice"])


def test_a_round_is_opened_once_by_each_and_for_itself() -> None:
    gathered = whole_round()
    first, *rest = openings(gathered)
    for given in (rest, [first, first, *rest], [replace(first, contributor="mallory"), *rest]):
        refused("ceremony-incomplete", contributions_of, gathered, given)
    for wrong in (
        replace(first, contribution=bytes(32)),
        replace(first, round_digest=bytes(32)),
    ):
        refused("ceremony-commitment-differs", contributions_of, gathered, [wrong, *rest])


def test_texts_are_read_as_they_are_written_and_in_no_other_way() -> None:
    made = commitment_of("bob")
    text = commitment_text(made)
    assert read_commitment(text) == made
    opening = openings(whole_round())[0]
    assert read_opening(opening_text(opening)) == opening
    for read, good in ((read_commitment, text), (read_opening, opening_text(opening))):
        lines = good.split("\n")
        wrong = ["", good[:-1], good + "\n", good + "more: 1\n", good.replace("\n", "\r\n")]
        wrong += ["\n".join([*lines[:at], *lines[at + 1 :]]) for at in range(len(lines) - 1)]
        wrong += [
            "\n".join([*lines[:at], each + " ", *lines[at + 1 :]]) for at, each in enumerate(lines)
        ]
        for each in wrong:
            refused("ceremony-malformed", read, each)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("ceremony", "Vault"), ("ceremony", "a" * 41), ("network", "testnet5"), ("source", "lava"),
        ("contributor", "../alice"), ("contributor", ""), ("samples", "0120"), ("samples", "10000"),
        ("samples", "-1"), ("longest run", "x"), ("most of one value", ""), ("commitment", "00" * 31),
        ("commitment", "0G" * 32),
    ],
)  # fmt: skip
def test_a_commitment_s_values_are_bounded(key: str, value: str) -> None:
    lines = commitment_text(commitment_of("bob")).split("\n")
    changed = [f"{key}: {value}" if line.startswith(f"{key}:") else line for line in lines]
    assert changed != lines
    refused("ceremony-malformed", read_commitment, "\n".join(changed))


def test_what_holds_a_contribution_does_not_show_it() -> None:
    opening = Opening(bytes(32), "alice", b"\xaa" * 32)
    assert "aa" not in repr(opening).replace("alice", "")
    secret = SECRETS["alice"].hex()
    assert secret not in commitment_text(commitment_of("alice"))
    assert secret not in repr(commitment_of("alice"))
    assert isinstance(commitment_of("alice"), Commitment)
