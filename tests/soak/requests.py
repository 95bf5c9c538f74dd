"""Invariant: a mutated SignPsbt request is refused with a code of the catalogue; or what is signed pays the
attested amount to the attested script, once, and all the rest, but a fee below the cap, to the vault's
change. Whatever is sent, the honest request stays possible.

The PSBT, the claims or the evidence of a good request are changed; or bytes of the message itself.
"""

import tempfile
from pathlib import Path
from random import Random

from pegwarden.v1 import kernel_pb2 as pb
from signer.bitcoin.psbt.reader import parse_psbt
from signer.bitcoin.transaction import Transaction
from signer.core.catalogue import CATALOGUE
from signer.core.errors import Refusal
from signer.core.vault import CHANGE
from tests import federation
from tests.bitcoin.psbt_mutation import mutate
from tests.core.spends import USER_SCRIPT, Coin
from tests.kernel.room import (
    RELAYER,
    Member,
    Running,
    attested,
    construct_request,
    sign_request,
)

FULL = 100_000
AMOUNT, FEE_CAP, LOOKAHEAD = 60_000_000, 1_000_000, 40
COINS = (Coin(), Coin(salt=1, index=1))


def run(n: int, seed: int) -> list[bytes]:
    """The requests that break the invariant."""
    with tempfile.TemporaryDirectory() as folder:
        kernel = Member(Path(folder) / "member", 0).init().start()
        try:
            return _campaign(kernel, n, Random(seed))
        finally:
            kernel.stop()


def _campaign(kernel: Running, n: int, random: Random) -> list[bytes]:
    built = kernel.construct(construct_request(COINS, ((1, AMOUNT),)))
    good = sign_request(built, attested(COINS, ((1, AMOUNT),)))
    broken = []
    for number in range(n):
        if number == n // 2:  # the first half meets an empty record, the second a signed withdrawal
            kernel.sign(good)
        request = _mutant(random, good)
        if not _holds(kernel, request):
            broken.append(request)
    if kernel.sign(good).txid != built.unsigned_txid:
        broken.append(good.SerializeToString())
    return broken


def _mutant(random: Random, good: pb.SignPsbtRequest) -> bytes:
    request = pb.SignPsbtRequest()
    request.CopyFrom(good)
    if random.random() < 0.2:
        return mutate(random, request.SerializeToString())
    change = random.randrange(4)
    if change == 0:
        request.payments[0].vout = random.choice((0, 1, 2, 0xFFFFFFFF))
    elif change == 1:
        del request.attestations[random.randrange(len(request.attestations))]
    if change != 1:
        for _ in range(random.randint(1, 3)):
            request.psbt = mutate(random, request.psbt)
    return request.SerializeToString()


def _holds(kernel: Running, request: bytes) -> bool:
    try:
        answer = kernel.handler.handle("SignPsbt", RELAYER, request)
    except Refusal as refusal:
        return refusal.code in CATALOGUE
    except Exception:
        return False
    signed = pb.SignPsbtResponse.FromString(answer)
    return _harmless(parse_psbt(signed.psbt).transaction)


def _harmless(transaction: Transaction) -> bool:
    """Judged without the kernel's own verify."""
    known = {coin.outpoint: coin.amount for coin in COINS}
    spent = [known.get(txin.previous, 0) for txin in transaction.inputs]
    paid = [each.amount for each in transaction.outputs if each.script_pubkey == USER_SCRIPT]
    vault = federation.vault()
    ours = {vault.script(CHANGE, index).script_pubkey for index in range(LOOKAHEAD)}
    rest = [each for each in transaction.outputs if each.script_pubkey != USER_SCRIPT]
    fee = sum(spent) - sum(each.amount for each in transaction.outputs)
    return (
        all(spent)
        and paid == [AMOUNT]
        and all(each.script_pubkey in ours for each in rest)
        and 0 <= fee <= FEE_CAP
    )
