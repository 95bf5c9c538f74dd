"""`key bind` verifies the officers' words at the time that goes on record with them."""

from types import SimpleNamespace

import pytest

from policies.load import load_policy
from signer.genesis import genesis_act
from signer.journal.audit import verify_journal
from tests.cli.desk import Desk, MemberPlace
from tests.cli.test_policy_change import (
    OFFICERS,
    _power_fails,
    act_files,
    bind,
    governed_member,
    start_refused,
)

NOW, HOUR = 1_800_000_000, 3_600


def test_words_that_expired_by_the_record_s_time_are_not_recorded(
    fresh: MemberPlace, pegwarden: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine's clock was an hour ahead when the journal was begun. Time on record never goes back, so
    the officers' words would be recorded after their expiry, and no start would accept them."""
    place = governed_member(fresh)
    act = genesis_act(load_policy(place.policy.read_bytes()))
    short = [officer.says(act, NOW + HOUR) for officer in OFFICERS]
    long = [officer.says(act, NOW + HOUR + 1) for officer in OFFICERS]

    def at(moment: int) -> None:
        monkeypatch.setattr("signer.cli.binding.time", SimpleNamespace(time=lambda: moment))

    at(NOW + HOUR)
    with monkeypatch.context() as patched:
        patched.setattr("signer.cli.binding.open_journal", _power_fails)
        files = act_files(place, *long)
        assert pegwarden("key", "bind", place.policy, *place.opened, *files).status == 1
    journal = place.directory / "journal.sqlite"
    at(NOW)
    assert bind(place, pegwarden, *short) == "act-expired"
    assert verify_journal(journal).entries == 1
    assert bind(place, pegwarden, *long) == "ok"
    assert verify_journal(journal).entries == 1 + 1 + 3 + 1
    assert start_refused(place) == "ok"
