from pegwarden.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetInfoRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class VaultInfo(_message.Message):
    __slots__ = ("vault_id", "descriptor", "fingerprint", "threshold", "members", "tolerated", "may_be_silent", "our_xpub", "next_change_index", "change_index_end", "witnesses")
    VAULT_ID_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTOR_FIELD_NUMBER: _ClassVar[int]
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    TOLERATED_FIELD_NUMBER: _ClassVar[int]
    MAY_BE_SILENT_FIELD_NUMBER: _ClassVar[int]
    OUR_XPUB_FIELD_NUMBER: _ClassVar[int]
    NEXT_CHANGE_INDEX_FIELD_NUMBER: _ClassVar[int]
    CHANGE_INDEX_END_FIELD_NUMBER: _ClassVar[int]
    WITNESSES_FIELD_NUMBER: _ClassVar[int]
    vault_id: str
    descriptor: str
    fingerprint: bytes
    threshold: int
    members: int
    tolerated: int
    may_be_silent: int
    our_xpub: str
    next_change_index: int
    change_index_end: int
    witnesses: WitnessTerms
    def __init__(self, vault_id: _Optional[str] = ..., descriptor: _Optional[str] = ..., fingerprint: _Optional[bytes] = ..., threshold: _Optional[int] = ..., members: _Optional[int] = ..., tolerated: _Optional[int] = ..., may_be_silent: _Optional[int] = ..., our_xpub: _Optional[str] = ..., next_change_index: _Optional[int] = ..., change_index_end: _Optional[int] = ..., witnesses: _Optional[_Union[WitnessTerms, _Mapping]] = ...) -> None: ...

class WitnessTerms(_message.Message):
    __slots__ = ("log_keys", "quorum", "start_needs")
    LOG_KEYS_FIELD_NUMBER: _ClassVar[int]
    QUORUM_FIELD_NUMBER: _ClassVar[int]
    START_NEEDS_FIELD_NUMBER: _ClassVar[int]
    log_keys: _containers.RepeatedScalarFieldContainer[bytes]
    quorum: int
    start_needs: int
    def __init__(self, log_keys: _Optional[_Iterable[bytes]] = ..., quorum: _Optional[int] = ..., start_needs: _Optional[int] = ...) -> None: ...

class GetInfoResponse(_message.Message):
    __slots__ = ("version", "build_digest", "config_digest", "network", "genesis_hash", "vaults", "policy_id", "policy_name", "policy_version", "journal_head", "clock_unix", "ready", "not_ready_reasons", "log_key", "statement_key", "features", "custody", "attestation_key")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    BUILD_DIGEST_FIELD_NUMBER: _ClassVar[int]
    CONFIG_DIGEST_FIELD_NUMBER: _ClassVar[int]
    NETWORK_FIELD_NUMBER: _ClassVar[int]
    GENESIS_HASH_FIELD_NUMBER: _ClassVar[int]
    VAULTS_FIELD_NUMBER: _ClassVar[int]
    POLICY_ID_FIELD_NUMBER: _ClassVar[int]
    POLICY_NAME_FIELD_NUMBER: _ClassVar[int]
    POLICY_VERSION_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_HEAD_FIELD_NUMBER: _ClassVar[int]
    CLOCK_UNIX_FIELD_NUMBER: _ClassVar[int]
    READY_FIELD_NUMBER: _ClassVar[int]
    NOT_READY_REASONS_FIELD_NUMBER: _ClassVar[int]
    LOG_KEY_FIELD_NUMBER: _ClassVar[int]
    STATEMENT_KEY_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    CUSTODY_FIELD_NUMBER: _ClassVar[int]
    ATTESTATION_KEY_FIELD_NUMBER: _ClassVar[int]
    version: str
    build_digest: bytes
    config_digest: bytes
    network: str
    genesis_hash: bytes
    vaults: _containers.RepeatedCompositeFieldContainer[VaultInfo]
    policy_id: bytes
    policy_name: str
    policy_version: int
    journal_head: str
    clock_unix: int
    ready: bool
    not_ready_reasons: _containers.RepeatedScalarFieldContainer[str]
    log_key: bytes
    statement_key: bytes
    features: _containers.RepeatedScalarFieldContainer[str]
    custody: _types_pb2.Custody
    attestation_key: bytes
    def __init__(self, version: _Optional[str] = ..., build_digest: _Optional[bytes] = ..., config_digest: _Optional[bytes] = ..., network: _Optional[str] = ..., genesis_hash: _Optional[bytes] = ..., vaults: _Optional[_Iterable[_Union[VaultInfo, _Mapping]]] = ..., policy_id: _Optional[bytes] = ..., policy_name: _Optional[str] = ..., policy_version: _Optional[int] = ..., journal_head: _Optional[str] = ..., clock_unix: _Optional[int] = ..., ready: _Optional[bool] = ..., not_ready_reasons: _Optional[_Iterable[str]] = ..., log_key: _Optional[bytes] = ..., statement_key: _Optional[bytes] = ..., features: _Optional[_Iterable[str]] = ..., custody: _Optional[_Union[_types_pb2.Custody, _Mapping]] = ..., attestation_key: _Optional[bytes] = ...) -> None: ...

class GetVaultAddressRequest(_message.Message):
    __slots__ = ("vault_id", "branch", "index")
    VAULT_ID_FIELD_NUMBER: _ClassVar[int]
    BRANCH_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    vault_id: str
    branch: _types_pb2.Branch
    index: int
    def __init__(self, vault_id: _Optional[str] = ..., branch: _Optional[_Union[_types_pb2.Branch, str]] = ..., index: _Optional[int] = ...) -> None: ...

class VaultAddress(_message.Message):
    __slots__ = ("address", "script_pubkey", "branch", "index", "derivation")
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    SCRIPT_PUBKEY_FIELD_NUMBER: _ClassVar[int]
    BRANCH_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    DERIVATION_FIELD_NUMBER: _ClassVar[int]
    address: str
    script_pubkey: bytes
    branch: _types_pb2.Branch
    index: int
    derivation: str
    def __init__(self, address: _Optional[str] = ..., script_pubkey: _Optional[bytes] = ..., branch: _Optional[_Union[_types_pb2.Branch, str]] = ..., index: _Optional[int] = ..., derivation: _Optional[str] = ...) -> None: ...

class GetVaultAddressResponse(_message.Message):
    __slots__ = ("address", "statement")
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    STATEMENT_FIELD_NUMBER: _ClassVar[int]
    address: VaultAddress
    statement: _types_pb2.SignedStatement
    def __init__(self, address: _Optional[_Union[VaultAddress, _Mapping]] = ..., statement: _Optional[_Union[_types_pb2.SignedStatement, _Mapping]] = ...) -> None: ...

class ListVaultAddressesRequest(_message.Message):
    __slots__ = ("vault_id", "branch", "start_index", "count")
    VAULT_ID_FIELD_NUMBER: _ClassVar[int]
    BRANCH_FIELD_NUMBER: _ClassVar[int]
    START_INDEX_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    vault_id: str
    branch: _types_pb2.Branch
    start_index: int
    count: int
    def __init__(self, vault_id: _Optional[str] = ..., branch: _Optional[_Union[_types_pb2.Branch, str]] = ..., start_index: _Optional[int] = ..., count: _Optional[int] = ...) -> None: ...

