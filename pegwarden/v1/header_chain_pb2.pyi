from pegwarden.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SubmitHeadersRequest(_message.Message):
    __slots__ = ("headers",)
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    headers: bytes
    def __init__(self, headers: _Optional[bytes] = ...) -> None: ...

class SubmitHeadersResponse(_message.Message):
    __slots__ = ("added", "last_hash", "last_height", "tip_height", "tip_hash", "left", "equivocated")
    ADDED_FIELD_NUMBER: _ClassVar[int]
    LAST_HASH_FIELD_NUMBER: _ClassVar[int]
    LAST_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    TIP_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    TIP_HASH_FIELD_NUMBER: _ClassVar[int]
    LEFT_FIELD_NUMBER: _ClassVar[int]
    EQUIVOCATED_FIELD_NUMBER: _ClassVar[int]
    added: int
    last_hash: bytes
    last_height: int
    tip_height: int
    tip_hash: bytes
    left: int
    equivocated: bool
    def __init__(self, added: _Optional[int] = ..., last_hash: _Optional[bytes] = ..., last_height: _Optional[int] = ..., tip_height: _Optional[int] = ..., tip_hash: _Optional[bytes] = ..., left: _Optional[int] = ..., equivocated: _Optional[bool] = ...) -> None: ...

class GetTipRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class HeaderSource(_message.Message):
    __slots__ = ("name", "hash", "height", "brought_unix", "equivocations")
    NAME_FIELD_NUMBER: _ClassVar[int]
    HASH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    BROUGHT_UNIX_FIELD_NUMBER: _ClassVar[int]
    EQUIVOCATIONS_FIELD_NUMBER: _ClassVar[int]
    name: str
    hash: bytes
    height: int
    brought_unix: int
    equivocations: int
    def __init__(self, name: _Optional[str] = ..., hash: _Optional[bytes] = ..., height: _Optional[int] = ..., brought_unix: _Optional[int] = ..., equivocations: _Optional[int] = ...) -> None: ...

class GetTipResponse(_message.Message):
    __slots__ = ("hash", "hash_display", "height", "chain_work", "median_time_unix", "since_unix", "vouched_height", "sources_needed", "sources", "stale", "locator")
    HASH_FIELD_NUMBER: _ClassVar[int]
    HASH_DISPLAY_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    CHAIN_WORK_FIELD_NUMBER: _ClassVar[int]
    MEDIAN_TIME_UNIX_FIELD_NUMBER: _ClassVar[int]
    SINCE_UNIX_FIELD_NUMBER: _ClassVar[int]
    VOUCHED_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    SOURCES_NEEDED_FIELD_NUMBER: _ClassVar[int]
    SOURCES_FIELD_NUMBER: _ClassVar[int]
    STALE_FIELD_NUMBER: _ClassVar[int]
    LOCATOR_FIELD_NUMBER: _ClassVar[int]
    hash: bytes
    hash_display: str
    height: int
    chain_work: bytes
    median_time_unix: int
    since_unix: int
    vouched_height: int
    sources_needed: int
    sources: _containers.RepeatedCompositeFieldContainer[HeaderSource]
    stale: _containers.RepeatedCompositeFieldContainer[_types_pb2.Objection]
    locator: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, hash: _Optional[bytes] = ..., hash_display: _Optional[str] = ..., height: _Optional[int] = ..., chain_work: _Optional[bytes] = ..., median_time_unix: _Optional[int] = ..., since_unix: _Optional[int] = ..., vouched_height: _Optional[int] = ..., sources_needed: _Optional[int] = ..., sources: _Optional[_Iterable[_Union[HeaderSource, _Mapping]]] = ..., stale: _Optional[_Iterable[_Union[_types_pb2.Objection, _Mapping]]] = ..., locator: _Optional[_Iterable[bytes]] = ...) -> None: ...

class GetHeaderRequest(_message.Message):
    __slots__ = ("hash", "height")
    HASH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    hash: bytes
    height: int
    def __init__(self, hash: _Optional[bytes] = ..., height: _Optional[int] = ...) -> None: ...

