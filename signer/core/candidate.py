"""Whether a descriptor may be registered as a vault, and if not, why not."""

from signer.bitcoin.descriptor import parse_descriptor
from signer.bitcoin.errors import Malformed
from signer.bitcoin.network import Network
from signer.core.errors import Objection, Refusal
from signer.core.vault import Vault, verify_invariants


def judged(text: str, network: Network) -> tuple[Vault | None, tuple[Objection, ...]]:
    """The vault of that descriptor with checksum, None if no vault is written so; what speaks against
    registering it (design section 6)."""
    vault = None
    try:
        vault = Vault("", network, parse_descriptor(text, network), 1)
        verify_invariants(vault)
    except Malformed as error:
        return vault, (Objection(error.code, error.detail),)
    except Refusal as refusal:
        return vault, refusal.objections
    return vault, ()
