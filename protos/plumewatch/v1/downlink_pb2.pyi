from plumewatch.v1 import detection_pb2 as _detection_pb2
from plumewatch.v1 import frame_pb2 as _frame_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class LossCause(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LOSS_CAUSE_UNSPECIFIED: _ClassVar[LossCause]
    LOSS_CAUSE_NETWORK_MODEL: _ClassVar[LossCause]
    LOSS_CAUSE_QUEUE_FULL: _ClassVar[LossCause]
    LOSS_CAUSE_REFUSED: _ClassVar[LossCause]
    LOSS_CAUSE_SKIPPED: _ClassVar[LossCause]
LOSS_CAUSE_UNSPECIFIED: LossCause
LOSS_CAUSE_NETWORK_MODEL: LossCause
LOSS_CAUSE_QUEUE_FULL: LossCause
LOSS_CAUSE_REFUSED: LossCause
LOSS_CAUSE_SKIPPED: LossCause

class FrameLoss(_message.Message):
    __slots__ = ("first_sequence", "last_sequence", "cause", "detail", "node")
    FIRST_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    first_sequence: int
    last_sequence: int
    cause: LossCause
    detail: str
    node: str
    def __init__(self, first_sequence: _Optional[int] = ..., last_sequence: _Optional[int] = ..., cause: _Optional[_Union[LossCause, str]] = ..., detail: _Optional[str] = ..., node: _Optional[str] = ...) -> None: ...

class DownlinkFramesResponse(_message.Message):
    __slots__ = ("acknowledged_sequence", "losses")
    ACKNOWLEDGED_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    LOSSES_FIELD_NUMBER: _ClassVar[int]
    acknowledged_sequence: int
    losses: _containers.RepeatedCompositeFieldContainer[FrameLoss]
    def __init__(self, acknowledged_sequence: _Optional[int] = ..., losses: _Optional[_Iterable[_Union[FrameLoss, _Mapping]]] = ...) -> None: ...

class DownlinkDetectionsResponse(_message.Message):
    __slots__ = ("acknowledged_sequence", "losses")
    ACKNOWLEDGED_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    LOSSES_FIELD_NUMBER: _ClassVar[int]
    acknowledged_sequence: int
    losses: _containers.RepeatedCompositeFieldContainer[FrameLoss]
    def __init__(self, acknowledged_sequence: _Optional[int] = ..., losses: _Optional[_Iterable[_Union[FrameLoss, _Mapping]]] = ...) -> None: ...
