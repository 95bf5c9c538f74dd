"""Vaults: one registered descriptor with its federation, and the scripts that belong to it.

Registration refuses a vault (design section 6):
1. whose template or keys do not parse or whose scripts are not sane (`signer.bitcoin.descriptor`), or in
   which one choice of signers counts a member twice (`vault-key-repeated`): a threshold counts members;
2. whose primary quorums, of signers or of witnesses (J6), need not intersect in an honest member
   (`vault-quorums-disjoint`): a relayer could have one withdrawal paid by each of two quorums;
3. with a path that nobody can open without a preimage (`vault-needs-preimage`): who lost it lost all;
4. whose structure is too large to enumerate (`vault-too-complex`).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from signer.bitcoin.descriptor import (
    DerivedScript,
    Descriptor,
    KeyExpression,
    SpendingPath,
    Tr,
    canonical_text,
    derive,
    federation_keys,
    input_weight,
    is_fixed,
    key_places,
    parse_template,
    spending_paths,
)
from signer.bitcoin.hashes import sha256
from signer.bitcoin.keys import HARDENED, KeyPath, MemberKey
from signer.bitcoin.network import Network
from signer.bitcoin.units import Weight
from signer.core.agreement.rules import Quorums
from signer.core.errors import Objection, VerificationError
from signer.core.evidence import Realm
from signer.core.quorums import Federation, federation
from signer.core.witnesses import NO_WITNESSES, Members, Witnesses, appoint

RECEIVE, CHANGE = 0, 1
MAX_LOOKAHEAD = 100_000


@dataclass(frozen=True)
class Vault:
    """A registered vault. Born in `register`."""

    vault_id: str
    """Its name in the policy."""
    network: Network
    descriptor: Descriptor
    lookahead: int
    """How far above the highest index seen addresses are handed out and change is accepted."""
    witnesses: Witnesses = NO_WITNESSES
    """The members' kernels whose grants a signature waits for."""

    @cached_property
    def text(self) -> str:
        """The canonical descriptor text, without checksum (docs/integrate.md has the grammar)."""
        return canonical_text(self.descriptor, self.network)

    @cached_property
    def fingerprint(self) -> bytes:
        """SHA-256 of the canonical descriptor text."""
        return sha256(self.text.encode())

    @cached_property
    def realm(self) -> Realm:
        """What attestations for this vault are bound to."""
        return Realm(self.network.genesis_hash, self.fingerprint)

    @cached_property
    def federation(self) -> Federation:
        """What the scripts promise, proven over all sets of members. Raises Malformed `vault-too-complex`."""
        return federation(self.paths, tuple(key.xpub.pubkey for key in self.places))

    @property
    def threshold(self) -> int:
        """k: the fewest members that spend by the primary path."""
        return self.federation.threshold

    @property
    def members(self) -> int:
        """n: members of the primary path."""
        return self.federation.members

    @property
    def tolerated(self) -> int:
        """f: dishonest kernels despite which a withdrawal is paid at most once (design J6). -1: none.

        With witnesses the members that two transactions have in common are those that two sets of signers
        share, or two quorums of witnesses, whichever are more.
        """
        q = self.witnesses.quorum
        if not q:
            return self.federation.tolerated
        of_witnesses = Quorums(self.threshold, self.members, q).tolerated
        return min(max(self.federation.tolerated, of_witnesses), q - 2)

    @property
    def may_be_silent(self) -> int:
        """Members that may be silent, whoever they are, while withdrawals go on; -1: not even none."""
        return min(self.federation.may_be_silent, self.members - self.witnesses.quorum)

    @property
    def importers(self) -> int:
        """Other members whose logs a start imports (J6); 0 without witnesses: see `Quorums.importers`."""
        q = self.witnesses.quorum
        return self.members - min(q - 1, self.threshold) + self.tolerated if q else 0

    @cached_property
    def is_fixed(self) -> bool:
        """Whether no key has children: the vault has one address, for deposits and change alike."""
        return is_fixed(self.descriptor)

    @property
    def change_branch(self) -> int:
        """Where its change goes."""
        return RECEIVE if self.is_fixed else CHANGE

    def window_end(self, next_index: int) -> int:
        """The first index that is not handed out, and at which no change is accepted. `next_index`: the first
        above what is on record."""
        return 1 if self.is_fixed else next_index + self.lookahead

    @property
    def is_taproot(self) -> bool:
        """Whether it is a Taproot vault; else it is P2WSH."""
        return isinstance(self.descriptor, Tr)

    @cached_property
    def paths(self) -> tuple[SpendingPath, ...]:
        """The ways to spend; the primary path is the first."""
        return spending_paths(self.descriptor)

    @cached_property
    def places(self) -> tuple[KeyExpression, ...]:
        """The federation's keys as the template writes them; a member may stand in several places."""
        return key_places(self.descriptor)

    @cached_property
    def _origins(self) -> dict[tuple[bytes, KeyPath, int], int]:
        return {
            (*key_origin(key), child): branch
            for key in self.places
            for branch, child in enumerate(key.branches)
        }

    def place_of(self, fingerprint: bytes, path: KeyPath) -> tuple[int, int] | None:
        """(branch, index) of the address that a key of that origin belongs to, if it is a member's."""
        if len(path) < 2 or path[-1] >= HARDENED:
            return None
        branch = self._origins.get((fingerprint, path[:-2], path[-2]))
        return None if branch is None else (branch, path[-1])

    def xpubs(self) -> tuple[MemberKey, ...]:
        """The federation's keys, each once, in template order."""
        return tuple(key.xpub for key in federation_keys(self.descriptor))

    def positions_of(self, xpub: MemberKey) -> tuple[int, ...]:
        """Which of `places` hold that key: ours, in the kernel that holds its secret."""
        return tuple(at for at, key in enumerate(self.places) if key.xpub == xpub)

    @cached_property
    def _input_weights(self) -> tuple[Weight, ...]:
        return tuple(input_weight(self.descriptor, index) for index in range(len(self.paths)))

    def input_weight(self, path_index: int = 0) -> Weight:
        """Worst-case weight of one input spent by that path, non-witness part included."""
        return self._input_weights[path_index]

    def script(self, branch: int, index: int) -> DerivedScript:
        """The script at that address index. Raises Malformed `derivation-impossible`, `vault-one-address`."""
        return derive(self.descriptor, branch, index)


