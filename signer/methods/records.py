"""GetInfo, ListCoins, GetWithdrawal, ListWithdrawals: what a relayer that lost its memory needs."""

from collections.abc import Iterator

from pegwarden.v1 import kernel_pb2 as pb
from signer import wire, wire_answers
from signer.bitcoin.descriptor import with_checksum
from signer.bitcoin.transaction import OutPoint, Txid, display
from signer.core.caller import Caller
from signer.core.errors import malformed, unverified
from signer.core.vault import CHANGE, Vault
from signer.core.view import RecordedWithdrawal, WithdrawalState
from signer.kernel import Kernel, vault_under
from signer.ports.reading import CoinRow, Reading, VersionRow

MAX_PAGE, DEFAULT_PAGE = 1_000, 100
MAX_VERSIONS, DEFAULT_VERSIONS = 100, 20
MAX_PSBT_BYTES = 4 * 1024 * 1024
"""In one page of versions, unless its first alone is larger."""
FEATURES = (
    "wsh-miniscript",
    "wsh-fixed-keys",
    "tr-miniscript",
    "psbt-v0",
    "psbt-v2",
    "deposits",
    "withdrawals",
    "anchors",
    "sweeps",
    "rotations",
    "consensus-gate",
    "releases",
    "witnesses",
    "audit",
    "receipts",
    "control",
    "header-chain",
)


def page_size(asked: int, default: int = DEFAULT_PAGE, most: int = MAX_PAGE) -> int:
    """How many rows a page has. Raises MalformedRequest `request-malformed` above the most."""
    if asked > most:
        raise malformed("request-malformed", f"a page of {asked} is above {most}")
    return asked or default


def get_info(kernel: Kernel, _: Caller, raw: bytes) -> pb.GetInfoResponse:
    """Who this kernel is."""
    wire.decode(pb.GetInfoRequest, raw)
    not_ready = kernel.readiness()
    with kernel.journal.reading() as view:
        policy = kernel.shelf.in_force(view)
        return pb.GetInfoResponse(
            version=kernel.build.version,
            build_digest=kernel.build.build_digest,
            config_digest=kernel.build.config_digest,
            network=kernel.network.name,
            genesis_hash=kernel.network.genesis_hash,
            vaults=[
                _vault_info(kernel, vault_under(policy, vault), view)
                for vault in kernel.registry.all()
            ],
            policy_id=policy.policy_id,
            policy_name=policy.name,
            policy_version=policy.version,
            journal_head=view.head(),
            clock_unix=view.now(),
            ready=not not_ready,
            not_ready_reasons=not_ready,
            log_key=kernel.keystore.log_key,
            statement_key=kernel.keystore.statement_key,
            features=FEATURES,
            custody=wire_answers.custody_message(kernel),
            attestation_key=kernel.keystore.attestation_key,
        )


def _vault_info(kernel: Kernel, vault: Vault, view: Reading) -> pb.VaultInfo:
    next_index = view.next_index(vault.fingerprint, CHANGE)
    ours = [vault.places[place].xpub for place in kernel.our_positions(vault)]
    return pb.VaultInfo(
        vault_id=vault.vault_id,
        descriptor=with_checksum(vault.text),
        fingerprint=vault.fingerprint,
        threshold=vault.threshold,
        members=vault.members,
        tolerated=vault.tolerated,
        may_be_silent=vault.may_be_silent,
        our_xpub=ours[0].text(kernel.network),
        next_change_index=next_index,
        change_index_end=vault.window_end(next_index),
        witnesses=wire_answers.witness_terms(vault),
    )


def list_coins(kernel: Kernel, _: Caller, raw: bytes) -> pb.ListCoinsResponse:
    """The vault's coins on record, by outpoint."""
    request = wire.decode(pb.ListCoinsRequest, raw)
    vault = kernel.registry.get(wire.required(request.vault_id, "vault_id"))
    limit, after = page_size(request.page_size), _outpoint_token(request.page_token)
    with kernel.journal.reading() as view:
        rows = view.coins(vault.fingerprint, after, limit)
    token = rows[-1].outpoint.serialize() if len(rows) == limit else b""
    return pb.ListCoinsResponse(coins=[_coin_info(row) for row in rows], next_page_token=token)


def _outpoint_token(token: bytes) -> OutPoint | None:
    if not token:
        return None
    wire.sized(token, 36, "page_token")
    return OutPoint(Txid(token[:32]), int.from_bytes(token[32:], "little"))


def _coin_info(row: CoinRow) -> pb.CoinInfo:
    return pb.CoinInfo(
        outpoint=wire_answers.outpoint_message(row.outpoint),
        txid_display=display(row.outpoint.txid),
        amount_sat=row.amount,
        script_pubkey=row.script_pubkey,
        branch=wire_answers.branch_message(row.branch),
        index=row.index,
        confirmed_height=row.height if row.height >= 0 else None,
        proven="attested" if row.height >= 0 else "by-version",
        spent_by=row.spent_by,
        spent_deep=row.spent_deep,
    )


