from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ListEntriesRequest(_message.Message):
    __slots__ = ("start", "max_entries", "log_key")
    START_FIELD_NUMBER: _ClassVar[int]
    MAX_ENTRIES_FIELD_NUMBER: _ClassVar[int]
    LOG_KEY_FIELD_NUMBER: _ClassVar[int]
    start: int
    max_entries: int
    log_key: bytes
    def __init__(self, start: _Optional[int] = ..., max_entries: _Optional[int] = ..., log_key: _Optional[bytes] = ...) -> None: ...

class ListEntriesResponse(_message.Message):
    __slots__ = ("start", "records", "size")
    START_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    start: int
    records: _containers.RepeatedScalarFieldContainer[bytes]
    size: int
    def __init__(self, start: _Optional[int] = ..., records: _Optional[_Iterable[bytes]] = ..., size: _Optional[int] = ...) -> None: ...

class GetHeadRequest(_message.Message):
    __slots__ = ("log_key", "size")
    LOG_KEY_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    log_key: bytes
    size: int
    def __init__(self, log_key: _Optional[bytes] = ..., size: _Optional[int] = ...) -> None: ...

class FollowedLog(_message.Message):
    __slots__ = ("log_key", "size")
    LOG_KEY_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    log_key: bytes
    size: int
    def __init__(self, log_key: _Optional[bytes] = ..., size: _Optional[int] = ...) -> None: ...

class GetHeadResponse(_message.Message):
    __slots__ = ("head", "standing", "waiting_for", "pending_entries", "followed")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    STANDING_FIELD_NUMBER: _ClassVar[int]
    WAITING_FOR_FIELD_NUMBER: _ClassVar[int]
    PENDING_ENTRIES_FIELD_NUMBER: _ClassVar[int]
    FOLLOWED_FIELD_NUMBER: _ClassVar[int]
    head: str
    standing: bytes
    waiting_for: _containers.RepeatedScalarFieldContainer[str]
    pending_entries: _containers.RepeatedScalarFieldContainer[int]
    followed: _containers.RepeatedCompositeFieldContainer[FollowedLog]
    def __init__(self, head: _Optional[str] = ..., standing: _Optional[bytes] = ..., waiting_for: _Optional[_Iterable[str]] = ..., pending_entries: _Optional[_Iterable[int]] = ..., followed: _Optional[_Iterable[_Union[FollowedLog, _Mapping]]] = ...) -> None: ...

class ProveInclusionRequest(_message.Message):
    __slots__ = ("number", "decision_id", "size")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    number: int
    decision_id: bytes
    size: int
    def __init__(self, number: _Optional[int] = ..., decision_id: _Optional[bytes] = ..., size: _Optional[int] = ...) -> None: ...

class ProveInclusionResponse(_message.Message):
    __slots__ = ("number", "record", "size", "path", "head")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    RECORD_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    number: int
    record: bytes
    size: int
    path: _containers.RepeatedScalarFieldContainer[bytes]
    head: str
    def __init__(self, number: _Optional[int] = ..., record: _Optional[bytes] = ..., size: _Optional[int] = ..., path: _Optional[_Iterable[bytes]] = ..., head: _Optional[str] = ...) -> None: ...

class ProveConsistencyRequest(_message.Message):
    __slots__ = ("old_size", "new_size")
    OLD_SIZE_FIELD_NUMBER: _ClassVar[int]
    NEW_SIZE_FIELD_NUMBER: _ClassVar[int]
    old_size: int
    new_size: int
    def __init__(self, old_size: _Optional[int] = ..., new_size: _Optional[int] = ...) -> None: ...

class ProveConsistencyResponse(_message.Message):
    __slots__ = ("old_size", "new_size", "path", "head")
    OLD_SIZE_FIELD_NUMBER: _ClassVar[int]
    NEW_SIZE_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    old_size: int
    new_size: int
    path: _containers.RepeatedScalarFieldContainer[bytes]
    head: str
    def __init__(self, old_size: _Optional[int] = ..., new_size: _Optional[int] = ..., path: _Optional[_Iterable[bytes]] = ..., head: _Optional[str] = ...) -> None: ...

class MemberLog(_message.Message):
    __slots__ = ("log_key", "head", "start", "records")
    LOG_KEY_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    log_key: bytes
    head: str
    start: int
    records: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, log_key: _Optional[bytes] = ..., head: _Optional[str] = ..., start: _Optional[int] = ..., records: _Optional[_Iterable[bytes]] = ...) -> None: ...

class WitnessRequest(_message.Message):
    __slots__ = ("log", "standing", "messages", "own_tail", "cosigned_head")
    LOG_FIELD_NUMBER: _ClassVar[int]
    STANDING_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    OWN_TAIL_FIELD_NUMBER: _ClassVar[int]
    COSIGNED_HEAD_FIELD_NUMBER: _ClassVar[int]
    log: MemberLog
    standing: bytes
    messages: _containers.RepeatedScalarFieldContainer[bytes]
    own_tail: MemberLog
    cosigned_head: str
    def __init__(self, log: _Optional[_Union[MemberLog, _Mapping]] = ..., standing: _Optional[bytes] = ..., messages: _Optional[_Iterable[bytes]] = ..., own_tail: _Optional[_Union[MemberLog, _Mapping]] = ..., cosigned_head: _Optional[str] = ...) -> None: ...

class WitnessResponse(_message.Message):
    __slots__ = ("followed_size", "messages", "cosignature")
    FOLLOWED_SIZE_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    COSIGNATURE_FIELD_NUMBER: _ClassVar[int]
    followed_size: int
    messages: _containers.RepeatedScalarFieldContainer[bytes]
    cosignature: str
    def __init__(self, followed_size: _Optional[int] = ..., messages: _Optional[_Iterable[bytes]] = ..., cosignature: _Optional[str] = ...) -> None: ...