class ListVaultAddressesResponse(_message.Message):
    __slots__ = ("addresses",)
    ADDRESSES_FIELD_NUMBER: _ClassVar[int]
    addresses: _containers.RepeatedCompositeFieldContainer[VaultAddress]
    def __init__(self, addresses: _Optional[_Iterable[_Union[VaultAddress, _Mapping]]] = ...) -> None: ...

class KeyDerivation(_message.Message):
    __slots__ = ("pubkey", "master_fingerprint", "path")
    PUBKEY_FIELD_NUMBER: _ClassVar[int]
    MASTER_FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    pubkey: bytes
    master_fingerprint: bytes
    path: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, pubkey: _Optional[bytes] = ..., master_fingerprint: _Optional[bytes] = ..., path: _Optional[_Iterable[int]] = ...) -> None: ...

class UserUtxo(_message.Message):
    __slots__ = ("previous_tx", "vout", "redeem_script", "derivations")
    PREVIOUS_TX_FIELD_NUMBER: _ClassVar[int]
    VOUT_FIELD_NUMBER: _ClassVar[int]
    REDEEM_SCRIPT_FIELD_NUMBER: _ClassVar[int]
    DERIVATIONS_FIELD_NUMBER: _ClassVar[int]
    previous_tx: bytes
    vout: int
    redeem_script: bytes
    derivations: _containers.RepeatedCompositeFieldContainer[KeyDerivation]
    def __init__(self, previous_tx: _Optional[bytes] = ..., vout: _Optional[int] = ..., redeem_script: _Optional[bytes] = ..., derivations: _Optional[_Iterable[_Union[KeyDerivation, _Mapping]]] = ...) -> None: ...

class GenerateDepositPsbtRequest(_message.Message):
    __slots__ = ("vault_id", "index", "rollup", "l2_chain_id", "l2_address", "amount_sat", "utxos", "change_address", "fee_rate_sat_per_kvb")
    VAULT_ID_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    ROLLUP_FIELD_NUMBER: _ClassVar[int]
    L2_CHAIN_ID_FIELD_NUMBER: _ClassVar[int]
    L2_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_SAT_FIELD_NUMBER: _ClassVar[int]
    UTXOS_FIELD_NUMBER: _ClassVar[int]
    CHANGE_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    FEE_RATE_SAT_PER_KVB_FIELD_NUMBER: _ClassVar[int]
    vault_id: str
    index: int
    rollup: str
    l2_chain_id: int
    l2_address: bytes
    amount_sat: int
    utxos: _containers.RepeatedCompositeFieldContainer[UserUtxo]
    change_address: str
    fee_rate_sat_per_kvb: int
    def __init__(self, vault_id: _Optional[str] = ..., index: _Optional[int] = ..., rollup: _Optional[str] = ..., l2_chain_id: _Optional[int] = ..., l2_address: _Optional[bytes] = ..., amount_sat: _Optional[int] = ..., utxos: _Optional[_Iterable[_Union[UserUtxo, _Mapping]]] = ..., change_address: _Optional[str] = ..., fee_rate_sat_per_kvb: _Optional[int] = ...) -> None: ...

class GenerateDepositPsbtResponse(_message.Message):
    __slots__ = ("psbt", "fee_sat", "vsize", "vault_address", "vault_script_pubkey", "vault_vout", "amount_sat", "index", "payload", "statement")
    PSBT_FIELD_NUMBER: _ClassVar[int]
    FEE_SAT_FIELD_NUMBER: _ClassVar[int]
    VSIZE_FIELD_NUMBER: _ClassVar[int]
    VAULT_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    VAULT_SCRIPT_PUBKEY_FIELD_NUMBER: _ClassVar[int]
    VAULT_VOUT_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_SAT_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    STATEMENT_FIELD_NUMBER: _ClassVar[int]
    psbt: bytes
    fee_sat: int
    vsize: int
    vault_address: str
    vault_script_pubkey: bytes
    vault_vout: int
    amount_sat: int
    index: int
    payload: bytes
    statement: _types_pb2.SignedStatement
    def __init__(self, psbt: _Optional[bytes] = ..., fee_sat: _Optional[int] = ..., vsize: _Optional[int] = ..., vault_address: _Optional[str] = ..., vault_script_pubkey: _Optional[bytes] = ..., vault_vout: _Optional[int] = ..., amount_sat: _Optional[int] = ..., index: _Optional[int] = ..., payload: _Optional[bytes] = ..., statement: _Optional[_Union[_types_pb2.SignedStatement, _Mapping]] = ...) -> None: ...

class WithdrawalPayment(_message.Message):
    __slots__ = ("withdrawal_id", "address", "amount_sat")
    WITHDRAWAL_ID_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_SAT_FIELD_NUMBER: _ClassVar[int]
    withdrawal_id: bytes
    address: str
    amount_sat: int
    def __init__(self, withdrawal_id: _Optional[bytes] = ..., address: _Optional[str] = ..., amount_sat: _Optional[int] = ...) -> None: ...

class OfferedCoin(_message.Message):
    __slots__ = ("outpoint", "amount_sat", "branch", "index", "previous_tx")
    OUTPOINT_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_SAT_FIELD_NUMBER: _ClassVar[int]
    BRANCH_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_TX_FIELD_NUMBER: _ClassVar[int]
    outpoint: _types_pb2.OutPoint
    amount_sat: int
    branch: _types_pb2.Branch
    index: int
    previous_tx: bytes
    def __init__(self, outpoint: _Optional[_Union[_types_pb2.OutPoint, _Mapping]] = ..., amount_sat: _Optional[int] = ..., branch: _Optional[_Union[_types_pb2.Branch, str]] = ..., index: _Optional[int] = ..., previous_tx: _Optional[bytes] = ...) -> None: ...

class ConstructWithdrawalTxRequest(_message.Message):
    __slots__ = ("vault_id", "payments", "coins", "change_index", "fee_rate_sat_per_kvb", "required_inputs", "min_fee_sat", "locktime_height")
    VAULT_ID_FIELD_NUMBER: _ClassVar[int]
    PAYMENTS_FIELD_NUMBER: _ClassVar[int]
    COINS_FIELD_NUMBER: _ClassVar[int]
    CHANGE_INDEX_FIELD_NUMBER: _ClassVar[int]
    FEE_RATE_SAT_PER_KVB_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_INPUTS_FIELD_NUMBER: _ClassVar[int]
    MIN_FEE_SAT_FIELD_NUMBER: _ClassVar[int]
    LOCKTIME_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    vault_id: str
    payments: _containers.RepeatedCompositeFieldContainer[WithdrawalPayment]
    coins: _containers.RepeatedCompositeFieldContainer[OfferedCoin]
    change_index: int
    fee_rate_sat_per_kvb: int
    required_inputs: _containers.RepeatedCompositeFieldContainer[_types_pb2.OutPoint]
    min_fee_sat: int
    locktime_height: int
    def __init__(self, vault_id: _Optional[str] = ..., payments: _Optional[_Iterable[_Union[WithdrawalPayment, _Mapping]]] = ..., coins: _Optional[_Iterable[_Union[OfferedCoin, _Mapping]]] = ..., change_index: _Optional[int] = ..., fee_rate_sat_per_kvb: _Optional[int] = ..., required_inputs: _Optional[_Iterable[_Union[_types_pb2.OutPoint, _Mapping]]] = ..., min_fee_sat: _Optional[int] = ..., locktime_height: _Optional[int] = ...) -> None: ...

