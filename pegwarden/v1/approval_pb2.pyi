from pegwarden.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class OfficerAct(_message.Message):
    __slots__ = ("text", "officer_key", "signature")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    OFFICER_KEY_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    text: str
    officer_key: bytes
    signature: bytes
    def __init__(self, text: _Optional[str] = ..., officer_key: _Optional[bytes] = ..., signature: _Optional[bytes] = ...) -> None: ...

class ProposeWithdrawalsRequest(_message.Message):
    __slots__ = ("vault_id", "withdrawals", "attestations")
    VAULT_ID_FIELD_NUMBER: _ClassVar[int]
    WITHDRAWALS_FIELD_NUMBER: _ClassVar[int]
    ATTESTATIONS_FIELD_NUMBER: _ClassVar[int]
    vault_id: str
    withdrawals: _containers.RepeatedCompositeFieldContainer[_types_pb2.WithdrawalStatement]
    attestations: _containers.RepeatedCompositeFieldContainer[_types_pb2.Attestation]
    def __init__(self, vault_id: _Optional[str] = ..., withdrawals: _Optional[_Iterable[_Union[_types_pb2.WithdrawalStatement, _Mapping]]] = ..., attestations: _Optional[_Iterable[_Union[_types_pb2.Attestation, _Mapping]]] = ...) -> None: ...

class PendingWithdrawal(_message.Message):
    __slots__ = ("vault_id", "withdrawal_id", "amount_sat", "script_pubkey", "address", "first_attested_unix", "approved_by", "rejected_by", "held_until_unix", "signed")
    VAULT_ID_FIELD_NUMBER: _ClassVar[int]
    WITHDRAWAL_ID_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_SAT_FIELD_NUMBER: _ClassVar[int]
    SCRIPT_PUBKEY_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    FIRST_ATTESTED_UNIX_FIELD_NUMBER: _ClassVar[int]
    APPROVED_BY_FIELD_NUMBER: _ClassVar[int]
    REJECTED_BY_FIELD_NUMBER: _ClassVar[int]
    HELD_UNTIL_UNIX_FIELD_NUMBER: _ClassVar[int]
    SIGNED_FIELD_NUMBER: _ClassVar[int]
    vault_id: str
    withdrawal_id: bytes
    amount_sat: int
    script_pubkey: bytes
    address: str
    first_attested_unix: int
    approved_by: _containers.RepeatedScalarFieldContainer[bytes]
    rejected_by: _containers.RepeatedScalarFieldContainer[bytes]
    held_until_unix: int
    signed: bool
    def __init__(self, vault_id: _Optional[str] = ..., withdrawal_id: _Optional[bytes] = ..., amount_sat: _Optional[int] = ..., script_pubkey: _Optional[bytes] = ..., address: _Optional[str] = ..., first_attested_unix: _Optional[int] = ..., approved_by: _Optional[_Iterable[bytes]] = ..., rejected_by: _Optional[_Iterable[bytes]] = ..., held_until_unix: _Optional[int] = ..., signed: _Optional[bool] = ...) -> None: ...

class ProposeWithdrawalsResponse(_message.Message):
    __slots__ = ("withdrawals", "decision_id")
    WITHDRAWALS_FIELD_NUMBER: _ClassVar[int]
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    withdrawals: _containers.RepeatedCompositeFieldContainer[PendingWithdrawal]
    decision_id: bytes
    def __init__(self, withdrawals: _Optional[_Iterable[_Union[PendingWithdrawal, _Mapping]]] = ..., decision_id: _Optional[bytes] = ...) -> None: ...

