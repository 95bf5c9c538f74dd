"""`pegwarden key verify-backup`: what a copy of a key is good for, proved without using it.

1. The seal is opened with the copy's own passphrase. Nothing is signed and nothing is written. A seal of a
   token is opened before, by another process, which has the PIN and no passphrase.
2. A vault key is compared with the registration (the member's policy), with the journal's first entry, to
   which it is bound, and with the key file that the member uses; an identity with the last two.
3. What is not here is not compared, and said so. What differs is `backup-differs`; only other caps, or
   another successor, are told and not refused: they are as old as the copy.
4. A key in a token has no copy but its file. The token says which public key it holds, where it is asked;
   that it signs with it is not tried: a bound key signs spends and nothing else.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import click

from keystore.attestation import AttestationKey
from keystore.backup_proof import differs, prove_children, prove_pinned
from keystore.header import Binding, Header, Role, is_wrapped
from keystore.hsm_sealed import TokenDesk, header_of, read_wrap, unwrap
from keystore.identity import Identity, public_text
from keystore.sealed import OpenedKey, read_sealed, unseal
from keystore.token.pinned_key import START_SECONDS, pinned_key_of
from keystore.token.questions import public_question
from keystore.vault_key import VaultKey
from signer.cli.options import FILE, Emit, config_option, json_option
from signer.cli.passphrases import PassphraseSource, passphrase_options, pin_options
from signer.cli.token_process import TokenDoor
from signer.config import KernelConfig, load_config
from signer.config_token import required_token
from signer.core.errors import Refusal
from signer.core.vault import Vault
from signer.journal.audit import decoded
from signer.journal.entry import GenesisEntry
from signer.journal.merkle import leaf_hash
from signer.journal.offline import opened_log
from signer.journal.store import store_at
from signer.member_files import read_policy
from signer.room import memory


@dataclass(slots=True)
class _Proof:
    """What came of it."""

    proved: list[str] = field(default_factory=list)
    not_compared: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Beginning:
    """Of the member's journal."""

    entry: GenesisEntry
    leaf: bytes


@click.command("verify-backup")
@click.argument("copy", type=FILE)
@config_option
@pin_options
@passphrase_options()
@json_option
def verify_backup_command(
    copy: Path,
    config_path: Path,
    pin_source: PassphraseSource,
    passphrase_source: PassphraseSource,
    emit: Emit,
) -> None:
    """Prove that COPY, a backup or a restored key file, is of a key of this member and opens.

    The passphrase is COPY's, the PIN of the token that sealed COPY or holds its key. Nothing is signed.
    """
    config, proof = load_config(config_path), _Proof()
    door = TokenDoor(config_path, pin_source, passphrase_source)
    content = _under_passphrase(read_sealed(copy), config, door, proof)
    with passphrase_source.read("Passphrase of the copy") as passphrase:
        opened = unseal(content, passphrase)
    proof.proved.append("the seal opens: the passphrase is the copy's, and its header is unchanged")
    with opened.secret:
        _prover_of(opened.header)(opened, config, proof)
    members = {"ok": True, "file": str(copy), "role": opened.header.role.value}
    emit(
        members | {"proved": proof.proved, "not_compared": proof.not_compared},
        [
            *(f"proved: {each}" for each in proof.proved),
            *(f"not compared: {each}" for each in proof.not_compared),
            "Nothing was signed.",
        ],
    )


def _under_passphrase(
    content: bytes, config: KernelConfig, door: TokenDoor, proof: _Proof
) -> bytes:
    """The file that the passphrase opens. A token is asked here, before the passphrase is read (1)."""
    if not is_wrapped(content):
        _ask_for_key(header_of(content), config, door, proof)
        return content
    required_token(config.token, config.path)
    memory.harden()
    outer, until = read_wrap(content)[0], time.monotonic() + START_SECONDS
    with door.open() as token:
        inner = unwrap(content, outer.kind, TokenDesk(token, until))
    proof.proved.append(f"the token's key {outer.kek.hex()} opens its seal, {outer.kind}")
    return inner


def _ask_for_key(header: Header, config: KernelConfig, door: TokenDoor, proof: _Proof) -> None:
    """Where a token holds the key (4). Raises Refusal `backup-differs` and what the token refuses."""
    if not header.token:
        return
    ident = header.token.hex()
    if door.has_pin:
        required_token(config.token, config.path)
        memory.harden()
        until = time.monotonic() + START_SECONDS
        with door.open() as token:
            found = token.ask(public_question(header.token), until).hex()
        if found != header.public:
            raise differs(f"the token's key {ident} is another", header.public, found)
        proof.proved.append(f"the token holds its key {ident}, which reads back as it must be")
    else:
        proof.not_compared.append(f"the token's key {ident}: it is asked where --pin-file is given")
    proof.not_compared.append("whether the token signs with it: a bound key signs spends alone")