class GetHeaderResponse(_message.Message):
    __slots__ = ("header", "hash", "hash_display", "height", "chain_work", "is_on_best_chain", "burial")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    HASH_FIELD_NUMBER: _ClassVar[int]
    HASH_DISPLAY_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    CHAIN_WORK_FIELD_NUMBER: _ClassVar[int]
    IS_ON_BEST_CHAIN_FIELD_NUMBER: _ClassVar[int]
    BURIAL_FIELD_NUMBER: _ClassVar[int]
    header: bytes
    hash: bytes
    hash_display: str
    height: int
    chain_work: bytes
    is_on_best_chain: bool
    burial: _types_pb2.Burial
    def __init__(self, header: _Optional[bytes] = ..., hash: _Optional[bytes] = ..., hash_display: _Optional[str] = ..., height: _Optional[int] = ..., chain_work: _Optional[bytes] = ..., is_on_best_chain: _Optional[bool] = ..., burial: _Optional[_Union[_types_pb2.Burial, _Mapping]] = ...) -> None: ...

class VerifyTxProofRequest(_message.Message):
    __slots__ = ("proof", "vault_id", "previous_txs")
    PROOF_FIELD_NUMBER: _ClassVar[int]
    VAULT_ID_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_TXS_FIELD_NUMBER: _ClassVar[int]
    proof: _types_pb2.TxInclusionProof
    vault_id: str
    previous_txs: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, proof: _Optional[_Union[_types_pb2.TxInclusionProof, _Mapping]] = ..., vault_id: _Optional[str] = ..., previous_txs: _Optional[_Iterable[bytes]] = ...) -> None: ...

class VerifyTxProofResponse(_message.Message):
    __slots__ = ("txid", "txid_display", "block_hash", "block_hash_display", "height", "position", "is_on_best_chain", "burial", "anchor", "not_an_anchor", "stale")
    TXID_FIELD_NUMBER: _ClassVar[int]
    TXID_DISPLAY_FIELD_NUMBER: _ClassVar[int]
    BLOCK_HASH_FIELD_NUMBER: _ClassVar[int]
    BLOCK_HASH_DISPLAY_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    IS_ON_BEST_CHAIN_FIELD_NUMBER: _ClassVar[int]
    BURIAL_FIELD_NUMBER: _ClassVar[int]
    ANCHOR_FIELD_NUMBER: _ClassVar[int]
    NOT_AN_ANCHOR_FIELD_NUMBER: _ClassVar[int]
    STALE_FIELD_NUMBER: _ClassVar[int]
    txid: bytes
    txid_display: str
    block_hash: bytes
    block_hash_display: str
    height: int
    position: int
    is_on_best_chain: bool
    burial: _types_pb2.Burial
    anchor: AnchorFacts
    not_an_anchor: _containers.RepeatedCompositeFieldContainer[_types_pb2.Objection]
    stale: _containers.RepeatedCompositeFieldContainer[_types_pb2.Objection]
    def __init__(self, txid: _Optional[bytes] = ..., txid_display: _Optional[str] = ..., block_hash: _Optional[bytes] = ..., block_hash_display: _Optional[str] = ..., height: _Optional[int] = ..., position: _Optional[int] = ..., is_on_best_chain: _Optional[bool] = ..., burial: _Optional[_Union[_types_pb2.Burial, _Mapping]] = ..., anchor: _Optional[_Union[AnchorFacts, _Mapping]] = ..., not_an_anchor: _Optional[_Iterable[_Union[_types_pb2.Objection, _Mapping]]] = ..., stale: _Optional[_Iterable[_Union[_types_pb2.Objection, _Mapping]]] = ...) -> None: ...

class AnchorFacts(_message.Message):
    __slots__ = ("magic", "batch_id", "state_root", "eth_tx_hash", "vault_input")
    MAGIC_FIELD_NUMBER: _ClassVar[int]
    BATCH_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_ROOT_FIELD_NUMBER: _ClassVar[int]
    ETH_TX_HASH_FIELD_NUMBER: _ClassVar[int]
    VAULT_INPUT_FIELD_NUMBER: _ClassVar[int]
    magic: bytes
    batch_id: int
    state_root: bytes
    eth_tx_hash: bytes
    vault_input: int
    def __init__(self, magic: _Optional[bytes] = ..., batch_id: _Optional[int] = ..., state_root: _Optional[bytes] = ..., eth_tx_hash: _Optional[bytes] = ..., vault_input: _Optional[int] = ...) -> None: ...