class ConstructWithdrawalTxResponse(_message.Message):
    __slots__ = ("psbt", "unsigned_txid", "unsigned_txid_display", "selected_inputs", "change_vout", "change_amount_sat", "fee_sat", "vsize", "payments")
    PSBT_FIELD_NUMBER: _ClassVar[int]
    UNSIGNED_TXID_FIELD_NUMBER: _ClassVar[int]
    UNSIGNED_TXID_DISPLAY_FIELD_NUMBER: _ClassVar[int]
    SELECTED_INPUTS_FIELD_NUMBER: _ClassVar[int]
    CHANGE_VOUT_FIELD_NUMBER: _ClassVar[int]
    CHANGE_AMOUNT_SAT_FIELD_NUMBER: _ClassVar[int]
    FEE_SAT_FIELD_NUMBER: _ClassVar[int]
    VSIZE_FIELD_NUMBER: _ClassVar[int]
    PAYMENTS_FIELD_NUMBER: _ClassVar[int]
    psbt: bytes
    unsigned_txid: bytes
    unsigned_txid_display: str
    selected_inputs: _containers.RepeatedCompositeFieldContainer[_types_pb2.OutPoint]
    change_vout: int
    change_amount_sat: int
    fee_sat: int
    vsize: int
    payments: _containers.RepeatedCompositeFieldContainer[_types_pb2.PaymentClaim]
    def __init__(self, psbt: _Optional[bytes] = ..., unsigned_txid: _Optional[bytes] = ..., unsigned_txid_display: _Optional[str] = ..., selected_inputs: _Optional[_Iterable[_Union[_types_pb2.OutPoint, _Mapping]]] = ..., change_vout: _Optional[int] = ..., change_amount_sat: _Optional[int] = ..., fee_sat: _Optional[int] = ..., vsize: _Optional[int] = ..., payments: _Optional[_Iterable[_Union[_types_pb2.PaymentClaim, _Mapping]]] = ...) -> None: ...

class ConstructAnchorTxRequest(_message.Message):
    __slots__ = ("vault_id", "magic", "batch_id", "state_root", "eth_tx_hash", "coins", "change_index", "fee_rate_sat_per_kvb", "required_inputs", "min_fee_sat", "locktime_height")
    VAULT_ID_FIELD_NUMBER: _ClassVar[int]
    MAGIC_FIELD_NUMBER: _ClassVar[int]
    BATCH_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_ROOT_FIELD_NUMBER: _ClassVar[int]
    ETH_TX_HASH_FIELD_NUMBER: _ClassVar[int]
    COINS_FIELD_NUMBER: _ClassVar[int]
    CHANGE_INDEX_FIELD_NUMBER: _ClassVar[int]
    FEE_RATE_SAT_PER_KVB_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_INPUTS_FIELD_NUMBER: _ClassVar[int]
    MIN_FEE_SAT_FIELD_NUMBER: _ClassVar[int]
    LOCKTIME_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    vault_id: str
    magic: bytes
    batch_id: int
    state_root: bytes
    eth_tx_hash: bytes
    coins: _containers.RepeatedCompositeFieldContainer[OfferedCoin]
    change_index: int
    fee_rate_sat_per_kvb: int
    required_inputs: _containers.RepeatedCompositeFieldContainer[_types_pb2.OutPoint]
    min_fee_sat: int
    locktime_height: int
    def __init__(self, vault_id: _Optional[str] = ..., magic: _Optional[bytes] = ..., batch_id: _Optional[int] = ..., state_root: _Optional[bytes] = ..., eth_tx_hash: _Optional[bytes] = ..., coins: _Optional[_Iterable[_Union[OfferedCoin, _Mapping]]] = ..., change_index: _Optional[int] = ..., fee_rate_sat_per_kvb: _Optional[int] = ..., required_inputs: _Optional[_Iterable[_Union[_types_pb2.OutPoint, _Mapping]]] = ..., min_fee_sat: _Optional[int] = ..., locktime_height: _Optional[int] = ...) -> None: ...

class ConstructAnchorTxResponse(_message.Message):
    __slots__ = ("psbt", "unsigned_txid", "unsigned_txid_display", "selected_inputs", "change_vout", "change_amount_sat", "fee_sat", "vsize", "payload", "anchor_vout")
    PSBT_FIELD_NUMBER: _ClassVar[int]
    UNSIGNED_TXID_FIELD_NUMBER: _ClassVar[int]
    UNSIGNED_TXID_DISPLAY_FIELD_NUMBER: _ClassVar[int]
    SELECTED_INPUTS_FIELD_NUMBER: _ClassVar[int]
    CHANGE_VOUT_FIELD_NUMBER: _ClassVar[int]
    CHANGE_AMOUNT_SAT_FIELD_NUMBER: _ClassVar[int]
    FEE_SAT_FIELD_NUMBER: _ClassVar[int]
    VSIZE_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    ANCHOR_VOUT_FIELD_NUMBER: _ClassVar[int]
    psbt: bytes
    unsigned_txid: bytes
    unsigned_txid_display: str
    selected_inputs: _containers.RepeatedCompositeFieldContainer[_types_pb2.OutPoint]
    change_vout: int
    change_amount_sat: int
    fee_sat: int
    vsize: int
    payload: bytes
    anchor_vout: int
    def __init__(self, psbt: _Optional[bytes] = ..., unsigned_txid: _Optional[bytes] = ..., unsigned_txid_display: _Optional[str] = ..., selected_inputs: _Optional[_Iterable[_Union[_types_pb2.OutPoint, _Mapping]]] = ..., change_vout: _Optional[int] = ..., change_amount_sat: _Optional[int] = ..., fee_sat: _Optional[int] = ..., vsize: _Optional[int] = ..., payload: _Optional[bytes] = ..., anchor_vout: _Optional[int] = ...) -> None: ...

class ConstructSweepTxRequest(_message.Message):
    __slots__ = ("vault_id", "to_vault_id", "index", "coins", "path_index", "fee_rate_sat_per_kvb", "min_fee_sat")
    VAULT_ID_FIELD_NUMBER: _ClassVar[int]
    TO_VAULT_ID_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    COINS_FIELD_NUMBER: _ClassVar[int]
    PATH_INDEX_FIELD_NUMBER: _ClassVar[int]
    FEE_RATE_SAT_PER_KVB_FIELD_NUMBER: _ClassVar[int]
    MIN_FEE_SAT_FIELD_NUMBER: _ClassVar[int]
    vault_id: str
    to_vault_id: str
    index: int
    coins: _containers.RepeatedCompositeFieldContainer[OfferedCoin]
    path_index: int
    fee_rate_sat_per_kvb: int
    min_fee_sat: int
    def __init__(self, vault_id: _Optional[str] = ..., to_vault_id: _Optional[str] = ..., index: _Optional[int] = ..., coins: _Optional[_Iterable[_Union[OfferedCoin, _Mapping]]] = ..., path_index: _Optional[int] = ..., fee_rate_sat_per_kvb: _Optional[int] = ..., min_fee_sat: _Optional[int] = ...) -> None: ...