class ListPendingRequest(_message.Message):
    __slots__ = ("vault_id", "page_size", "page_token")
    VAULT_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    vault_id: str
    page_size: int
    page_token: str
    def __init__(self, vault_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListPendingResponse(_message.Message):
    __slots__ = ("withdrawals", "next_page_token")
    WITHDRAWALS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    withdrawals: _containers.RepeatedCompositeFieldContainer[PendingWithdrawal]
    next_page_token: str
    def __init__(self, withdrawals: _Optional[_Iterable[_Union[PendingWithdrawal, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetPacketRequest(_message.Message):
    __slots__ = ("vault_id", "withdrawal_id", "sweep")
    VAULT_ID_FIELD_NUMBER: _ClassVar[int]
    WITHDRAWAL_ID_FIELD_NUMBER: _ClassVar[int]
    SWEEP_FIELD_NUMBER: _ClassVar[int]
    vault_id: str
    withdrawal_id: bytes
    sweep: _types_pb2.SweepStatement
    def __init__(self, vault_id: _Optional[str] = ..., withdrawal_id: _Optional[bytes] = ..., sweep: _Optional[_Union[_types_pb2.SweepStatement, _Mapping]] = ...) -> None: ...

class Packet(_message.Message):
    __slots__ = ("network", "vault_id", "vault_fingerprint", "policy_id", "withdrawal", "sweep", "attestations", "first_attested_unix", "clock_unix")
    NETWORK_FIELD_NUMBER: _ClassVar[int]
    VAULT_ID_FIELD_NUMBER: _ClassVar[int]
    VAULT_FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    POLICY_ID_FIELD_NUMBER: _ClassVar[int]
    WITHDRAWAL_FIELD_NUMBER: _ClassVar[int]
    SWEEP_FIELD_NUMBER: _ClassVar[int]
    ATTESTATIONS_FIELD_NUMBER: _ClassVar[int]
    FIRST_ATTESTED_UNIX_FIELD_NUMBER: _ClassVar[int]
    CLOCK_UNIX_FIELD_NUMBER: _ClassVar[int]
    network: str
    vault_id: str
    vault_fingerprint: bytes
    policy_id: bytes
    withdrawal: _types_pb2.WithdrawalStatement
    sweep: _types_pb2.SweepStatement
    attestations: _containers.RepeatedCompositeFieldContainer[_types_pb2.Attestation]
    first_attested_unix: int
    clock_unix: int
    def __init__(self, network: _Optional[str] = ..., vault_id: _Optional[str] = ..., vault_fingerprint: _Optional[bytes] = ..., policy_id: _Optional[bytes] = ..., withdrawal: _Optional[_Union[_types_pb2.WithdrawalStatement, _Mapping]] = ..., sweep: _Optional[_Union[_types_pb2.SweepStatement, _Mapping]] = ..., attestations: _Optional[_Iterable[_Union[_types_pb2.Attestation, _Mapping]]] = ..., first_attested_unix: _Optional[int] = ..., clock_unix: _Optional[int] = ...) -> None: ...

class GetPacketResponse(_message.Message):
    __slots__ = ("packet", "text")
    PACKET_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    packet: bytes
    text: str
    def __init__(self, packet: _Optional[bytes] = ..., text: _Optional[str] = ...) -> None: ...

class SubmitApprovalRequest(_message.Message):
    __slots__ = ("act",)
    ACT_FIELD_NUMBER: _ClassVar[int]
    act: OfficerAct
    def __init__(self, act: _Optional[_Union[OfficerAct, _Mapping]] = ...) -> None: ...

class SubmitApprovalResponse(_message.Message):
    __slots__ = ("decision_id", "head")
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    decision_id: bytes
    head: str
    def __init__(self, decision_id: _Optional[bytes] = ..., head: _Optional[str] = ...) -> None: ...

class RejectWithdrawalRequest(_message.Message):
    __slots__ = ("act",)
    ACT_FIELD_NUMBER: _ClassVar[int]
    act: OfficerAct
    def __init__(self, act: _Optional[_Union[OfficerAct, _Mapping]] = ...) -> None: ...

class RejectWithdrawalResponse(_message.Message):
    __slots__ = ("decision_id", "head")
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    decision_id: bytes
    head: str
    def __init__(self, decision_id: _Optional[bytes] = ..., head: _Optional[str] = ...) -> None: ...

class HoldRequest(_message.Message):
    __slots__ = ("acts",)
    ACTS_FIELD_NUMBER: _ClassVar[int]
    acts: _containers.RepeatedCompositeFieldContainer[OfficerAct]
    def __init__(self, acts: _Optional[_Iterable[_Union[OfficerAct, _Mapping]]] = ...) -> None: ...

class HoldResponse(_message.Message):
    __slots__ = ("decision_ids", "head")
    DECISION_IDS_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    decision_ids: _containers.RepeatedScalarFieldContainer[bytes]
    head: str
    def __init__(self, decision_ids: _Optional[_Iterable[bytes]] = ..., head: _Optional[str] = ...) -> None: ...

class WatchRequest(_message.Message):
    __slots__ = ("after_entry",)
    AFTER_ENTRY_FIELD_NUMBER: _ClassVar[int]
    after_entry: int
    def __init__(self, after_entry: _Optional[int] = ...) -> None: ...

class WatchEvent(_message.Message):
    __slots__ = ("entry", "decision_id", "clock_unix", "what", "text", "withdrawal_id")
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    CLOCK_UNIX_FIELD_NUMBER: _ClassVar[int]
    WHAT_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    WITHDRAWAL_ID_FIELD_NUMBER: _ClassVar[int]
    entry: int
    decision_id: bytes
    clock_unix: int
    what: str
    text: str
    withdrawal_id: bytes
    def __init__(self, entry: _Optional[int] = ..., decision_id: _Optional[bytes] = ..., clock_unix: _Optional[int] = ..., what: _Optional[str] = ..., text: _Optional[str] = ..., withdrawal_id: _Optional[bytes] = ...) -> None: ...

class WatchResponse(_message.Message):
    __slots__ = ("events", "last_entry")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    LAST_ENTRY_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[WatchEvent]
    last_entry: int
    def __init__(self, events: _Optional[_Iterable[_Union[WatchEvent, _Mapping]]] = ..., last_entry: _Optional[int] = ...) -> None: ...