class VerifyDepositRequest(_message.Message):
    __slots__ = ("vault_id", "proof", "vout", "index", "previous_txs")
    VAULT_ID_FIELD_NUMBER: _ClassVar[int]
    PROOF_FIELD_NUMBER: _ClassVar[int]
    VOUT_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_TXS_FIELD_NUMBER: _ClassVar[int]
    vault_id: str
    proof: _types_pb2.TxInclusionProof
    vout: int
    index: int
    previous_txs: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, vault_id: _Optional[str] = ..., proof: _Optional[_Union[_types_pb2.TxInclusionProof, _Mapping]] = ..., vout: _Optional[int] = ..., index: _Optional[int] = ..., previous_txs: _Optional[_Iterable[bytes]] = ...) -> None: ...

class DepositFacts(_message.Message):
    __slots__ = ("outpoint", "amount_sat", "magic", "l2_chain_id", "l2_address", "block_hash", "height")
    OUTPOINT_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_SAT_FIELD_NUMBER: _ClassVar[int]
    MAGIC_FIELD_NUMBER: _ClassVar[int]
    L2_CHAIN_ID_FIELD_NUMBER: _ClassVar[int]
    L2_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    BLOCK_HASH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    outpoint: _types_pb2.OutPoint
    amount_sat: int
    magic: bytes
    l2_chain_id: int
    l2_address: bytes
    block_hash: bytes
    height: int
    def __init__(self, outpoint: _Optional[_Union[_types_pb2.OutPoint, _Mapping]] = ..., amount_sat: _Optional[int] = ..., magic: _Optional[bytes] = ..., l2_chain_id: _Optional[int] = ..., l2_address: _Optional[bytes] = ..., block_hash: _Optional[bytes] = ..., height: _Optional[int] = ...) -> None: ...

class VerifyDepositResponse(_message.Message):
    __slots__ = ("deposit", "is_on_best_chain", "burial", "needed_blocks", "not_yet")
    DEPOSIT_FIELD_NUMBER: _ClassVar[int]
    IS_ON_BEST_CHAIN_FIELD_NUMBER: _ClassVar[int]
    BURIAL_FIELD_NUMBER: _ClassVar[int]
    NEEDED_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    NOT_YET_FIELD_NUMBER: _ClassVar[int]
    deposit: DepositFacts
    is_on_best_chain: bool
    burial: _types_pb2.Burial
    needed_blocks: int
    not_yet: _containers.RepeatedCompositeFieldContainer[_types_pb2.Objection]
    def __init__(self, deposit: _Optional[_Union[DepositFacts, _Mapping]] = ..., is_on_best_chain: _Optional[bool] = ..., burial: _Optional[_Union[_types_pb2.Burial, _Mapping]] = ..., needed_blocks: _Optional[int] = ..., not_yet: _Optional[_Iterable[_Union[_types_pb2.Objection, _Mapping]]] = ...) -> None: ...

class AttestDepositRequest(_message.Message):
    __slots__ = ("deposit",)
    DEPOSIT_FIELD_NUMBER: _ClassVar[int]
    deposit: VerifyDepositRequest
    def __init__(self, deposit: _Optional[_Union[VerifyDepositRequest, _Mapping]] = ...) -> None: ...

class AttestDepositResponse(_message.Message):
    __slots__ = ("deposit", "attestation_key", "signature", "decision_id", "head")
    DEPOSIT_FIELD_NUMBER: _ClassVar[int]
    ATTESTATION_KEY_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    deposit: DepositFacts
    attestation_key: bytes
    signature: bytes
    decision_id: bytes
    head: str
    def __init__(self, deposit: _Optional[_Union[DepositFacts, _Mapping]] = ..., attestation_key: _Optional[bytes] = ..., signature: _Optional[bytes] = ..., decision_id: _Optional[bytes] = ..., head: _Optional[str] = ...) -> None: ...