class ConstructSweepTxResponse(_message.Message):
    __slots__ = ("psbt", "unsigned_txid", "unsigned_txid_display", "kind", "amount_sat", "fee_sat", "vsize")
    PSBT_FIELD_NUMBER: _ClassVar[int]
    UNSIGNED_TXID_FIELD_NUMBER: _ClassVar[int]
    UNSIGNED_TXID_DISPLAY_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_SAT_FIELD_NUMBER: _ClassVar[int]
    FEE_SAT_FIELD_NUMBER: _ClassVar[int]
    VSIZE_FIELD_NUMBER: _ClassVar[int]
    psbt: bytes
    unsigned_txid: bytes
    unsigned_txid_display: str
    kind: str
    amount_sat: int
    fee_sat: int
    vsize: int
    def __init__(self, psbt: _Optional[bytes] = ..., unsigned_txid: _Optional[bytes] = ..., unsigned_txid_display: _Optional[str] = ..., kind: _Optional[str] = ..., amount_sat: _Optional[int] = ..., fee_sat: _Optional[int] = ..., vsize: _Optional[int] = ...) -> None: ...

class SignPsbtRequest(_message.Message):
    __slots__ = ("vault_id", "psbt", "payments", "attestations", "last_seen_head", "proofs")
    VAULT_ID_FIELD_NUMBER: _ClassVar[int]
    PSBT_FIELD_NUMBER: _ClassVar[int]
    PAYMENTS_FIELD_NUMBER: _ClassVar[int]
    ATTESTATIONS_FIELD_NUMBER: _ClassVar[int]
    LAST_SEEN_HEAD_FIELD_NUMBER: _ClassVar[int]
    PROOFS_FIELD_NUMBER: _ClassVar[int]
    vault_id: str
    psbt: bytes
    payments: _containers.RepeatedCompositeFieldContainer[_types_pb2.PaymentClaim]
    attestations: _containers.RepeatedCompositeFieldContainer[_types_pb2.Attestation]
    last_seen_head: str
    proofs: _containers.RepeatedCompositeFieldContainer[_types_pb2.TxInclusionProof]
    def __init__(self, vault_id: _Optional[str] = ..., psbt: _Optional[bytes] = ..., payments: _Optional[_Iterable[_Union[_types_pb2.PaymentClaim, _Mapping]]] = ..., attestations: _Optional[_Iterable[_Union[_types_pb2.Attestation, _Mapping]]] = ..., last_seen_head: _Optional[str] = ..., proofs: _Optional[_Iterable[_Union[_types_pb2.TxInclusionProof, _Mapping]]] = ...) -> None: ...

class SignPsbtResponse(_message.Message):
    __slots__ = ("psbt", "decision_id", "txid", "txid_display", "head", "signatures", "pending", "receipt")
    PSBT_FIELD_NUMBER: _ClassVar[int]
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    TXID_FIELD_NUMBER: _ClassVar[int]
    TXID_DISPLAY_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    SIGNATURES_FIELD_NUMBER: _ClassVar[int]
    PENDING_FIELD_NUMBER: _ClassVar[int]
    RECEIPT_FIELD_NUMBER: _ClassVar[int]
    psbt: bytes
    decision_id: bytes
    txid: bytes
    txid_display: str
    head: str
    signatures: int
    pending: PendingSpend
    receipt: _types_pb2.Receipt
    def __init__(self, psbt: _Optional[bytes] = ..., decision_id: _Optional[bytes] = ..., txid: _Optional[bytes] = ..., txid_display: _Optional[str] = ..., head: _Optional[str] = ..., signatures: _Optional[int] = ..., pending: _Optional[_Union[PendingSpend, _Mapping]] = ..., receipt: _Optional[_Union[_types_pb2.Receipt, _Mapping]] = ...) -> None: ...

class PendingSpend(_message.Message):
    __slots__ = ("missing", "not_before_unix")
    MISSING_FIELD_NUMBER: _ClassVar[int]
    NOT_BEFORE_UNIX_FIELD_NUMBER: _ClassVar[int]
    missing: _containers.RepeatedCompositeFieldContainer[_types_pb2.Objection]
    not_before_unix: int
    def __init__(self, missing: _Optional[_Iterable[_Union[_types_pb2.Objection, _Mapping]]] = ..., not_before_unix: _Optional[int] = ...) -> None: ...

class ExplainPsbtRequest(_message.Message):
    __slots__ = ("vault_id", "psbt", "payments", "attestations", "proofs")
    VAULT_ID_FIELD_NUMBER: _ClassVar[int]
    PSBT_FIELD_NUMBER: _ClassVar[int]
    PAYMENTS_FIELD_NUMBER: _ClassVar[int]
    ATTESTATIONS_FIELD_NUMBER: _ClassVar[int]
    PROOFS_FIELD_NUMBER: _ClassVar[int]
    vault_id: str
    psbt: bytes
    payments: _containers.RepeatedCompositeFieldContainer[_types_pb2.PaymentClaim]
    attestations: _containers.RepeatedCompositeFieldContainer[_types_pb2.Attestation]
    proofs: _containers.RepeatedCompositeFieldContainer[_types_pb2.TxInclusionProof]
    def __init__(self, vault_id: _Optional[str] = ..., psbt: _Optional[bytes] = ..., payments: _Optional[_Iterable[_Union[_types_pb2.PaymentClaim, _Mapping]]] = ..., attestations: _Optional[_Iterable[_Union[_types_pb2.Attestation, _Mapping]]] = ..., proofs: _Optional[_Iterable[_Union[_types_pb2.TxInclusionProof, _Mapping]]] = ...) -> None: ...

class TraceLine(_message.Message):
    __slots__ = ("rule", "text", "passed", "objections", "way")
    RULE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    PASSED_FIELD_NUMBER: _ClassVar[int]
    OBJECTIONS_FIELD_NUMBER: _ClassVar[int]
    WAY_FIELD_NUMBER: _ClassVar[int]
    rule: str
    text: str
    passed: bool
    objections: _containers.RepeatedCompositeFieldContainer[_types_pb2.Objection]
    way: int
    def __init__(self, rule: _Optional[str] = ..., text: _Optional[str] = ..., passed: _Optional[bool] = ..., objections: _Optional[_Iterable[_Union[_types_pb2.Objection, _Mapping]]] = ..., way: _Optional[int] = ...) -> None: ...

class ExplainedOutput(_message.Message):
    __slots__ = ("vout", "amount_sat", "script_pubkey", "address", "purpose")
    VOUT_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_SAT_FIELD_NUMBER: _ClassVar[int]
    SCRIPT_PUBKEY_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    vout: int
    amount_sat: int
    script_pubkey: bytes
    address: str
    purpose: str
    def __init__(self, vout: _Optional[int] = ..., amount_sat: _Optional[int] = ..., script_pubkey: _Optional[bytes] = ..., address: _Optional[str] = ..., purpose: _Optional[str] = ...) -> None: ...

