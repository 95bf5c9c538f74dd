"""The burns on the second layer that an attestor has seen, as a list in a JSON file (`listed`):

    [{"withdrawal_id": hex, "amount_sat": n, "address": text}]

Rule 1: an id stands in it once; addresses are of the attestor's network.
Rule 2: a burn that was paid stays in it: equal ones are counted.
"""

from dataclasses import dataclass
from pathlib import Path

from clients.attestor.chain import NotSeen
from clients.attestor.listed import Row, read_rows
from signer.bitcoin.address import script_of
from signer.bitcoin.errors import Malformed
from signer.bitcoin.network import Network
from signer.bitcoin.units import sats_checked
from signer.core.payment import WithdrawalId, WithdrawalTerms

_KEYS = frozenset(("withdrawal_id", "amount_sat", "address"))


@dataclass(frozen=True, slots=True)
class BurnList:
    """Burns in a file."""

    path: Path
    network: Network

    def withdrawal(self, withdrawal_id: WithdrawalId) -> WithdrawalTerms:
        """What is owed for that burn. Raises NotSeen or BadList."""
        burns = self._read()
        if withdrawal_id not in burns:
            raise NotSeen(f"no burn has the withdrawal id {withdrawal_id.hex()}")
        return burns[withdrawal_id]

    def equal(self, terms: WithdrawalTerms) -> int:
        """How many burns have that amount and script, that one included. Raises BadList."""
        return sum(
            (each.amount, each.script_pubkey) == (terms.amount, terms.script_pubkey)
            for each in self._read().values()
        )

    def _read(self) -> dict[WithdrawalId, WithdrawalTerms]:
        burns: dict[WithdrawalId, WithdrawalTerms] = {}
        for row in read_rows(self.path, "burn", _KEYS):
            terms = self._terms(row)
            if terms.withdrawal_id in burns:
                raise row.bad("the id stands there twice")
            burns[terms.withdrawal_id] = terms
        return burns

    def _terms(self, row: Row) -> WithdrawalTerms:
        try:
            script = script_of(row.text("address"), self.network)
            amount = sats_checked(row.number("amount_sat"))
        except Malformed as error:
            raise row.bad(str(error)) from None
        return WithdrawalTerms(row.octets("withdrawal_id", 32), amount, script)