def key_origin(key: KeyExpression) -> tuple[bytes, KeyPath]:
    """(master fingerprint, path) as PSBTs name the key's origin; a key without one is its own."""
    if key.origin is None:
        return key.xpub.fingerprint(), ()
    return key.origin.fingerprint, key.origin.path


def _refuse(code: str, detail: str, observed: str = "", limit: str = "") -> VerificationError:
    return VerificationError(Objection(code, detail, observed, limit))


@dataclass(frozen=True, slots=True)
class VaultDefinition:
    """A vault as the policy writes it."""

    vault_id: str
    template: str
    keys: tuple[str, ...]
    lookahead: int
    witnesses: tuple[bytes, ...] = ()
    """Log keys, one for each member; none: no grants are asked for."""
    witness_quorum: int | None = None
    """q; None: the majority of the members, or as many as sign if that is more."""


def register(definition: VaultDefinition, network: Network) -> Vault:
    """The vault of that definition, or VerificationError / Malformed with the rule it breaks."""
    if not 1 <= definition.lookahead <= MAX_LOOKAHEAD:
        raise _refuse(
            "vault-lookahead-out-of-range",
            "lookahead is out of range",
            str(definition.lookahead),
            f"1 to {MAX_LOOKAHEAD}",
        )
    descriptor = parse_template(definition.template, definition.keys, network)
    vault = Vault(definition.vault_id, network, descriptor, definition.lookahead)
    if definition.witnesses:
        members = Members(vault.threshold, vault.members)
        appointed = appoint(definition.witnesses, definition.witness_quorum, members)
        vault = replace(vault, witnesses=appointed)
    verify_invariants(vault)
    return vault


def verify_invariants(vault: Vault) -> None:
    """Rules 1 to 4. Raises VerificationError or Malformed with the first that the vault breaks."""
    _refuse_repeated_keys(vault)
    _refuse_disjoint_quorums(vault)
    for path in vault.paths:
        if all(way.hashes for way in path.ways):
            raise _refuse(
                "vault-needs-preimage",
                f"vault {vault.vault_id}: path {path.name} cannot be opened without a hash's preimage",
            )


def _refuse_repeated_keys(vault: Vault) -> None:
    for path in vault.paths:
        for group in (group for way in path.ways for group in way.groups):
            pubkeys = [vault.places[position].xpub.pubkey for position in group.places]
            if group.threshold < len(pubkeys) != len(set(pubkeys)):
                raise _refuse(
                    "vault-key-repeated",
                    f"vault {vault.vault_id}: a member stands twice where {group.threshold} of "
                    f"{len(pubkeys)} keys sign, in path {path.name}",
                )


def _refuse_disjoint_quorums(vault: Vault) -> None:
    if vault.tolerated >= 0:
        return
    if vault.witnesses.quorum:
        raise _refuse(
            "vault-quorums-disjoint",
            f"vault {vault.vault_id}: two sets of {vault.witnesses.quorum} witnesses need not share a "
            "member, nor two sets of signers: both could pay a withdrawal, each from another coin",
            f"{vault.witnesses.quorum} of {vault.members} witnesses",
            "sets of witnesses, or of signers, of which any two share a member",
        )
    first, second = vault.federation.quorums
    raise _refuse(
        "vault-quorums-disjoint",
        f"members {_names(first)} could pay a withdrawal from one coin while members {_names(second)}, "
        "who share nobody with them, pay it again from another; nobody but the relayer need misbehave",
        "sets of signers that share no member",
        "any two sets of signers share a member; of k-of-n, 2k > n",
    )


def _names(members: Iterable[int]) -> str:
    return "{" + ", ".join(f"@{member}" for member in sorted(members)) + "}"