class ExplainPsbtResponse(_message.Message):
    __slots__ = ("would_sign", "on_record", "kind", "path", "fee_sat", "vsize", "outflow_sat", "outputs", "trace", "unsigned_txid", "unsigned_txid_display", "would_be_pending", "nearest_changes")
    WOULD_SIGN_FIELD_NUMBER: _ClassVar[int]
    ON_RECORD_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    FEE_SAT_FIELD_NUMBER: _ClassVar[int]
    VSIZE_FIELD_NUMBER: _ClassVar[int]
    OUTFLOW_SAT_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    TRACE_FIELD_NUMBER: _ClassVar[int]
    UNSIGNED_TXID_FIELD_NUMBER: _ClassVar[int]
    UNSIGNED_TXID_DISPLAY_FIELD_NUMBER: _ClassVar[int]
    WOULD_BE_PENDING_FIELD_NUMBER: _ClassVar[int]
    NEAREST_CHANGES_FIELD_NUMBER: _ClassVar[int]
    would_sign: bool
    on_record: bool
    kind: str
    path: str
    fee_sat: int
    vsize: int
    outflow_sat: int
    outputs: _containers.RepeatedCompositeFieldContainer[ExplainedOutput]
    trace: _containers.RepeatedCompositeFieldContainer[TraceLine]
    unsigned_txid: bytes
    unsigned_txid_display: str
    would_be_pending: bool
    nearest_changes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, would_sign: _Optional[bool] = ..., on_record: _Optional[bool] = ..., kind: _Optional[str] = ..., path: _Optional[str] = ..., fee_sat: _Optional[int] = ..., vsize: _Optional[int] = ..., outflow_sat: _Optional[int] = ..., outputs: _Optional[_Iterable[_Union[ExplainedOutput, _Mapping]]] = ..., trace: _Optional[_Iterable[_Union[TraceLine, _Mapping]]] = ..., unsigned_txid: _Optional[bytes] = ..., unsigned_txid_display: _Optional[str] = ..., would_be_pending: _Optional[bool] = ..., nearest_changes: _Optional[_Iterable[str]] = ...) -> None: ...

class ListCoinsRequest(_message.Message):
    __slots__ = ("vault_id", "page_size", "page_token")
    VAULT_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    vault_id: str
    page_size: int
    page_token: bytes
    def __init__(self, vault_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[bytes] = ...) -> None: ...

class CoinInfo(_message.Message):
    __slots__ = ("outpoint", "txid_display", "amount_sat", "script_pubkey", "branch", "index", "confirmed_height", "proven", "spent_by", "spent_deep")
    OUTPOINT_FIELD_NUMBER: _ClassVar[int]
    TXID_DISPLAY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_SAT_FIELD_NUMBER: _ClassVar[int]
    SCRIPT_PUBKEY_FIELD_NUMBER: _ClassVar[int]
    BRANCH_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    CONFIRMED_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    PROVEN_FIELD_NUMBER: _ClassVar[int]
    SPENT_BY_FIELD_NUMBER: _ClassVar[int]
    SPENT_DEEP_FIELD_NUMBER: _ClassVar[int]
    outpoint: _types_pb2.OutPoint
    txid_display: str
    amount_sat: int
    script_pubkey: bytes
    branch: _types_pb2.Branch
    index: int
    confirmed_height: int
    proven: str
    spent_by: _containers.RepeatedScalarFieldContainer[bytes]
    spent_deep: bool
    def __init__(self, outpoint: _Optional[_Union[_types_pb2.OutPoint, _Mapping]] = ..., txid_display: _Optional[str] = ..., amount_sat: _Optional[int] = ..., script_pubkey: _Optional[bytes] = ..., branch: _Optional[_Union[_types_pb2.Branch, str]] = ..., index: _Optional[int] = ..., confirmed_height: _Optional[int] = ..., proven: _Optional[str] = ..., spent_by: _Optional[_Iterable[bytes]] = ..., spent_deep: _Optional[bool] = ...) -> None: ...

class ListCoinsResponse(_message.Message):
    __slots__ = ("coins", "next_page_token")
    COINS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    coins: _containers.RepeatedCompositeFieldContainer[CoinInfo]
    next_page_token: bytes
    def __init__(self, coins: _Optional[_Iterable[_Union[CoinInfo, _Mapping]]] = ..., next_page_token: _Optional[bytes] = ...) -> None: ...

class GetWithdrawalRequest(_message.Message):
    __slots__ = ("withdrawal_id", "versions_page_size", "versions_page_token")
    WITHDRAWAL_ID_FIELD_NUMBER: _ClassVar[int]
    VERSIONS_PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    VERSIONS_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    withdrawal_id: bytes
    versions_page_size: int
    versions_page_token: bytes
    def __init__(self, withdrawal_id: _Optional[bytes] = ..., versions_page_size: _Optional[int] = ..., versions_page_token: _Optional[bytes] = ...) -> None: ...

class Version(_message.Message):
    __slots__ = ("txid", "txid_display", "psbt", "inputs", "fee_sat", "decision_id", "signed_at_unix", "awaits_grants")
    TXID_FIELD_NUMBER: _ClassVar[int]
    TXID_DISPLAY_FIELD_NUMBER: _ClassVar[int]
    PSBT_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    FEE_SAT_FIELD_NUMBER: _ClassVar[int]
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    SIGNED_AT_UNIX_FIELD_NUMBER: _ClassVar[int]
    AWAITS_GRANTS_FIELD_NUMBER: _ClassVar[int]
    txid: bytes
    txid_display: str
    psbt: bytes
    inputs: _containers.RepeatedCompositeFieldContainer[_types_pb2.OutPoint]
    fee_sat: int
    decision_id: bytes
    signed_at_unix: int
    awaits_grants: bool
    def __init__(self, txid: _Optional[bytes] = ..., txid_display: _Optional[str] = ..., psbt: _Optional[bytes] = ..., inputs: _Optional[_Iterable[_Union[_types_pb2.OutPoint, _Mapping]]] = ..., fee_sat: _Optional[int] = ..., decision_id: _Optional[bytes] = ..., signed_at_unix: _Optional[int] = ..., awaits_grants: _Optional[bool] = ...) -> None: ...

class WithdrawalInfo(_message.Message):
    __slots__ = ("withdrawal_id", "vault_id", "amount_sat", "script_pubkey", "state", "pin", "pinned_together", "versions")
    WITHDRAWAL_ID_FIELD_NUMBER: _ClassVar[int]
    VAULT_ID_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_SAT_FIELD_NUMBER: _ClassVar[int]
    SCRIPT_PUBKEY_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PIN_FIELD_NUMBER: _ClassVar[int]
    PINNED_TOGETHER_FIELD_NUMBER: _ClassVar[int]
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    withdrawal_id: bytes
    vault_id: str
    amount_sat: int
    script_pubkey: bytes
    state: str
    pin: _types_pb2.OutPoint
    pinned_together: _containers.RepeatedScalarFieldContainer[bytes]
    versions: _containers.RepeatedCompositeFieldContainer[Version]
    def __init__(self, withdrawal_id: _Optional[bytes] = ..., vault_id: _Optional[str] = ..., amount_sat: _Optional[int] = ..., script_pubkey: _Optional[bytes] = ..., state: _Optional[str] = ..., pin: _Optional[_Union[_types_pb2.OutPoint, _Mapping]] = ..., pinned_together: _Optional[_Iterable[bytes]] = ..., versions: _Optional[_Iterable[_Union[Version, _Mapping]]] = ...) -> None: ...

