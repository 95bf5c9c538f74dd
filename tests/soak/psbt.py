"""Invariant: a mutated PSBT is refused with a code of the catalogue, or it is written again byte for byte."""

from signer.bitcoin.errors import Malformed
from signer.bitcoin.psbt.reader import parse_psbt
from signer.bitcoin.psbt.writer import serialize_psbt
from signer.core.catalogue import CATALOGUE
from tests.bitcoin.psbt_mutation import mutants

FULL = 100_000


def run(n: int, seed: int) -> list[bytes]:
    """The mutants that break the invariant."""
    return [mutant for mutant in mutants(seed, n) if not _holds(mutant)]


def _holds(mutant: bytes) -> bool:
    try:
        return serialize_psbt(parse_psbt(mutant)) == mutant
    except Malformed as error:
        return error.code in CATALOGUE
    except Exception:
        return False
