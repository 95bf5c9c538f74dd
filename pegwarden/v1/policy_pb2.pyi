from pegwarden.v1 import approval_pb2 as _approval_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PolicyStatus(_message.Message):
    __slots__ = ("policy_id", "name", "version", "state", "verdict", "proposed_unix", "approved_by", "quorum", "effective_unix", "confirm_before_unix", "expires_unix", "compared_with")
    POLICY_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    PROPOSED_UNIX_FIELD_NUMBER: _ClassVar[int]
    APPROVED_BY_FIELD_NUMBER: _ClassVar[int]
    QUORUM_FIELD_NUMBER: _ClassVar[int]
    EFFECTIVE_UNIX_FIELD_NUMBER: _ClassVar[int]
    CONFIRM_BEFORE_UNIX_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_UNIX_FIELD_NUMBER: _ClassVar[int]
    COMPARED_WITH_FIELD_NUMBER: _ClassVar[int]
    policy_id: bytes
    name: str
    version: int
    state: str
    verdict: str
    proposed_unix: int
    approved_by: _containers.RepeatedScalarFieldContainer[bytes]
    quorum: int
    effective_unix: int
    confirm_before_unix: int
    expires_unix: int
    compared_with: bytes
    def __init__(self, policy_id: _Optional[bytes] = ..., name: _Optional[str] = ..., version: _Optional[int] = ..., state: _Optional[str] = ..., verdict: _Optional[str] = ..., proposed_unix: _Optional[int] = ..., approved_by: _Optional[_Iterable[bytes]] = ..., quorum: _Optional[int] = ..., effective_unix: _Optional[int] = ..., confirm_before_unix: _Optional[int] = ..., expires_unix: _Optional[int] = ..., compared_with: _Optional[bytes] = ...) -> None: ...

class ProposePolicyRequest(_message.Message):
    __slots__ = ("policy",)
    POLICY_FIELD_NUMBER: _ClassVar[int]
    policy: bytes
    def __init__(self, policy: _Optional[bytes] = ...) -> None: ...

class ProposePolicyResponse(_message.Message):
    __slots__ = ("status", "differences", "text")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    DIFFERENCES_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    status: PolicyStatus
    differences: _containers.RepeatedScalarFieldContainer[str]
    text: str
    def __init__(self, status: _Optional[_Union[PolicyStatus, _Mapping]] = ..., differences: _Optional[_Iterable[str]] = ..., text: _Optional[str] = ...) -> None: ...

class ApprovePolicyRequest(_message.Message):
    __slots__ = ("act",)
    ACT_FIELD_NUMBER: _ClassVar[int]
    act: _approval_pb2.OfficerAct
    def __init__(self, act: _Optional[_Union[_approval_pb2.OfficerAct, _Mapping]] = ...) -> None: ...

class ApprovePolicyResponse(_message.Message):
    __slots__ = ("status", "decision_id")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    status: PolicyStatus
    decision_id: bytes
    def __init__(self, status: _Optional[_Union[PolicyStatus, _Mapping]] = ..., decision_id: _Optional[bytes] = ...) -> None: ...

class GetPolicyRequest(_message.Message):
    __slots__ = ("policy_id",)
    POLICY_ID_FIELD_NUMBER: _ClassVar[int]
    policy_id: bytes
    def __init__(self, policy_id: _Optional[bytes] = ...) -> None: ...

class GetPolicyResponse(_message.Message):
    __slots__ = ("status", "policy")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    status: PolicyStatus
    policy: bytes
    def __init__(self, status: _Optional[_Union[PolicyStatus, _Mapping]] = ..., policy: _Optional[bytes] = ...) -> None: ...

class ListPoliciesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListPoliciesResponse(_message.Message):
    __slots__ = ("policies",)
    POLICIES_FIELD_NUMBER: _ClassVar[int]
    policies: _containers.RepeatedCompositeFieldContainer[PolicyStatus]
    def __init__(self, policies: _Optional[_Iterable[_Union[PolicyStatus, _Mapping]]] = ...) -> None: ...
