"""What a token changes, and what it does not: who signs, keepers that are killed, a token that is pulled out.

1. In each of two vaults one spend is signed by all three members, and it is seen what signed.
2. Keepers that are killed while one is asked leave a signature or a clear refusal; the same request is signed
   soon after.
3. Without its token a member refuses, in time, for the vault whose key is in it. Its sealed keys sign on:
   their seeds are in the kernel since its start. The two other members are enough meanwhile.
"""

import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from clients.demo.bridge import Told, change_of, confirmed, decided
from clients.demo.custody import Custody, Keystore
from clients.demo.hostile import refusal_of
from clients.demo.narrator import Narrator, expect
from clients.demo.processes import keepers
from clients.demo.scene import FEE, TAPROOT, VAULT, Cast
from clients.demo.stage import House
from clients.demo.story import deposit
from clients.demo.who_signed import (
    Members,
    expect_kinds,
    expect_signed,
    kind_answered,
    kinds_told,
)
from clients.member import Refused
from clients.relayer.coins import VaultCoin
from clients.relayer.draft import Draft
from clients.relayer.federation import Federation
from clients.relayer.moves import move_draft
from pegwarden.v1 import kernel_pb2

AWAY = "token-unavailable"
"""No keeper answers; or one does, and sees a token without the key."""
SIGNED = "signed"
PLACE, AMOUNT = 20, 10_000_000
"""Of a deposit in each vault, on its receive branch; satoshis."""
PATIENCE = 60.0
Sign = Callable[[], kernel_pb2.SignPsbtResponse]


@dataclass(frozen=True, slots=True)
class Company:
    """Who plays in this act."""

    cast: Cast
    houses: tuple[House, ...]
    keystore: Keystore

    @property
    def pinned(self) -> int:
        """The place of the member whose key is in its token."""
        return self.keystore.index(Custody.PINNED)

    @property
    def members(self) -> Members:
        """With what they have."""
        return zip(self.houses, self.keystore, strict=True)

    def federation(self, vault_id: str) -> Federation:
        """Of that vault."""
        return self.cast.sides[vault_id].relayer.federation

    def sign(self, vault_id: str, draft: Draft) -> Sign:
        """Asks the member with the token."""
        federation = self.federation(vault_id)
        return partial(federation.sign, federation.members[self.pinned], draft)

    def sweep(self, vault_id: str, coin: VaultCoin) -> Draft:
        """A spend that any policy of the demo allows at any time."""
        move = decided(self.cast, vault_id, vault_id)
        return move_draft(self.cast.sides[vault_id].relayer, move, (coin,), FEE)

    def finish(self, vault_id: str, draft: Draft) -> VaultCoin:
        """Confirmed; the coin that it made."""
        confirmed(self.cast, self.cast.sides[vault_id].relayer.finish(draft))
        return change_of(draft)


def token_act(company: Company, told: Told, narrator: Narrator) -> None:
    """The whole act, where a member has a token."""
    if Custody.PINNED not in company.keystore:
        return
    narrator.chapter("A token")
    coins = {each: seen_signing(company, each, told, narrator) for each in (VAULT, TAPROOT)}
    coins[VAULT] = keepers_killed(company, coins[VAULT], narrator)
    token_pulled_out(company, coins, narrator)


def tell_witnesses(houses: tuple[House, ...], keystore: Keystore, told: Told) -> None:
    """What signs for the one vault of members that witness each other, one of whom was put back."""
    if Custody.PINNED not in keystore:
        return
    (vault,) = kinds_told(houses[0])
    kinds = expect_kinds(zip(houses, keystore, strict=True), VAULT, vault)
    told.signed_by[f"{VAULT}, witnessed"] = kinds


def seen_signing(company: Company, vault_id: str, told: Told, narrator: Narrator) -> VaultCoin:
    """A coin of that vault, swept (1)."""
    txid, coin = deposit(company.cast, (vault_id, PLACE), AMOUNT, narrator)
    told.deposits.append(txid)
    draft, federation = company.sweep(vault_id, coin), company.federation(vault_id)
    for house, kernel in zip(company.houses, federation.members, strict=True):
        expect_signed(house, vault_id, federation.sign(kernel, draft).psbt)
    fingerprint = company.cast.sides[vault_id].fingerprint.hex()
    kinds = expect_kinds(company.members, vault_id, fingerprint)
    answered = [kind_answered(kernel, vault_id) for kernel in federation.members]
    expect(answered == list(kinds.values()), f"the logs say {kinds}, the kernels {answered}")
    told.signed_by[vault_id] = kinds
    said = ", ".join(f"{name} by {kind}" for name, kind in kinds.items())
    narrator.step(f"a spend of {vault_id}, signed by each of them: {said}")
    return company.finish(vault_id, draft)


def keepers_killed(company: Company, coin: VaultCoin, narrator: Narrator) -> VaultCoin:
    """All of them (2)."""
    house, draft = company.houses[company.pinned], company.sweep(VAULT, coin)
    sign = company.sign(VAULT, draft)
    victims = _keepers_in_time(house)
    with ThreadPoolExecutor(1) as relayer:
        asked = relayer.submit(_outcome, sign)
        for pid in victims:
            with suppress(ProcessLookupError):  # it ended by itself, and is started again
                os.kill(pid, signal.SIGKILL)
        outcome = asked.result()
    narrator.step(f"{house.name}'s keepers were killed while it was asked to sign: {outcome}")
    _signed_in_time(house, sign)
    narrator.step(f"{house.name} has other keepers, and signs the same request")
    return company.finish(VAULT, draft)


def token_pulled_out(company: Company, coins: dict[str, VaultCoin], narrator: Narrator) -> None:
    """Rule 3."""
    house, pinned = company.houses[company.pinned], company.pinned
    if house.token is None:
        raise TypeError(f"{house.name} has no token")
    drafts = {each: company.sweep(each, coin) for each, coin in coins.items()}
    sign, members = company.sign(VAULT, drafts[VAULT]), company.cast.kernels
    with house.token.away():
        refused = refusal_of(sign, "a member without its token")
        expect(refused.code == AWAY, f"a member without its token: {refused}")
        narrator.refused("a spend, of a member without its token", (refused,))
        expect_signed(house, TAPROOT, company.sign(TAPROOT, drafts[TAPROOT])().psbt)
        narrator.step(f"{house.name} signs for {TAPROOT} all the same: that seed is in its kernel")
        Federation(members[:pinned] + members[pinned + 1 :], VAULT).collect(drafts[VAULT])
        narrator.step("the two others are enough for what it refused")
    _signed_in_time(house, sign)
    narrator.step(f"{house.name} has its token back, and signs the same request")
    for vault_id, draft in drafts.items():
        company.finish(vault_id, draft)


def _keepers_in_time(house: House) -> list[int]:
    """One at least. Raises Unexpected."""
    deadline = time.monotonic() + PATIENCE
    while not (found := keepers(house.log)):
        expect(time.monotonic() < deadline, f"{house.name} has no keepers")
        time.sleep(0.1)
    return found


def _outcome(sign: Sign) -> str:
    """SIGNED, or one of the refusals that may be. Raises Refused."""
    try:
        sign()
    except Refused as refused:
        if refused.code != AWAY:
            raise
        return refused.code
    return SIGNED


def _signed_in_time(house: House, sign: Sign) -> None:
    """Asked again and again. Raises Unexpected."""
    deadline = time.monotonic() + PATIENCE
    while _outcome(sign) != SIGNED:
        expect(time.monotonic() < deadline, f"{house.name} never signs again")
    expect_signed(house, VAULT, sign().psbt)
