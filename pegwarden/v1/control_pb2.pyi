from pegwarden.v1 import approval_pb2 as _approval_pb2
from pegwarden.v1 import audit_pb2 as _audit_pb2
from pegwarden.v1 import header_chain_pb2 as _header_chain_pb2
from pegwarden.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetStatusRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class OfficerPause(_message.Message):
    __slots__ = ("officer_key", "until_unix", "entry", "lives")
    OFFICER_KEY_FIELD_NUMBER: _ClassVar[int]
    UNTIL_UNIX_FIELD_NUMBER: _ClassVar[int]
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    LIVES_FIELD_NUMBER: _ClassVar[int]
    officer_key: bytes
    until_unix: int
    entry: int
    lives: bool
    def __init__(self, officer_key: _Optional[bytes] = ..., until_unix: _Optional[int] = ..., entry: _Optional[int] = ..., lives: _Optional[bool] = ...) -> None: ...

class Epoch(_message.Message):
    __slots__ = ("number", "entry", "abandoned_size", "abandoned_root", "stated_unix")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    ABANDONED_SIZE_FIELD_NUMBER: _ClassVar[int]
    ABANDONED_ROOT_FIELD_NUMBER: _ClassVar[int]
    STATED_UNIX_FIELD_NUMBER: _ClassVar[int]
    number: int
    entry: int
    abandoned_size: int
    abandoned_root: bytes
    stated_unix: int
    def __init__(self, number: _Optional[int] = ..., entry: _Optional[int] = ..., abandoned_size: _Optional[int] = ..., abandoned_root: _Optional[bytes] = ..., stated_unix: _Optional[int] = ...) -> None: ...

class GetStatusResponse(_message.Message):
    __slots__ = ("state", "not_ready_reasons", "log_key", "epoch", "entries", "head", "clock_unix", "wall_unix", "last_entry_unix", "quorum", "pauses", "pause_confirmed", "epochs", "contrary_size", "contrary_root", "standing", "waiting_for", "pending_entries", "followed", "custody", "policy_expires_unix", "chain")
    STATE_FIELD_NUMBER: _ClassVar[int]
    NOT_READY_REASONS_FIELD_NUMBER: _ClassVar[int]
    LOG_KEY_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    CLOCK_UNIX_FIELD_NUMBER: _ClassVar[int]
    WALL_UNIX_FIELD_NUMBER: _ClassVar[int]
    LAST_ENTRY_UNIX_FIELD_NUMBER: _ClassVar[int]
    QUORUM_FIELD_NUMBER: _ClassVar[int]
    PAUSES_FIELD_NUMBER: _ClassVar[int]
    PAUSE_CONFIRMED_FIELD_NUMBER: _ClassVar[int]
    EPOCHS_FIELD_NUMBER: _ClassVar[int]
    CONTRARY_SIZE_FIELD_NUMBER: _ClassVar[int]
    CONTRARY_ROOT_FIELD_NUMBER: _ClassVar[int]
    STANDING_FIELD_NUMBER: _ClassVar[int]
    WAITING_FOR_FIELD_NUMBER: _ClassVar[int]
    PENDING_ENTRIES_FIELD_NUMBER: _ClassVar[int]
    FOLLOWED_FIELD_NUMBER: _ClassVar[int]
    CUSTODY_FIELD_NUMBER: _ClassVar[int]
    POLICY_EXPIRES_UNIX_FIELD_NUMBER: _ClassVar[int]
    CHAIN_FIELD_NUMBER: _ClassVar[int]
    state: str
    not_ready_reasons: _containers.RepeatedScalarFieldContainer[str]
    log_key: bytes
    epoch: int
    entries: int
    head: str
    clock_unix: int
    wall_unix: int
    last_entry_unix: int
    quorum: int
    pauses: _containers.RepeatedCompositeFieldContainer[OfficerPause]
    pause_confirmed: bool
    epochs: _containers.RepeatedCompositeFieldContainer[Epoch]
    contrary_size: int
    contrary_root: bytes
    standing: bytes
    waiting_for: _containers.RepeatedScalarFieldContainer[str]
    pending_entries: _containers.RepeatedScalarFieldContainer[int]
    followed: _containers.RepeatedCompositeFieldContainer[_audit_pb2.FollowedLog]
    custody: _types_pb2.Custody
    policy_expires_unix: int
    chain: _header_chain_pb2.GetTipResponse
    def __init__(self, state: _Optional[str] = ..., not_ready_reasons: _Optional[_Iterable[str]] = ..., log_key: _Optional[bytes] = ..., epoch: _Optional[int] = ..., entries: _Optional[int] = ..., head: _Optional[str] = ..., clock_unix: _Optional[int] = ..., wall_unix: _Optional[int] = ..., last_entry_unix: _Optional[int] = ..., quorum: _Optional[int] = ..., pauses: _Optional[_Iterable[_Union[OfficerPause, _Mapping]]] = ..., pause_confirmed: _Optional[bool] = ..., epochs: _Optional[_Iterable[_Union[Epoch, _Mapping]]] = ..., contrary_size: _Optional[int] = ..., contrary_root: _Optional[bytes] = ..., standing: _Optional[bytes] = ..., waiting_for: _Optional[_Iterable[str]] = ..., pending_entries: _Optional[_Iterable[int]] = ..., followed: _Optional[_Iterable[_Union[_audit_pb2.FollowedLog, _Mapping]]] = ..., custody: _Optional[_Union[_types_pb2.Custody, _Mapping]] = ..., policy_expires_unix: _Optional[int] = ..., chain: _Optional[_Union[_header_chain_pb2.GetTipResponse, _Mapping]] = ...) -> None: ...

