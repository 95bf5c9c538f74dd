"""bitcoind's JSON-RPC, with nothing but the standard library.

1. Amounts are read as decimal text and leave as integer satoshis: no float touches money.
2. An error of the node becomes `NodeError` with the node's own code and words.
3. The cookie is read anew for each connection: a restarted node has another.
"""

import base64
import http.client
import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

COIN = 100_000_000


class NodeError(Exception):
    """bitcoind said no."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{message} ({code})")
        self.code = code


def to_sats(amount: Decimal | int | str) -> int:
    """Satoshis of an amount in bitcoin."""
    sats = Decimal(amount) * COIN
    if sats != sats.to_integral_value():
        raise ValueError(f"{amount} BTC is not a whole number of satoshis")
    return int(sats)


def to_btc(sats: int) -> str:
    """The amount in bitcoin, as the text that bitcoind takes."""
    return f"{sats // COIN}.{sats % COIN:08d}"


@dataclass(frozen=True, slots=True)
class NodeAddress:
    """Where a node answers and how it knows us."""

    port: int
    cookie: Path
    host: str = "127.0.0.1"
    timeout: float = 60.0


class JsonRpc:
    """Calls to one node. `JsonRpc.wallet(name)` gives the calls to one of its wallets."""

    def __init__(self, address: NodeAddress, path: str = "/") -> None:
        self.address = address
        self._path = path

    def wallet(self, name: str) -> "JsonRpc":
        """The same node, one wallet."""
        return JsonRpc(self.address, f"/wallet/{name}")

    def __call__(self, method: str, *params: object) -> Any:
        """The result of one call. Raises NodeError, or OSError when nobody answers."""
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        answer = json.loads(self._post(body.encode()), parse_float=Decimal)
        return _result(answer)

    def many(self, method: str, calls: Sequence[Sequence[object]]) -> list[Any]:
        """The results of that method for each of these parameters, asked at once. Raises as a call does."""
        asked = [
            {"jsonrpc": "2.0", "id": place, "method": method, "params": params}
            for place, params in enumerate(calls)
        ]
        if not asked:
            return []
        answers = json.loads(self._post(json.dumps(asked).encode()), parse_float=Decimal)
        if isinstance(answers, dict):  # an error about all of them
            answers = [answers]
        results = {each.get("id"): _result(each) for each in answers}
        return [results[place] for place in range(len(asked))]

    def _post(self, body: bytes) -> bytes:
        cookie = self.address.cookie.read_text().strip()
        token = base64.b64encode(cookie.encode()).decode()
        headers = {"Authorization": f"Basic {token}", "Content-Type": "application/json"}
        link = http.client.HTTPConnection(
            self.address.host, self.address.port, timeout=self.address.timeout
        )
        try:
            link.request("POST", self._path, body, headers)
            response = link.getresponse()
            content = response.read()
        except http.client.HTTPException as error:
            raise OSError(f"no bitcoind at port {self.address.port}: {error!r}") from error
        finally:
            link.close()
        if response.status == http.client.UNAUTHORIZED:
            raise OSError(f"the node at port {self.address.port} does not know this cookie")
        return content


def _result(answer: Any) -> Any:
    """Of one answer. Raises NodeError."""
    error = answer.get("error")
    if error is not None:
        raise NodeError(int(error["code"]), str(error["message"]))
    return answer["result"]
