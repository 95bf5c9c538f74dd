from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Branch(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BRANCH_UNSPECIFIED: _ClassVar[Branch]
    BRANCH_RECEIVE: _ClassVar[Branch]
    BRANCH_CHANGE: _ClassVar[Branch]

class Disposition(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DISPOSITION_UNSPECIFIED: _ClassVar[Disposition]
    DISPOSITION_RETRY_SAME: _ClassVar[Disposition]
    DISPOSITION_WAIT_UNTIL: _ClassVar[Disposition]
    DISPOSITION_NEEDS_EVIDENCE: _ClassVar[Disposition]
    DISPOSITION_NEEDS_APPROVAL: _ClassVar[Disposition]
    DISPOSITION_REBUILD: _ClassVar[Disposition]
    DISPOSITION_OPERATOR: _ClassVar[Disposition]
    DISPOSITION_NEVER: _ClassVar[Disposition]

class SweepKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SWEEP_KIND_UNSPECIFIED: _ClassVar[SweepKind]
    SWEEP_KIND_SWEEP: _ClassVar[SweepKind]
    SWEEP_KIND_ROTATION: _ClassVar[SweepKind]
BRANCH_UNSPECIFIED: Branch
BRANCH_RECEIVE: Branch
BRANCH_CHANGE: Branch
DISPOSITION_UNSPECIFIED: Disposition
DISPOSITION_RETRY_SAME: Disposition
DISPOSITION_WAIT_UNTIL: Disposition
DISPOSITION_NEEDS_EVIDENCE: Disposition
DISPOSITION_NEEDS_APPROVAL: Disposition
DISPOSITION_REBUILD: Disposition
DISPOSITION_OPERATOR: Disposition
DISPOSITION_NEVER: Disposition
SWEEP_KIND_UNSPECIFIED: SweepKind
SWEEP_KIND_SWEEP: SweepKind
SWEEP_KIND_ROTATION: SweepKind

class OutPoint(_message.Message):
    __slots__ = ("txid", "vout")
    TXID_FIELD_NUMBER: _ClassVar[int]
    VOUT_FIELD_NUMBER: _ClassVar[int]
    txid: bytes
    vout: int
    def __init__(self, txid: _Optional[bytes] = ..., vout: _Optional[int] = ...) -> None: ...

class TxOut(_message.Message):
    __slots__ = ("amount_sat", "script_pubkey")
    AMOUNT_SAT_FIELD_NUMBER: _ClassVar[int]
    SCRIPT_PUBKEY_FIELD_NUMBER: _ClassVar[int]
    amount_sat: int
    script_pubkey: bytes
    def __init__(self, amount_sat: _Optional[int] = ..., script_pubkey: _Optional[bytes] = ...) -> None: ...

class Objection(_message.Message):
    __slots__ = ("code", "detail", "observed", "limit")
    CODE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    code: str
    detail: str
    observed: str
    limit: str
    def __init__(self, code: _Optional[str] = ..., detail: _Optional[str] = ..., observed: _Optional[str] = ..., limit: _Optional[str] = ...) -> None: ...

class Refusal(_message.Message):
    __slots__ = ("decision_id", "code", "disposition", "objections", "remedy", "receipt")
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    DISPOSITION_FIELD_NUMBER: _ClassVar[int]
    OBJECTIONS_FIELD_NUMBER: _ClassVar[int]
    REMEDY_FIELD_NUMBER: _ClassVar[int]
    RECEIPT_FIELD_NUMBER: _ClassVar[int]
    decision_id: bytes
    code: str
    disposition: Disposition
    objections: _containers.RepeatedCompositeFieldContainer[Objection]
    remedy: str
    receipt: Receipt
    def __init__(self, decision_id: _Optional[bytes] = ..., code: _Optional[str] = ..., disposition: _Optional[_Union[Disposition, str]] = ..., objections: _Optional[_Iterable[_Union[Objection, _Mapping]]] = ..., remedy: _Optional[str] = ..., receipt: _Optional[_Union[Receipt, _Mapping]] = ...) -> None: ...

class Receipt(_message.Message):
    __slots__ = ("decision_id", "verdict", "request_digest", "txid", "size", "root", "signature")
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_DIGEST_FIELD_NUMBER: _ClassVar[int]
    TXID_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    ROOT_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    decision_id: bytes
    verdict: str
    request_digest: bytes
    txid: bytes
    size: int
    root: bytes
    signature: bytes
    def __init__(self, decision_id: _Optional[bytes] = ..., verdict: _Optional[str] = ..., request_digest: _Optional[bytes] = ..., txid: _Optional[bytes] = ..., size: _Optional[int] = ..., root: _Optional[bytes] = ..., signature: _Optional[bytes] = ...) -> None: ...

class PaymentClaim(_message.Message):
    __slots__ = ("withdrawal_id", "vout")
    WITHDRAWAL_ID_FIELD_NUMBER: _ClassVar[int]
    VOUT_FIELD_NUMBER: _ClassVar[int]
    withdrawal_id: bytes
    vout: int
    def __init__(self, withdrawal_id: _Optional[bytes] = ..., vout: _Optional[int] = ...) -> None: ...

class WithdrawalStatement(_message.Message):
    __slots__ = ("withdrawal_id", "amount_sat", "script_pubkey")
    WITHDRAWAL_ID_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_SAT_FIELD_NUMBER: _ClassVar[int]
    SCRIPT_PUBKEY_FIELD_NUMBER: _ClassVar[int]
    withdrawal_id: bytes
    amount_sat: int
    script_pubkey: bytes
    def __init__(self, withdrawal_id: _Optional[bytes] = ..., amount_sat: _Optional[int] = ..., script_pubkey: _Optional[bytes] = ...) -> None: ...

class CoinStatement(_message.Message):
    __slots__ = ("outpoint", "amount_sat", "confirmed_height", "script_pubkey")
    OUTPOINT_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_SAT_FIELD_NUMBER: _ClassVar[int]
    CONFIRMED_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    SCRIPT_PUBKEY_FIELD_NUMBER: _ClassVar[int]
    outpoint: OutPoint
    amount_sat: int
    confirmed_height: int
    script_pubkey: bytes
    def __init__(self, outpoint: _Optional[_Union[OutPoint, _Mapping]] = ..., amount_sat: _Optional[int] = ..., confirmed_height: _Optional[int] = ..., script_pubkey: _Optional[bytes] = ...) -> None: ...

class AnchorStatement(_message.Message):
    __slots__ = ("magic", "previous_batch_id", "previous_state_root", "batch_id", "state_root", "eth_tx_hash")
    MAGIC_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_BATCH_ID_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_STATE_ROOT_FIELD_NUMBER: _ClassVar[int]
    BATCH_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_ROOT_FIELD_NUMBER: _ClassVar[int]
    ETH_TX_HASH_FIELD_NUMBER: _ClassVar[int]
    magic: bytes
    previous_batch_id: int
    previous_state_root: bytes
    batch_id: int
    state_root: bytes
    eth_tx_hash: bytes
    def __init__(self, magic: _Optional[bytes] = ..., previous_batch_id: _Optional[int] = ..., previous_state_root: _Optional[bytes] = ..., batch_id: _Optional[int] = ..., state_root: _Optional[bytes] = ..., eth_tx_hash: _Optional[bytes] = ...) -> None: ...

class SweepStatement(_message.Message):
    __slots__ = ("kind", "to_vault_fingerprint", "path_index", "max_fee_sat", "nonce")
    KIND_FIELD_NUMBER: _ClassVar[int]
    TO_VAULT_FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    PATH_INDEX_FIELD_NUMBER: _ClassVar[int]
    MAX_FEE_SAT_FIELD_NUMBER: _ClassVar[int]
    NONCE_FIELD_NUMBER: _ClassVar[int]
    kind: SweepKind
    to_vault_fingerprint: bytes
    path_index: int
    max_fee_sat: int
    nonce: bytes
    def __init__(self, kind: _Optional[_Union[SweepKind, str]] = ..., to_vault_fingerprint: _Optional[bytes] = ..., path_index: _Optional[int] = ..., max_fee_sat: _Optional[int] = ..., nonce: _Optional[bytes] = ...) -> None: ...

class SpentStatement(_message.Message):
    __slots__ = ("outpoint", "spending_txid", "confirmed_height", "tip_height")
    OUTPOINT_FIELD_NUMBER: _ClassVar[int]
    SPENDING_TXID_FIELD_NUMBER: _ClassVar[int]
    CONFIRMED_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    TIP_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    outpoint: OutPoint
    spending_txid: bytes
    confirmed_height: int
    tip_height: int
    def __init__(self, outpoint: _Optional[_Union[OutPoint, _Mapping]] = ..., spending_txid: _Optional[bytes] = ..., confirmed_height: _Optional[int] = ..., tip_height: _Optional[int] = ...) -> None: ...

class Attestation(_message.Message):
    __slots__ = ("attestor", "expiry_unix", "withdrawals", "coins", "signature", "anchors", "sweeps", "spends")
    ATTESTOR_FIELD_NUMBER: _ClassVar[int]
    EXPIRY_UNIX_FIELD_NUMBER: _ClassVar[int]
    WITHDRAWALS_FIELD_NUMBER: _ClassVar[int]
    COINS_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    ANCHORS_FIELD_NUMBER: _ClassVar[int]
    SWEEPS_FIELD_NUMBER: _ClassVar[int]
    SPENDS_FIELD_NUMBER: _ClassVar[int]
    attestor: bytes
    expiry_unix: int
    withdrawals: _containers.RepeatedCompositeFieldContainer[WithdrawalStatement]
    coins: _containers.RepeatedCompositeFieldContainer[CoinStatement]
    signature: bytes
    anchors: _containers.RepeatedCompositeFieldContainer[AnchorStatement]
    sweeps: _containers.RepeatedCompositeFieldContainer[SweepStatement]
    spends: _containers.RepeatedCompositeFieldContainer[SpentStatement]
    def __init__(self, attestor: _Optional[bytes] = ..., expiry_unix: _Optional[int] = ..., withdrawals: _Optional[_Iterable[_Union[WithdrawalStatement, _Mapping]]] = ..., coins: _Optional[_Iterable[_Union[CoinStatement, _Mapping]]] = ..., signature: _Optional[bytes] = ..., anchors: _Optional[_Iterable[_Union[AnchorStatement, _Mapping]]] = ..., sweeps: _Optional[_Iterable[_Union[SweepStatement, _Mapping]]] = ..., spends: _Optional[_Iterable[_Union[SpentStatement, _Mapping]]] = ...) -> None: ...

class SignedStatement(_message.Message):
    __slots__ = ("kind", "statement_key", "signature")
    KIND_FIELD_NUMBER: _ClassVar[int]
    STATEMENT_KEY_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    kind: str
    statement_key: bytes
    signature: bytes
    def __init__(self, kind: _Optional[str] = ..., statement_key: _Optional[bytes] = ..., signature: _Optional[bytes] = ...) -> None: ...

class Custody(_message.Message):
    __slots__ = ("processes", "room_is_closed", "keys")
    PROCESSES_FIELD_NUMBER: _ClassVar[int]
    ROOM_IS_CLOSED_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    processes: int
    room_is_closed: bool
    keys: _containers.RepeatedCompositeFieldContainer[KeyCustody]
    def __init__(self, processes: _Optional[int] = ..., room_is_closed: _Optional[bool] = ..., keys: _Optional[_Iterable[_Union[KeyCustody, _Mapping]]] = ...) -> None: ...

class KeyCustody(_message.Message):
    __slots__ = ("vault_id", "kind", "has_caps")
    VAULT_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    HAS_CAPS_FIELD_NUMBER: _ClassVar[int]
    vault_id: str
    kind: str
    has_caps: bool
    def __init__(self, vault_id: _Optional[str] = ..., kind: _Optional[str] = ..., has_caps: _Optional[bool] = ...) -> None: ...

class Burial(_message.Message):
    __slots__ = ("blocks", "work")
    BLOCKS_FIELD_NUMBER: _ClassVar[int]
    WORK_FIELD_NUMBER: _ClassVar[int]
    blocks: int
    work: bytes
    def __init__(self, blocks: _Optional[int] = ..., work: _Optional[bytes] = ...) -> None: ...

class TxInclusionProof(_message.Message):
    __slots__ = ("block_hash", "transaction", "coinbase", "branches", "txoutproof")
    BLOCK_HASH_FIELD_NUMBER: _ClassVar[int]
    TRANSACTION_FIELD_NUMBER: _ClassVar[int]
    COINBASE_FIELD_NUMBER: _ClassVar[int]
    BRANCHES_FIELD_NUMBER: _ClassVar[int]
    TXOUTPROOF_FIELD_NUMBER: _ClassVar[int]
    block_hash: bytes
    transaction: bytes
    coinbase: bytes
    branches: MerkleBranches
    txoutproof: bytes
    def __init__(self, block_hash: _Optional[bytes] = ..., transaction: _Optional[bytes] = ..., coinbase: _Optional[bytes] = ..., branches: _Optional[_Union[MerkleBranches, _Mapping]] = ..., txoutproof: _Optional[bytes] = ...) -> None: ...

class MerkleBranches(_message.Message):
    __slots__ = ("position", "branch", "coinbase_branch")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    BRANCH_FIELD_NUMBER: _ClassVar[int]
    COINBASE_BRANCH_FIELD_NUMBER: _ClassVar[int]
    position: int
    branch: _containers.RepeatedScalarFieldContainer[bytes]
    coinbase_branch: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, position: _Optional[int] = ..., branch: _Optional[_Iterable[bytes]] = ..., coinbase_branch: _Optional[_Iterable[bytes]] = ...) -> None: ...