def get_withdrawal(kernel: Kernel, _: Caller, raw: bytes) -> pb.GetWithdrawalResponse:
    """One withdrawal on record, with a page of its versions.

    Raises VerificationError `withdrawal-unknown`.
    """
    request = wire.decode(pb.GetWithdrawalRequest, raw)
    withdrawal_id = wire.sized(request.withdrawal_id, 32, "withdrawal_id")
    limit = page_size(request.versions_page_size, DEFAULT_VERSIONS, MAX_VERSIONS)
    after = _entry_token(request.versions_page_token)
    with kernel.journal.reading() as view:
        info = _withdrawal_info(kernel, withdrawal_id, view)
        if info is None:
            raise unverified("withdrawal-unknown", "no version of it was signed here")
        rows, more = _page(view.versions_of(withdrawal_id, after), limit)
    info.ClearField("versions")
    info.versions.extend(_version(row) for row in rows)
    token = rows[-1].entry.to_bytes(8, "big") if more else b""
    return pb.GetWithdrawalResponse(withdrawal=info, next_versions_page_token=token)


def _entry_token(token: bytes) -> int:
    after = int.from_bytes(wire.sized(token, 8, "versions_page_token"), "big") if token else 0
    if after >= 2**63:
        raise malformed("request-malformed", "versions_page_token is not of a previous page")
    return after


def _page(versions: Iterator[VersionRow], limit: int) -> tuple[list[VersionRow], bool]:
    """The next versions and whether there are more; one at least, however large its PSBT is."""
    rows: list[VersionRow] = []
    size = 0
    for row in versions:
        size += len(row.psbt)
        if len(rows) == limit or (rows and size > MAX_PSBT_BYTES):
            return rows, True
        rows.append(row)
    return rows, False


def list_withdrawals(kernel: Kernel, _: Caller, raw: bytes) -> pb.ListWithdrawalsResponse:
    """Withdrawals on record, by id. A page may hold fewer than asked; the token tells the end."""
    request = wire.decode(pb.ListWithdrawalsRequest, raw)
    limit = page_size(request.page_size)
    if request.page_token:
        wire.sized(request.page_token, 32, "page_token")
    if request.vault_id:
        kernel.registry.get(request.vault_id)
    with kernel.journal.reading() as view:
        ids = view.withdrawals(request.page_token, limit)
        infos = [_withdrawal_info(kernel, withdrawal_id, view) for withdrawal_id in ids]
    wanted = [info for info in infos if info and request.vault_id in ("", info.vault_id)]
    token = ids[-1] if len(ids) == limit else b""
    return pb.ListWithdrawalsResponse(withdrawals=wanted, next_page_token=token)


def _withdrawal_info(
    kernel: Kernel, withdrawal_id: bytes, view: Reading
) -> pb.WithdrawalInfo | None:
    recorded = view.withdrawal(withdrawal_id)
    if recorded is None:
        return None
    names = {vault.fingerprint: vault.vault_id for vault in kernel.registry.all()}
    return pb.WithdrawalInfo(
        withdrawal_id=withdrawal_id,
        vault_id=names.get(recorded.vault_fingerprint, ""),
        amount_sat=recorded.terms.amount,
        script_pubkey=recorded.terms.script_pubkey,
        state=_state(recorded),
        pin=None if recorded.pin is None else wire_answers.outpoint_message(recorded.pin),
        pinned_together=() if recorded.pin is None else view.pinned_to(recorded.pin),
        versions=[_named(txid) for txid in sorted(view.payers(withdrawal_id))],
    )


def _state(recorded: RecordedWithdrawal) -> str:
    is_waiting = recorded.state is WithdrawalState.OPEN and recorded.pin is None
    return "waiting" if is_waiting else recorded.state.value


def state_of(view: Reading, withdrawal_id: bytes) -> str:
    """`open`, `waiting` or `closed`."""
    recorded = view.withdrawal(withdrawal_id)
    if recorded is not None:
        return _state(recorded)
    return WithdrawalState.CLOSED.value if view.is_closed(withdrawal_id) else "waiting"


def _named(txid: Txid) -> pb.Version:
    return pb.Version(txid=txid, txid_display=display(txid))


def _version(row: VersionRow) -> pb.Version:
    return pb.Version(
        txid=row.txid,
        txid_display=display(Txid(row.txid)),
        psbt=row.psbt,
        inputs=[wire_answers.outpoint_message(point) for point in row.inputs],
        fee_sat=row.fee,
        decision_id=row.decision_id,
        signed_at_unix=row.signed_at,
        awaits_grants=row.awaits_grants,
    )
