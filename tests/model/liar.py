"""The one member that may be dishonest, where a federation bears one (f = 1).

1. Its vault key signs everything (`Driver._signed`). Its log key grants everything, void entries too, and
   recalls what suits it; its log is shown with entries that no honest kernel writes.
2. It has a clone: two kernels that go on from one directory, each answering as if it were the only one.
3. It cannot say that its log is longer than it is: a start needs every other member in a federation of four,
   so this member can keep others from starting anyway, by its silence (docs/agreement.md).
"""

from dataclasses import replace
from typing import TYPE_CHECKING

from carrier.member import NoAnswer
from pegwarden.v1 import audit_pb2 as au
from signer.bitcoin.network import REGTEST
from signer.core.agreement.messages import Granted, Message, Recollection, signed_message
from signer.core.agreement.notices import AgreedNotice, VoidNotice
from signer.journal.codec import encode_entry
from signer.journal.entry import Entry, SignedEntry
from signer.journal.merkle import Frontier, leaf_hash
from signer.journal.note import Head, origin_of, sign_head
from tests.model.carried import Tapped
from tests.model.hosts import Process

if TYPE_CHECKING:
    from tests.model.driver import Driver

_MOST = 12
"""Entries that are granted at once, the newest."""


def _victim(driver: "Driver") -> Process | None:
    honest = driver.honest
    if not driver.liar or driver.liar not in driver.running or not honest:
        return None
    return driver.running[driver.random.choice(honest)]


def _tell(driver: "Driver", victim: Process, request: au.WitnessRequest) -> None:
    try:
        Tapped(victim, driver.carried, driver.violations).ask(request, au.WitnessResponse)
    except NoAnswer as error:
        driver.tally[f"lie: {str(error).split(':')[1].strip()}"] += 1
    else:
        driver.tally["lie: heard"] += 1


def _signed(driver: "Driver", message: Message) -> bytes:
    keystore = driver.running[driver.liar].keystore
    return signed_message(message, REGTEST.genesis_hash, keystore)


def grant_all(driver: "Driver") -> None:
    """Whatever another member wrote last, void or not, contradicting or not."""
    victim = _victim(driver)
    if victim is None:
        return
    me = driver.running[driver.liar].log_key
    with victim.journal.reading() as reading:
        entries = driver.logs[victim.name].read(reading)
    wrote = [number for number, each in enumerate(entries) if isinstance(each, SignedEntry)]
    messages = []
    for number in wrote[-_MOST:]:
        leaf = leaf_hash(encode_entry(entries[number]))
        said = Granted(me, victim.log_key, victim.journal.incarnation, number, leaf)
        messages.append(_signed(driver, said))
    _tell(driver, victim, au.WitnessRequest(messages=messages))


def recall_little(driver: "Driver") -> None:
    """To another member's start: a log of one entry that knows nothing, and a wrong time (3)."""
    victim = _victim(driver)
    if victim is None:
        return
    me = driver.running[driver.liar]
    with me.journal.reading() as reading:
        root = reading.tree().root(1)
    said = Recollection(
        witness=me.log_key,
        origin=victim.log_key,
        incarnation=victim.journal.incarnation,
        size=1,
        root=root,
        known_head="",
        clock=driver.now + driver.random.choice((-5_000, 0, 5_000)),
    )
    _tell(driver, victim, au.WitnessRequest(messages=[_signed(driver, said)]))


def write_untrue(driver: "Driver") -> None:
    """Its log, gone on with a void of what is agreed, with an agreement of nobody, or with an entry whose
    claims are not those of its transaction."""
    victim = _victim(driver)
    if victim is None or not driver.all_serve:
        return
    me = driver.running[driver.liar]
    with me.journal.reading() as reading:
        records = list(reading.records(0, reading.size(), 2**62))
        entries = driver.logs[driver.liar].read(reading)
    more = _untrue(driver, entries, records)
    if more is None:
        return
    records.append(encode_entry(more))
    edge = Frontier()
    for record in records:
        edge = edge.append(leaf_hash(record))
    head = Head(origin_of(REGTEST.genesis_hash, me.log_key), edge.size, edge.root())
    known = {each.log_key: each.size for each in victim.head().followed}
    start = known.get(me.log_key, 0)
    log = au.MemberLog(
        log_key=me.log_key,
        head=sign_head(head, me.keystore),
        start=start,
        records=records[start:],
    )
    driver.is_forked = True
    _tell(driver, victim, au.WitnessRequest(log=log, standing=me.head().standing))


def _untrue(driver: "Driver", entries: list[Entry], records: list[bytes]) -> Entry | None:
    signed = [number for number, each in enumerate(entries) if isinstance(each, SignedEntry)]
    if not signed:
        return None
    number = driver.random.choice(signed[-6:])
    leaf, entry = leaf_hash(records[number]), entries[number]
    assert isinstance(entry, SignedEntry)
    return driver.random.choice(
        (
            VoidNotice(driver.now, number, leaf, "timed-out"),
            AgreedNotice(driver.now, number, leaf, ()),
            replace(entry, claims=replace(entry.claims, payments=())),
        )
    )


def clone(driver: "Driver") -> None:
    """Two kernels from now on; or only the older one again."""
    name = driver.liar
    if name not in driver.running or not driver.all_serve:
        return
    driver.is_forked = True
    if name in driver.team.clones:
        driver.team.end_clone(name)
        return
    driver.team.stop(name)
    driver.team.clone(name)
    driver.team.start(name)