class GetWithdrawalResponse(_message.Message):
    __slots__ = ("withdrawal", "next_versions_page_token")
    WITHDRAWAL_FIELD_NUMBER: _ClassVar[int]
    NEXT_VERSIONS_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    withdrawal: WithdrawalInfo
    next_versions_page_token: bytes
    def __init__(self, withdrawal: _Optional[_Union[WithdrawalInfo, _Mapping]] = ..., next_versions_page_token: _Optional[bytes] = ...) -> None: ...

class ListWithdrawalsRequest(_message.Message):
    __slots__ = ("vault_id", "page_size", "page_token")
    VAULT_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    vault_id: str
    page_size: int
    page_token: bytes
    def __init__(self, vault_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[bytes] = ...) -> None: ...

class ListWithdrawalsResponse(_message.Message):
    __slots__ = ("withdrawals", "next_page_token")
    WITHDRAWALS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    withdrawals: _containers.RepeatedCompositeFieldContainer[WithdrawalInfo]
    next_page_token: bytes
    def __init__(self, withdrawals: _Optional[_Iterable[_Union[WithdrawalInfo, _Mapping]]] = ..., next_page_token: _Optional[bytes] = ...) -> None: ...

class ExtractTxRequest(_message.Message):
    __slots__ = ("vault_id", "psbts")
    VAULT_ID_FIELD_NUMBER: _ClassVar[int]
    PSBTS_FIELD_NUMBER: _ClassVar[int]
    vault_id: str
    psbts: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, vault_id: _Optional[str] = ..., psbts: _Optional[_Iterable[bytes]] = ...) -> None: ...

class MissingSignatures(_message.Message):
    __slots__ = ("input_index", "have", "need", "unsigned_pubkeys")
    INPUT_INDEX_FIELD_NUMBER: _ClassVar[int]
    HAVE_FIELD_NUMBER: _ClassVar[int]
    NEED_FIELD_NUMBER: _ClassVar[int]
    UNSIGNED_PUBKEYS_FIELD_NUMBER: _ClassVar[int]
    input_index: int
    have: int
    need: int
    unsigned_pubkeys: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, input_index: _Optional[int] = ..., have: _Optional[int] = ..., need: _Optional[int] = ..., unsigned_pubkeys: _Optional[_Iterable[bytes]] = ...) -> None: ...

class ExtractTxResponse(_message.Message):
    __slots__ = ("complete", "transaction", "txid", "txid_display", "weight", "vsize", "fee_sat", "missing", "combined_psbt")
    COMPLETE_FIELD_NUMBER: _ClassVar[int]
    TRANSACTION_FIELD_NUMBER: _ClassVar[int]
    TXID_FIELD_NUMBER: _ClassVar[int]
    TXID_DISPLAY_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    VSIZE_FIELD_NUMBER: _ClassVar[int]
    FEE_SAT_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    COMBINED_PSBT_FIELD_NUMBER: _ClassVar[int]
    complete: bool
    transaction: bytes
    txid: bytes
    txid_display: str
    weight: int
    vsize: int
    fee_sat: int
    missing: _containers.RepeatedCompositeFieldContainer[MissingSignatures]
    combined_psbt: bytes
    def __init__(self, complete: _Optional[bool] = ..., transaction: _Optional[bytes] = ..., txid: _Optional[bytes] = ..., txid_display: _Optional[str] = ..., weight: _Optional[int] = ..., vsize: _Optional[int] = ..., fee_sat: _Optional[int] = ..., missing: _Optional[_Iterable[_Union[MissingSignatures, _Mapping]]] = ..., combined_psbt: _Optional[bytes] = ...) -> None: ...

class ExpectedDeposit(_message.Message):
    __slots__ = ("magic", "l2_chain_id", "l2_address")
    MAGIC_FIELD_NUMBER: _ClassVar[int]
    L2_CHAIN_ID_FIELD_NUMBER: _ClassVar[int]
    L2_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    magic: bytes
    l2_chain_id: int
    l2_address: bytes
    def __init__(self, magic: _Optional[bytes] = ..., l2_chain_id: _Optional[int] = ..., l2_address: _Optional[bytes] = ...) -> None: ...

class ExpectedAnchor(_message.Message):
    __slots__ = ("magic", "batch_id", "state_root", "eth_tx_hash")
    MAGIC_FIELD_NUMBER: _ClassVar[int]
    BATCH_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_ROOT_FIELD_NUMBER: _ClassVar[int]
    ETH_TX_HASH_FIELD_NUMBER: _ClassVar[int]
    magic: bytes
    batch_id: int
    state_root: bytes
    eth_tx_hash: bytes
    def __init__(self, magic: _Optional[bytes] = ..., batch_id: _Optional[int] = ..., state_root: _Optional[bytes] = ..., eth_tx_hash: _Optional[bytes] = ...) -> None: ...

class ValidateOpReturnRequest(_message.Message):
    __slots__ = ("vault_id", "script", "transaction", "psbt", "previous_transactions", "expected_deposit", "index_hint", "expected_anchor")
    VAULT_ID_FIELD_NUMBER: _ClassVar[int]
    SCRIPT_FIELD_NUMBER: _ClassVar[int]
    TRANSACTION_FIELD_NUMBER: _ClassVar[int]
    PSBT_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_TRANSACTIONS_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_DEPOSIT_FIELD_NUMBER: _ClassVar[int]
    INDEX_HINT_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_ANCHOR_FIELD_NUMBER: _ClassVar[int]
    vault_id: str
    script: bytes
    transaction: bytes
    psbt: bytes
    previous_transactions: _containers.RepeatedScalarFieldContainer[bytes]
    expected_deposit: ExpectedDeposit
    index_hint: int
    expected_anchor: ExpectedAnchor
    def __init__(self, vault_id: _Optional[str] = ..., script: _Optional[bytes] = ..., transaction: _Optional[bytes] = ..., psbt: _Optional[bytes] = ..., previous_transactions: _Optional[_Iterable[bytes]] = ..., expected_deposit: _Optional[_Union[ExpectedDeposit, _Mapping]] = ..., index_hint: _Optional[int] = ..., expected_anchor: _Optional[_Union[ExpectedAnchor, _Mapping]] = ...) -> None: ...

class DepositPayload(_message.Message):
    __slots__ = ("magic", "l2_chain_id", "l2_address")
    MAGIC_FIELD_NUMBER: _ClassVar[int]
    L2_CHAIN_ID_FIELD_NUMBER: _ClassVar[int]
    L2_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    magic: bytes
    l2_chain_id: int
    l2_address: bytes
    def __init__(self, magic: _Optional[bytes] = ..., l2_chain_id: _Optional[int] = ..., l2_address: _Optional[bytes] = ...) -> None: ...

