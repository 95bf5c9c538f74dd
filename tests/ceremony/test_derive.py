"""The seed a second time: by a program that shares no code, from the texts and the openings alone."""

from dataclasses import replace

import pytest

from keystore.secret import Secret
from keystore.vault_key import account_text
from signer.bitcoin.network import network_named
from signer.ceremony.commit import Claim, commit, commitment_text, gather, open_for
from signer.ceremony.derive import derive_seed
from signer.core.errors import Refusal
from tests.ceremony import second
from tests.ceremony.rounds import (
    CONTRIBUTORS,
    SECRETS,
    commitment_of,
    health_of,
    openings,
    samples_of,
    whole_round,
)

SEED = "e39ad970bd1c4cc0bf385f6d4e58ce23fc0367fcc32bd81aa5887c49bbf4d952"


def test_a_known_answer() -> None:
    """Whoever changes a tag, an order or a text changes keys that people hold on paper."""
    gathered = whole_round()
    assert derive_seed(gathered, openings(gathered)).hex() == SEED


def test_a_second_implementation_derives_the_same() -> None:
    gathered = whole_round()
    texts = {name: commitment_text(commitment_of(name)) for name in CONTRIBUTORS}
    for name, source in CONTRIBUTORS.items():
        assert second.contribution(samples_of(name, source)) == SECRETS[name]
        *head, last, _ = texts[name].split("\n")
        assert last == f"commitment: {second.commitment(head, SECRETS[name])}"
    assert second.round_digest(texts) == gathered.digest
    assert second.seed(texts, SECRETS) == derive_seed(gathered, openings(gathered))


@pytest.mark.parametrize("network", ["regtest", "mainnet"])
def test_the_key_is_the_second_implementations_too(network: str) -> None:
    gathered = gather(commitment_of(name, network=network) for name in CONTRIBUTORS)
    seed = derive_seed(gathered, openings(gathered))
    ours = account_text(Secret(seed), network_named(network))
    assert ours == second.key_text(seed, network)


def test_every_contribution_changes_the_seed() -> None:
    """Whoever drew one contribution by chance has made a seed that nobody chose."""
    seeds = {derive_seed(whole_round(), openings(whole_round()))}
    for name in CONTRIBUTORS:
        other = commit(Claim("vault-1", "regtest", name, health_of(name)), b"\x07" * 32)
        gathered = gather(other if each == name else commitment_of(each) for each in CONTRIBUTORS)
        secrets = SECRETS | {name: b"\x07" * 32}
        given = [open_for(gathered, each, secrets[each]) for each in CONTRIBUTORS]
        seeds.add(derive_seed(gathered, given))
    assert len(seeds) == 1 + len(CONTRIBUTORS)


def test_a_machine_that_changes_its_mind_is_refused() -> None:
    """The attack that commitments are for: the machine sees all openings and picks its own share, so that the
    seed is one that it likes."""
    gathered = whole_round()
    given = openings(gathered)
    steered = [
        replace(each, contribution=b"\x01" * 32) if each.contributor == "machine" else each
        for each in given
    ]
    with pytest.raises(Refusal) as caught:
        derive_seed(gathered, steered)
    assert caught.value.code == "ceremony-commitment-differs"
    assert len(derive_seed(gathered, given)) == 32
