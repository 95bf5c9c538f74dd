"""The burns on the second layer that an attestor has seen, as a list in a JSON file.

A stand-in for a second-layer client: `[{"withdrawal_id": hex, "amount_sat": n, "address": text}]`.
1. The file is read anew at each question: burns come while the attestor runs.
2. An id stands in it once; unknown keys, floats and other networks' addresses are refused.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from clients.attestor.chain import NotSeen
from signer.bitcoin.address import script_of
from signer.bitcoin.errors import Malformed
from signer.bitcoin.network import Network
from signer.bitcoin.units import sats_checked
from signer.core.payment import WithdrawalId, WithdrawalTerms

_KEYS = {"withdrawal_id", "amount_sat", "address"}


class BadBurnList(Exception):
    """The file is not a list of burns; the message says where."""


@dataclass(frozen=True, slots=True)
class BurnList:
    """Burns in a file."""

    path: Path
    network: Network

    def withdrawal(self, withdrawal_id: WithdrawalId) -> WithdrawalTerms:
        """What is owed for that burn. Raises NotSeen or BadBurnList."""
        try:
            return self._read()[withdrawal_id]
        except KeyError:
            raise NotSeen(f"no burn has the withdrawal id {withdrawal_id.hex()}") from None

    def _read(self) -> dict[WithdrawalId, WithdrawalTerms]:
        try:
            rows = json.loads(self.path.read_text())
        except (OSError, ValueError) as error:
            raise BadBurnList(f"{self.path}: {error}") from None
        if not isinstance(rows, list):
            raise BadBurnList(f"{self.path} is not a list")
        burns: dict[WithdrawalId, WithdrawalTerms] = {}
        for number, row in enumerate(rows, 1):
            terms = self._terms(row, f"{self.path}, burn {number}")
            if terms.withdrawal_id in burns:
                raise BadBurnList(f"{self.path}, burn {number}: the id stands there twice")
            burns[terms.withdrawal_id] = terms
        return burns

    def _terms(self, row: object, place: str) -> WithdrawalTerms:
        if not isinstance(row, dict) or set(row) != _KEYS:
            raise BadBurnList(f"{place}: exactly {', '.join(sorted(_KEYS))} are wanted")
        amount = row["amount_sat"]
        if type(amount) is not int or not isinstance(row["address"], str):
            raise BadBurnList(f"{place}: amount_sat is an integer and address a text")
        try:
            withdrawal_id = bytes.fromhex(row["withdrawal_id"])
            script = script_of(row["address"], self.network)
            sats = sats_checked(amount)
        except (Malformed, ValueError, TypeError) as error:
            raise BadBurnList(f"{place}: {error}") from None
        if len(withdrawal_id) != 32:
            raise BadBurnList(f"{place}: a withdrawal id is 32 bytes")
        return WithdrawalTerms(withdrawal_id, sats, script)
