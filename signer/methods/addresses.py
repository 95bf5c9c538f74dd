"""GetVaultAddress and ListVaultAddresses: addresses with a statement that can be checked offline."""

from pegwarden.v1 import kernel_pb2 as pb
from signer import wire, wire_answers
from signer.bitcoin.address import address_of
from signer.core.caller import Caller
from signer.core.errors import VerificationError, malformed
from signer.core.registry import beyond_window
from signer.core.stated import AddressStatement
from signer.core.vault import Vault
from signer.kernel import Kernel

MAX_COUNT = 1_000


def get_vault_address(kernel: Kernel, _: Caller, raw: bytes) -> pb.GetVaultAddressResponse:
    """One address."""
    request = wire.decode(pb.GetVaultAddressRequest, raw)
    vault = kernel.registry.get(wire.required(request.vault_id, "vault_id"))
    branch = wire.branch(request.branch)
    bound_index(kernel, vault, branch, request.index)
    address = _address(vault, branch, request.index)
    stated = AddressStatement(
        address=address.address,
        script_pubkey=address.script_pubkey,
        branch=address.branch,
        index=address.index,
        derivation=address.derivation,
    )
    signature = kernel.keystore.sign_statement(stated.digest(vault.realm))
    return pb.GetVaultAddressResponse(
        address=address,
        statement=wire_answers.statement_message(stated, kernel.keystore.statement_key, signature),
    )


def list_vault_addresses(kernel: Kernel, _: Caller, raw: bytes) -> pb.ListVaultAddressesResponse:
    """Consecutive addresses."""
    request = wire.decode(pb.ListVaultAddressesRequest, raw)
    vault = kernel.registry.get(wire.required(request.vault_id, "vault_id"))
    branch = wire.branch(request.branch)
    if not 1 <= request.count <= MAX_COUNT:
        raise malformed("request-malformed", f"count is 1 to {MAX_COUNT}")
    end = request.start_index + request.count
    bound_index(kernel, vault, branch, end - 1)
    return pb.ListVaultAddressesResponse(
        addresses=[_address(vault, branch, index) for index in range(request.start_index, end)]
    )


def bound_index(kernel: Kernel, vault: Vault, branch: int, index: int) -> None:
    """Refuse an index that a wallet restored from its seed would not look at."""
    with kernel.journal.reading() as view:
        beyond = beyond_window(vault, index, view.next_index(vault.fingerprint, branch))
    if beyond is not None:
        raise VerificationError(beyond)


def _address(vault: Vault, branch: int, index: int) -> pb.VaultAddress:
    derived = vault.script(branch, index)
    children = next((key.branches for key in vault.places if key.branches), None)
    return pb.VaultAddress(
        address=address_of(derived.script_pubkey, vault.network),
        script_pubkey=derived.script_pubkey,
        branch=wire_answers.branch_message(branch),
        index=index,
        derivation=f"/{children[branch]}/{index}" if children else "",
    )