def _prover_of(header: Header) -> Callable[[OpenedKey, KernelConfig, _Proof], None]:
    if header.role is Role.ATTESTATION:
        return _prove_attestation_key
    if header.role is not Role.VAULT:
        return _prove_identity
    return _prove_pinned_key if header.token else _prove_vault_key


def _prove_vault_key(opened: OpenedKey, config: KernelConfig, proof: _Proof) -> None:
    key = VaultKey(opened)
    try:
        proof.proved.append(f"its seed derives to {key.text}")
        binding = _bound(opened.header)
        vault = _registered(config, binding.vault_fingerprint)
        compared = prove_children(key, vault)
    finally:
        key.close()
    proof.proved.append(f"{compared} child keys are those of vault {vault.vault_id}'s registration")
    _compare_binding(binding, config, proof)
    _compare_in_use(opened.header, config, proof)


def _prove_pinned_key(opened: OpenedKey, config: KernelConfig, proof: _Proof) -> None:
    key, binding = pinned_key_of(opened), _bound(opened.header)
    vault = _registered(config, binding.vault_fingerprint)
    prove_pinned(key, vault)
    proof.proved.append(
        f"its key {opened.header.public} is in vault {vault.vault_id}'s registration"
    )
    _compare_binding(binding, config, proof)
    _compare_in_use(opened.header, config, proof)


def _bound(header: Header) -> Binding:
    if header.binding is None:
        raise differs("the copy is unbound: it is older than `key bind`", "bound")
    return header.binding


def _compare_binding(binding: Binding, config: KernelConfig, proof: _Proof) -> None:
    begun = _beginning(config, proof)
    if begun is None:
        return
    leaf = begun.leaf
    if (binding.first_leaf, binding.policy_id) != (leaf, begun.entry.policy_id):
        raise differs(
            "it is bound to another journal or policy", leaf.hex(), binding.first_leaf.hex()
        )
    proof.proved.append("it is bound to the journal that is here, and to its first policy")


def _prove_identity(opened: OpenedKey, config: KernelConfig, proof: _Proof) -> None:
    identity = Identity(opened)
    proof.proved.append(f"its seeds derive to {opened.header.public}")
    begun = _beginning(config, proof)
    if begun is not None:
        public = public_text(begun.entry.log_key, begun.entry.statement_key)
        if public != public_text(identity.log_key, identity.statement_key):
            raise differs("it is not the identity of this journal", public, opened.header.public)
        proof.proved.append("it is the identity with which the journal begins")
    _compare_in_use(opened.header, config, proof)


def _prove_attestation_key(opened: OpenedKey, config: KernelConfig, proof: _Proof) -> None:
    key = AttestationKey(opened)
    key.close()
    proof.proved.append(f"its secret derives to {key.public.hex()}, which attests deposits")
    _compare_in_use(opened.header, config, proof)


def _registered(config: KernelConfig, fingerprint: bytes) -> Vault:
    vaults = read_policy(config).vaults
    for vault in vaults:
        if vault.fingerprint == fingerprint:
            return vault
    known = ", ".join(vault.vault_id for vault in vaults)
    raise differs("it is bound to a vault that is not in the policy", known, fingerprint.hex())


def _beginning(config: KernelConfig, proof: _Proof) -> _Beginning | None:
    """Of the journal, where it is here. Raises Refusal `journal-tampered` and those of opening one."""
    if not store_at(config.journal).exists():
        proof.not_compared.append(f"the journal: {config.journal} is not there")
        return None
    with opened_log(config.journal) as log:
        record = log.records.record(0)
    entry = decoded(0, record)
    if not isinstance(entry, GenesisEntry):
        raise differs("the journal does not begin with a genesis entry", "a genesis entry")
    return _Beginning(entry, leaf_hash(record))


def _compare_in_use(header: Header, config: KernelConfig, proof: _Proof) -> None:
    """With the file of the same key that the configuration names."""
    for path, used in _in_use(config):
        if used.public != header.public:
            continue
        if used.binding != header.binding:
            raise differs(f"{path} has another binding", "the same binding")
        proof.proved.append(f"it is the key of {path}")
        if used.limits != header.limits:
            proof.not_compared.append(f"caps or successor: those of {path} are others")
        return
    proof.not_compared.append("the key file in use: the configuration names none of this key")


def _in_use(config: KernelConfig) -> Iterator[tuple[Path, Header]]:
    for path in config.keys.sealed:
        with suppress(Refusal):
            yield path, header_of(read_sealed(path))