class PauseRequest(_message.Message):
    __slots__ = ("acts",)
    ACTS_FIELD_NUMBER: _ClassVar[int]
    acts: _containers.RepeatedCompositeFieldContainer[_approval_pb2.OfficerAct]
    def __init__(self, acts: _Optional[_Iterable[_Union[_approval_pb2.OfficerAct, _Mapping]]] = ...) -> None: ...

class PauseResponse(_message.Message):
    __slots__ = ("decision_ids", "head")
    DECISION_IDS_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    decision_ids: _containers.RepeatedScalarFieldContainer[bytes]
    head: str
    def __init__(self, decision_ids: _Optional[_Iterable[bytes]] = ..., head: _Optional[str] = ...) -> None: ...

class ResumeRequest(_message.Message):
    __slots__ = ("acts",)
    ACTS_FIELD_NUMBER: _ClassVar[int]
    acts: _containers.RepeatedCompositeFieldContainer[_approval_pb2.OfficerAct]
    def __init__(self, acts: _Optional[_Iterable[_Union[_approval_pb2.OfficerAct, _Mapping]]] = ...) -> None: ...

class ResumeResponse(_message.Message):
    __slots__ = ("decision_ids", "head")
    DECISION_IDS_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    decision_ids: _containers.RepeatedScalarFieldContainer[bytes]
    head: str
    def __init__(self, decision_ids: _Optional[_Iterable[bytes]] = ..., head: _Optional[str] = ...) -> None: ...

class LockRequest(_message.Message):
    __slots__ = ("acts",)
    ACTS_FIELD_NUMBER: _ClassVar[int]
    acts: _containers.RepeatedCompositeFieldContainer[_approval_pb2.OfficerAct]
    def __init__(self, acts: _Optional[_Iterable[_Union[_approval_pb2.OfficerAct, _Mapping]]] = ...) -> None: ...

class LockResponse(_message.Message):
    __slots__ = ("decision_ids", "head")
    DECISION_IDS_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    decision_ids: _containers.RepeatedScalarFieldContainer[bytes]
    head: str
    def __init__(self, decision_ids: _Optional[_Iterable[bytes]] = ..., head: _Optional[str] = ...) -> None: ...

class UnlockRequest(_message.Message):
    __slots__ = ("acts",)
    ACTS_FIELD_NUMBER: _ClassVar[int]
    acts: _containers.RepeatedCompositeFieldContainer[_approval_pb2.OfficerAct]
    def __init__(self, acts: _Optional[_Iterable[_Union[_approval_pb2.OfficerAct, _Mapping]]] = ...) -> None: ...

class UnlockResponse(_message.Message):
    __slots__ = ("decision_ids", "head")
    DECISION_IDS_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    decision_ids: _containers.RepeatedScalarFieldContainer[bytes]
    head: str
    def __init__(self, decision_ids: _Optional[_Iterable[bytes]] = ..., head: _Optional[str] = ...) -> None: ...

class NewEpochRequest(_message.Message):
    __slots__ = ("acts",)
    ACTS_FIELD_NUMBER: _ClassVar[int]
    acts: _containers.RepeatedCompositeFieldContainer[_approval_pb2.OfficerAct]
    def __init__(self, acts: _Optional[_Iterable[_Union[_approval_pb2.OfficerAct, _Mapping]]] = ...) -> None: ...

class NewEpochResponse(_message.Message):
    __slots__ = ("decision_ids", "head")
    DECISION_IDS_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    decision_ids: _containers.RepeatedScalarFieldContainer[bytes]
    head: str
    def __init__(self, decision_ids: _Optional[_Iterable[bytes]] = ..., head: _Optional[str] = ...) -> None: ...

class ReleaseWithdrawalRequest(_message.Message):
    __slots__ = ("withdrawal_id", "pin", "transactions", "attestations", "acts", "proof")
    WITHDRAWAL_ID_FIELD_NUMBER: _ClassVar[int]
    PIN_FIELD_NUMBER: _ClassVar[int]
    TRANSACTIONS_FIELD_NUMBER: _ClassVar[int]
    ATTESTATIONS_FIELD_NUMBER: _ClassVar[int]
    ACTS_FIELD_NUMBER: _ClassVar[int]
    PROOF_FIELD_NUMBER: _ClassVar[int]
    withdrawal_id: bytes
    pin: _types_pb2.OutPoint
    transactions: _containers.RepeatedScalarFieldContainer[bytes]
    attestations: _containers.RepeatedCompositeFieldContainer[_types_pb2.Attestation]
    acts: _containers.RepeatedCompositeFieldContainer[_approval_pb2.OfficerAct]
    proof: _types_pb2.TxInclusionProof
    def __init__(self, withdrawal_id: _Optional[bytes] = ..., pin: _Optional[_Union[_types_pb2.OutPoint, _Mapping]] = ..., transactions: _Optional[_Iterable[bytes]] = ..., attestations: _Optional[_Iterable[_Union[_types_pb2.Attestation, _Mapping]]] = ..., acts: _Optional[_Iterable[_Union[_approval_pb2.OfficerAct, _Mapping]]] = ..., proof: _Optional[_Union[_types_pb2.TxInclusionProof, _Mapping]] = ...) -> None: ...

class ReleaseWithdrawalResponse(_message.Message):
    __slots__ = ("decision_id", "head", "state")
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    decision_id: bytes
    head: str
    state: str
    def __init__(self, decision_id: _Optional[bytes] = ..., head: _Optional[str] = ..., state: _Optional[str] = ...) -> None: ...
