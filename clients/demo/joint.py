"""Three more members, whose kernels witness each other: 2 of 3 sign, and 2 of 3 grant what is signed.

1. Log keys are exchanged before the policy, which lists them; everything else is done as in `stage`.
2. What members say to each other is carried by the relayer, with a certificate of the role `witness`.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from carrier.round import Carrier, Report
from clients.attestor.attestor import AttestorKey
from clients.demo.bridge import Told, change_of, confirmed
from clients.demo.charter import bind, signed_charter
from clients.demo.custody import Keystore, move_in, seal_keys
from clients.demo.narrator import Narrator, Unexpected, expect
from clients.demo.officers import officers_of
from clients.demo.policy import People, witnessed_policy_text
from clients.demo.scene import FEE, VAULT, Cast, withdrawal_id
from clients.demo.stage import THRESHOLD, House, build
from clients.demo.story import deposit
from clients.member import Member
from clients.relayer.coins import VaultCoin
from clients.relayer.draft import Draft, Order
from clients.relayer.federation import lacks_grants
from pegwarden.v1 import audit_pb2

NAMES = ("dora", "erik", "faye")
ISSUED = ("relayer:relayer,witness", "officer:officer")
AMOUNTS = {"granted": 40_000_000, "attacked": 30_000_000, "one": 5_000_000, "other": 5_000_000}
"""`one` and `other` are equal."""
FIRST_BURN = 200
DEPOSITS = (60_000_000, 50_000_000, 45_000_000)
ROUNDS = 50
NO_WAIT = "\n[agreement]\nwait_seconds = 0\n"


def orders(cast: Cast) -> dict[str, Order]:
    """Their withdrawals; all of them burned."""
    return {
        name: Order(withdrawal_id(number), cast.wallet.address, amount)
        for number, (name, amount) in enumerate(AMOUNTS.items(), FIRST_BURN)
    }


def found_joint(
    directory: Path, keys: tuple[AttestorKey, ...], keystore: Keystore
) -> tuple[House, ...]:
    """Three members that do not serve yet."""
    directory.mkdir(parents=True)
    officers = officers_of(directory)
    with ThreadPoolExecutor(len(NAMES) + len(officers)) as people:  # each on a machine of its own
        made = [people.submit(officer.make) for officer in officers]
        houses = tuple(people.map(lambda name: build(directory, name, (VAULT,), ISSUED), NAMES))
        list(people.map(move_in, houses, keystore))
        for each in made:
            each.result()
        listed = People(
            tuple(key.public for key in keys), tuple(officer.listed for officer in officers)
        )
        xpubs, log_keys = ([getattr(each, name) for each in houses] for name in ("xpub", "log_key"))
        text = witnessed_policy_text(THRESHOLD, xpubs, listed, log_keys)
        charter = signed_charter(directory, text)
        list(people.map(lambda house: bind(house, charter.arguments()), houses))
        list(people.map(seal_keys, houses, keystore))
    for house in houses:
        with Path(house.config).open("a") as config:
            config.write(NO_WAIT)
    return houses


def head_of(kernel: Member) -> audit_pb2.GetHeadResponse:
    """Where it stands with the others."""
    return kernel.ask(audit_pb2.GetHeadRequest(), audit_pb2.GetHeadResponse)


def carry(kernels: Sequence[Member]) -> int:
    """Until nobody waits; how many rounds it took. Raises Unexpected."""
    carrier, report = Carrier(kernels), Report()
    for number in range(1, ROUNDS):
        report = carrier.carry()
        if not report.waiting and not report.failures:
            return number
    raise Unexpected(f"{report.waiting}, {report.failures}")


def start_together(cast: Cast, narrator: Narrator) -> None:
    """Every start is a restore: none serves before it has read what binds it."""
    (waiting, *_) = head_of(cast.kernels[0]).waiting_for
    narrator.step(f"{cast.kernels[0].name} started, and {waiting}")
    carry(cast.kernels)
    narrator.step("a carrier brought what they say to each other: all three grant and sign")


def granted_withdrawal(
    cast: Cast, told: Told, narrator: Narrator
) -> tuple[Draft, tuple[VaultCoin, ...]]:
    """Recorded, granted, signed, confirmed. Its draft, and the coins that are left."""
    coins = []
    for index, amount in enumerate(DEPOSITS, 1):
        txid, coin = deposit(cast, (VAULT, index), amount, narrator)
        told.deposits.append(txid)
        coins.append(coin)
    cast.burn(orders(cast))
    relayer = cast.relayer
    draft = relayer.construct((orders(cast)["granted"],), (coins[0],), FEE)
    answer = relayer.federation.sign(cast.kernels[0], draft)
    expect(lacks_grants(answer) and not answer.psbt, "signed without a grant")
    (missing,) = answer.pending.missing
    narrator.step(f"{cast.kernels[0].name} has it on record and signs nothing: {missing.detail}")
    txid = confirmed(cast, relayer.finish(draft))
    told.withdrawals.append(txid)
    told.agreement["signed with grants"] += 1
    narrator.step(f"the relayer carried the grants, two signed: {txid}")
    return draft, (*coins[1:], change_of(draft))
