from pegwarden.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Call(_message.Message):
    __slots__ = ("id", "method", "caller", "deadline_ms")
    ID_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_MS_FIELD_NUMBER: _ClassVar[int]
    id: int
    method: str
    caller: str
    deadline_ms: int
    def __init__(self, id: _Optional[int] = ..., method: _Optional[str] = ..., caller: _Optional[str] = ..., deadline_ms: _Optional[int] = ...) -> None: ...

class Answer(_message.Message):
    __slots__ = ("id", "fault", "objections", "decision_id", "head", "receipt")
    ID_FIELD_NUMBER: _ClassVar[int]
    FAULT_FIELD_NUMBER: _ClassVar[int]
    OBJECTIONS_FIELD_NUMBER: _ClassVar[int]
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    RECEIPT_FIELD_NUMBER: _ClassVar[int]
    id: int
    fault: str
    objections: _containers.RepeatedCompositeFieldContainer[Objection]
    decision_id: bytes
    head: str
    receipt: _types_pb2.Receipt
    def __init__(self, id: _Optional[int] = ..., fault: _Optional[str] = ..., objections: _Optional[_Iterable[_Union[Objection, _Mapping]]] = ..., decision_id: _Optional[bytes] = ..., head: _Optional[str] = ..., receipt: _Optional[_Union[_types_pb2.Receipt, _Mapping]] = ...) -> None: ...

class Objection(_message.Message):
    __slots__ = ("code", "detail", "observed", "limit", "change", "not_before")
    CODE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    NOT_BEFORE_FIELD_NUMBER: _ClassVar[int]
    code: str
    detail: str
    observed: str
    limit: str
    change: str
    not_before: int
    def __init__(self, code: _Optional[str] = ..., detail: _Optional[str] = ..., observed: _Optional[str] = ..., limit: _Optional[str] = ..., change: _Optional[str] = ..., not_before: _Optional[int] = ...) -> None: ...
