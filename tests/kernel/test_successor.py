"""A real kernel empties its vault into the successor in the sealed header, beyond the caps of its key, and
into nothing else; after a restart neither was forgotten."""

from pathlib import Path

import pytest

from keystore.caps import Caps
from keystore.header import Limits
from keystore.sealed import limit
from pegwarden.v1 import kernel_pb2 as pb
from pegwarden.v1 import types_pb2 as t
from signer.bitcoin.units import Sats
from signer.core.errors import Refusal
from signer.core.evidence import SweepTerms
from tests import federation
from tests.core.spends import NOW, Coin
from tests.kernel.room import (
    Member,
    Running,
    attested,
    construct_request,
    policy_text,
    sign_request,
)
from tests.kernel.test_caps import cap

NEXT = federation.vault(2, 3, 3, "next")
CAPS = Caps(Sats(60_000_000), Sats(100_000_000))
"""Below the coins of the tests, of 1 BTC each."""
KEYS = ", ".join(f'"{each.key_text}"' for each in federation.MEMBERS[3:6])
WIDE = "and(attested(2, watchers), fee_at_most(0.01 BTC), outflow_at_most(24h, 20 BTC))"
"""The policy's windows count what is moved, too."""
MORE = f"""
[[allow]]
spend = "rotation"
from  = "peg"
to    = "next"
when  = "attested(2, watchers)"

[vaults.next]
template = "wsh(sortedmulti(2,@0/**,@1/**,@2/**))"
keys     = [{KEYS}]
lookahead = 20
coins    = "attested(2, watchers)"
"""


@pytest.fixture
def member(tmp_path: Path) -> Member:
    made = Member(tmp_path / "a", 0, policy_text(more=MORE, when=WIDE)).init()
    cap(made, CAPS)
    return made


def rotate(running: Running, number: int) -> str:
    """A coin moves to the next vault: `ok`, or the code with which it is refused."""
    coin = Coin(salt=number, index=number)
    request = pb.ConstructSweepTxRequest(
        vault_id="peg",
        to_vault_id="next",
        coins=construct_request((coin,)).coins,
        fee_rate_sat_per_kvb=2_000,
    )
    built = pb.ConstructSweepTxResponse.FromString(running.call("ConstructSweepTx", request))
    evidence = [*attested((coin,), ()), *moved(number)]
    try:
        running.sign(pb.SignPsbtRequest(vault_id="peg", psbt=built.psbt, attestations=evidence))
    except Refusal as refusal:
        return refusal.code
    return "ok"


def moved(number: int) -> list[t.Attestation]:
    """Two watchers' word for the rotation."""
    said = SweepTerms(2, NEXT.fingerprint, 0, Sats(100_000), bytes([number]) * 16)
    realm, expiry = federation.vault().realm, NOW + 1_800
    found = []
    for watcher in federation.WATCHERS[:2]:
        word = watcher.attest(realm, expiry, said)
        message = t.Attestation(
            attestor=word.attestor, expiry_unix=word.expiry, signature=word.signature
        )
        message.sweeps.add(
            kind=t.SWEEP_KIND_ROTATION,
            to_vault_fingerprint=said.to_fingerprint,
            path_index=said.path,
            max_fee_sat=said.max_fee,
            nonce=said.nonce,
        )
        found.append(message)
    return found


def pay(running: Running, number: int) -> str:
    coins, payments = (Coin(salt=number),), ((number, 50_000_000 + number),)
    built = running.construct(construct_request(coins, payments))
    try:
        running.sign(sign_request(built, attested(coins, payments)))
    except Refusal as refusal:
        return refusal.code
    return "ok"


def test_a_vault_is_emptied_into_its_successor_and_into_nothing_else(member: Member) -> None:
    running = member.start()
    assert rotate(running, 1) == "cap-per-spend"
    running.stop()
    limit(member._file("vault"), Limits(CAPS, b"\x05" * 32))
    running = member.start()
    assert rotate(running, 2) == "cap-per-spend"
    running.stop()
    limit(member._file("vault"), Limits(CAPS, NEXT.fingerprint))
    running = member.start()
    assert [rotate(running, number) for number in (3, 4, 5)] == ["ok"] * 3
    running.stop()


def test_what_moved_to_the_successor_is_not_counted_by_the_next_start(member: Member) -> None:
    """The journal's entries are counted as the gate counted them: the day has room but for three fees."""
    limit(member._file("vault"), Limits(CAPS, NEXT.fingerprint))
    running = member.start()
    assert [rotate(running, number) for number in (1, 2, 3)] == ["ok"] * 3
    running.stop()
    (ledger,) = (member.folder / "ledgers").iterdir()
    ledger.write_bytes(ledger.read_bytes()[:32])  # what a power failure may take: all comes back
    running = member.start()
    assert [pay(running, number) for number in (11, 12)] == ["ok", "cap-per-day"]
    running.stop()
