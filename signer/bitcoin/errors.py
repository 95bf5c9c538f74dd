"""The one exception of the Bitcoin layer.

Rule 1: whatever bytes or text come in, only `Malformed` goes out.
Rule 2: its code is stable kebab-case and stands in `signer.core.catalogue.CATALOGUE`.
"""


class Malformed(ValueError):
    """Bytes or text that are not what they claim to be. The sender is at fault."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