class ValidateOpReturnResponse(_message.Message):
    __slots__ = ("deposit", "payload_matches", "from_vault", "not_from_vault", "deposit_valid", "vault_outputs", "reasons", "anchor", "anchor_valid")
    DEPOSIT_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_MATCHES_FIELD_NUMBER: _ClassVar[int]
    FROM_VAULT_FIELD_NUMBER: _ClassVar[int]
    NOT_FROM_VAULT_FIELD_NUMBER: _ClassVar[int]
    DEPOSIT_VALID_FIELD_NUMBER: _ClassVar[int]
    VAULT_OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    ANCHOR_FIELD_NUMBER: _ClassVar[int]
    ANCHOR_VALID_FIELD_NUMBER: _ClassVar[int]
    deposit: DepositPayload
    payload_matches: bool
    from_vault: bool
    not_from_vault: bool
    deposit_valid: bool
    vault_outputs: _containers.RepeatedCompositeFieldContainer[DepositOutput]
    reasons: _containers.RepeatedCompositeFieldContainer[_types_pb2.Objection]
    anchor: AnchorPayload
    anchor_valid: bool
    def __init__(self, deposit: _Optional[_Union[DepositPayload, _Mapping]] = ..., payload_matches: _Optional[bool] = ..., from_vault: _Optional[bool] = ..., not_from_vault: _Optional[bool] = ..., deposit_valid: _Optional[bool] = ..., vault_outputs: _Optional[_Iterable[_Union[DepositOutput, _Mapping]]] = ..., reasons: _Optional[_Iterable[_Union[_types_pb2.Objection, _Mapping]]] = ..., anchor: _Optional[_Union[AnchorPayload, _Mapping]] = ..., anchor_valid: _Optional[bool] = ...) -> None: ...

class AnchorPayload(_message.Message):
    __slots__ = ("magic", "batch_id", "state_root", "eth_tx_hash")
    MAGIC_FIELD_NUMBER: _ClassVar[int]
    BATCH_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_ROOT_FIELD_NUMBER: _ClassVar[int]
    ETH_TX_HASH_FIELD_NUMBER: _ClassVar[int]
    magic: bytes
    batch_id: int
    state_root: bytes
    eth_tx_hash: bytes
    def __init__(self, magic: _Optional[bytes] = ..., batch_id: _Optional[int] = ..., state_root: _Optional[bytes] = ..., eth_tx_hash: _Optional[bytes] = ...) -> None: ...

class DepositOutput(_message.Message):
    __slots__ = ("vout", "amount_sat", "index")
    VOUT_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_SAT_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    vout: int
    amount_sat: int
    index: int
    def __init__(self, vout: _Optional[int] = ..., amount_sat: _Optional[int] = ..., index: _Optional[int] = ...) -> None: ...

class VaultTemplate(_message.Message):
    __slots__ = ("template", "keys")
    TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    template: str
    keys: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, template: _Optional[str] = ..., keys: _Optional[_Iterable[str]] = ...) -> None: ...

class ExpectedScript(_message.Message):
    __slots__ = ("branch", "index", "script")
    BRANCH_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    SCRIPT_FIELD_NUMBER: _ClassVar[int]
    branch: _types_pb2.Branch
    index: int
    script: bytes
    def __init__(self, branch: _Optional[_Union[_types_pb2.Branch, str]] = ..., index: _Optional[int] = ..., script: _Optional[bytes] = ...) -> None: ...

class BareScript(_message.Message):
    __slots__ = ("witness_script", "leaf", "script_pubkey", "miniscript")
    WITNESS_SCRIPT_FIELD_NUMBER: _ClassVar[int]
    LEAF_FIELD_NUMBER: _ClassVar[int]
    SCRIPT_PUBKEY_FIELD_NUMBER: _ClassVar[int]
    MINISCRIPT_FIELD_NUMBER: _ClassVar[int]
    witness_script: bytes
    leaf: bytes
    script_pubkey: bytes
    miniscript: str
    def __init__(self, witness_script: _Optional[bytes] = ..., leaf: _Optional[bytes] = ..., script_pubkey: _Optional[bytes] = ..., miniscript: _Optional[str] = ...) -> None: ...

class VerifyScriptRequest(_message.Message):
    __slots__ = ("vault_id", "descriptor", "template", "script", "expected", "coin_height")
    VAULT_ID_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTOR_FIELD_NUMBER: _ClassVar[int]
    TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    SCRIPT_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FIELD_NUMBER: _ClassVar[int]
    COIN_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    vault_id: str
    descriptor: str
    template: VaultTemplate
    script: BareScript
    expected: _containers.RepeatedCompositeFieldContainer[ExpectedScript]
    coin_height: int
    def __init__(self, vault_id: _Optional[str] = ..., descriptor: _Optional[str] = ..., template: _Optional[_Union[VaultTemplate, _Mapping]] = ..., script: _Optional[_Union[BareScript, _Mapping]] = ..., expected: _Optional[_Iterable[_Union[ExpectedScript, _Mapping]]] = ..., coin_height: _Optional[int] = ...) -> None: ...

class ScriptKey(_message.Message):
    __slots__ = ("position", "key")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    position: int
    key: str
    def __init__(self, position: _Optional[int] = ..., key: _Optional[str] = ...) -> None: ...

class ScriptGroup(_message.Message):
    __slots__ = ("threshold", "positions")
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    threshold: int
    positions: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, threshold: _Optional[int] = ..., positions: _Optional[_Iterable[int]] = ...) -> None: ...

class ScriptWay(_message.Message):
    __slots__ = ("groups", "hashes", "older_blocks", "older_seconds", "after_height", "after_unix")
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    HASHES_FIELD_NUMBER: _ClassVar[int]
    OLDER_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    OLDER_SECONDS_FIELD_NUMBER: _ClassVar[int]
    AFTER_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    AFTER_UNIX_FIELD_NUMBER: _ClassVar[int]
    groups: _containers.RepeatedCompositeFieldContainer[ScriptGroup]
    hashes: _containers.RepeatedScalarFieldContainer[bytes]
    older_blocks: int
    older_seconds: int
    after_height: int
    after_unix: int
    def __init__(self, groups: _Optional[_Iterable[_Union[ScriptGroup, _Mapping]]] = ..., hashes: _Optional[_Iterable[bytes]] = ..., older_blocks: _Optional[int] = ..., older_seconds: _Optional[int] = ..., after_height: _Optional[int] = ..., after_unix: _Optional[int] = ...) -> None: ...

class ScriptPath(_message.Message):
    __slots__ = ("index", "name", "threshold", "keys", "older_blocks", "input_weight", "older_seconds", "after_height", "after_unix", "ways", "leaves", "fewest")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    OLDER_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    INPUT_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    OLDER_SECONDS_FIELD_NUMBER: _ClassVar[int]
    AFTER_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    AFTER_UNIX_FIELD_NUMBER: _ClassVar[int]
    WAYS_FIELD_NUMBER: _ClassVar[int]
    LEAVES_FIELD_NUMBER: _ClassVar[int]
    FEWEST_FIELD_NUMBER: _ClassVar[int]
    index: int
    name: str
    threshold: int
    keys: _containers.RepeatedCompositeFieldContainer[ScriptKey]
    older_blocks: int
    input_weight: int
    older_seconds: int
    after_height: int
    after_unix: int
    ways: _containers.RepeatedCompositeFieldContainer[ScriptWay]
    leaves: _containers.RepeatedScalarFieldContainer[int]
    fewest: MemberSet
    def __init__(self, index: _Optional[int] = ..., name: _Optional[str] = ..., threshold: _Optional[int] = ..., keys: _Optional[_Iterable[_Union[ScriptKey, _Mapping]]] = ..., older_blocks: _Optional[int] = ..., input_weight: _Optional[int] = ..., older_seconds: _Optional[int] = ..., after_height: _Optional[int] = ..., after_unix: _Optional[int] = ..., ways: _Optional[_Iterable[_Union[ScriptWay, _Mapping]]] = ..., leaves: _Optional[_Iterable[int]] = ..., fewest: _Optional[_Union[MemberSet, _Mapping]] = ...) -> None: ...

class MemberSet(_message.Message):
    __slots__ = ("members",)
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    members: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, members: _Optional[_Iterable[int]] = ...) -> None: ...

class ScriptAnalysis(_message.Message):
    __slots__ = ("miniscript", "script", "depth", "types", "sane", "insanities", "nonmalleable", "needs_signature", "timelock_mix", "ops", "stack", "max_witness_weight")
    MINISCRIPT_FIELD_NUMBER: _ClassVar[int]
    SCRIPT_FIELD_NUMBER: _ClassVar[int]
    DEPTH_FIELD_NUMBER: _ClassVar[int]
    TYPES_FIELD_NUMBER: _ClassVar[int]
    SANE_FIELD_NUMBER: _ClassVar[int]
    INSANITIES_FIELD_NUMBER: _ClassVar[int]
    NONMALLEABLE_FIELD_NUMBER: _ClassVar[int]
    NEEDS_SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    TIMELOCK_MIX_FIELD_NUMBER: _ClassVar[int]
    OPS_FIELD_NUMBER: _ClassVar[int]
    STACK_FIELD_NUMBER: _ClassVar[int]
    MAX_WITNESS_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    miniscript: str
    script: bytes
    depth: int
    types: str
    sane: bool
    insanities: _containers.RepeatedScalarFieldContainer[str]
    nonmalleable: bool
    needs_signature: bool
    timelock_mix: bool
    ops: int
    stack: int
    max_witness_weight: int
    def __init__(self, miniscript: _Optional[str] = ..., script: _Optional[bytes] = ..., depth: _Optional[int] = ..., types: _Optional[str] = ..., sane: _Optional[bool] = ..., insanities: _Optional[_Iterable[str]] = ..., nonmalleable: _Optional[bool] = ..., needs_signature: _Optional[bool] = ..., timelock_mix: _Optional[bool] = ..., ops: _Optional[int] = ..., stack: _Optional[int] = ..., max_witness_weight: _Optional[int] = ...) -> None: ...

class MinoritySpend(_message.Message):
    __slots__ = ("size", "members", "path_index", "height", "age_seconds", "unix_time")
    SIZE_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    PATH_INDEX_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    AGE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    UNIX_TIME_FIELD_NUMBER: _ClassVar[int]
    size: int
    members: MemberSet
    path_index: int
    height: int
    age_seconds: int
    unix_time: int
    def __init__(self, size: _Optional[int] = ..., members: _Optional[_Union[MemberSet, _Mapping]] = ..., path_index: _Optional[int] = ..., height: _Optional[int] = ..., age_seconds: _Optional[int] = ..., unix_time: _Optional[int] = ...) -> None: ...

class VerifyScriptResponse(_message.Message):
    __slots__ = ("descriptor", "fingerprint", "script_type", "paths", "threshold", "members", "tolerated", "may_be_silent", "vault_allowed", "objections", "matches", "first_address", "scripts", "quorums", "intersection", "earliest", "owner", "unspendable_internal_key", "witnesses")
    DESCRIPTOR_FIELD_NUMBER: _ClassVar[int]
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    SCRIPT_TYPE_FIELD_NUMBER: _ClassVar[int]
    PATHS_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    TOLERATED_FIELD_NUMBER: _ClassVar[int]
    MAY_BE_SILENT_FIELD_NUMBER: _ClassVar[int]
    VAULT_ALLOWED_FIELD_NUMBER: _ClassVar[int]
    OBJECTIONS_FIELD_NUMBER: _ClassVar[int]
    MATCHES_FIELD_NUMBER: _ClassVar[int]
    FIRST_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    SCRIPTS_FIELD_NUMBER: _ClassVar[int]
    QUORUMS_FIELD_NUMBER: _ClassVar[int]
    INTERSECTION_FIELD_NUMBER: _ClassVar[int]
    EARLIEST_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    UNSPENDABLE_INTERNAL_KEY_FIELD_NUMBER: _ClassVar[int]
    WITNESSES_FIELD_NUMBER: _ClassVar[int]
    descriptor: str
    fingerprint: bytes
    script_type: str
    paths: _containers.RepeatedCompositeFieldContainer[ScriptPath]
    threshold: int
    members: int
    tolerated: int
    may_be_silent: int
    vault_allowed: bool
    objections: _containers.RepeatedCompositeFieldContainer[_types_pb2.Objection]
    matches: _containers.RepeatedScalarFieldContainer[bool]
    first_address: str
    scripts: _containers.RepeatedCompositeFieldContainer[ScriptAnalysis]
    quorums: _containers.RepeatedCompositeFieldContainer[MemberSet]
    intersection: int
    earliest: _containers.RepeatedCompositeFieldContainer[MinoritySpend]
    owner: ScriptOwner
    unspendable_internal_key: bool
    witnesses: WitnessTerms
    def __init__(self, descriptor: _Optional[str] = ..., fingerprint: _Optional[bytes] = ..., script_type: _Optional[str] = ..., paths: _Optional[_Iterable[_Union[ScriptPath, _Mapping]]] = ..., threshold: _Optional[int] = ..., members: _Optional[int] = ..., tolerated: _Optional[int] = ..., may_be_silent: _Optional[int] = ..., vault_allowed: _Optional[bool] = ..., objections: _Optional[_Iterable[_Union[_types_pb2.Objection, _Mapping]]] = ..., matches: _Optional[_Iterable[bool]] = ..., first_address: _Optional[str] = ..., scripts: _Optional[_Iterable[_Union[ScriptAnalysis, _Mapping]]] = ..., quorums: _Optional[_Iterable[_Union[MemberSet, _Mapping]]] = ..., intersection: _Optional[int] = ..., earliest: _Optional[_Iterable[_Union[MinoritySpend, _Mapping]]] = ..., owner: _Optional[_Union[ScriptOwner, _Mapping]] = ..., unspendable_internal_key: _Optional[bool] = ..., witnesses: _Optional[_Union[WitnessTerms, _Mapping]] = ...) -> None: ...

class ScriptOwner(_message.Message):
    __slots__ = ("vault_id", "branch", "index")
    VAULT_ID_FIELD_NUMBER: _ClassVar[int]
    BRANCH_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    vault_id: str
    branch: _types_pb2.Branch
    index: int
    def __init__(self, vault_id: _Optional[str] = ..., branch: _Optional[_Union[_types_pb2.Branch, str]] = ..., index: _Optional[int] = ...) -> None: ...
