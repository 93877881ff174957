from plumewatch.v1 import track_pb2 as _track_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AlertState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ALERT_STATE_UNSPECIFIED: _ClassVar[AlertState]
    ALERT_STATE_DETECTED: _ClassVar[AlertState]
    ALERT_STATE_CONFIRMED: _ClassVar[AlertState]
    ALERT_STATE_ENDED: _ClassVar[AlertState]
    ALERT_STATE_RETRACTED: _ClassVar[AlertState]
ALERT_STATE_UNSPECIFIED: AlertState
ALERT_STATE_DETECTED: AlertState
ALERT_STATE_CONFIRMED: AlertState
ALERT_STATE_ENDED: AlertState
ALERT_STATE_RETRACTED: AlertState

class LatencyBudget(_message.Message):
    __slots__ = ("readout_end_unix_ns", "arrival_unix_ns", "detected_s", "tracked_s", "published_s")
    READOUT_END_UNIX_NS_FIELD_NUMBER: _ClassVar[int]
    ARRIVAL_UNIX_NS_FIELD_NUMBER: _ClassVar[int]
    DETECTED_S_FIELD_NUMBER: _ClassVar[int]
    TRACKED_S_FIELD_NUMBER: _ClassVar[int]
    PUBLISHED_S_FIELD_NUMBER: _ClassVar[int]
    readout_end_unix_ns: int
    arrival_unix_ns: int
    detected_s: float
    tracked_s: float
    published_s: float
    def __init__(self, readout_end_unix_ns: _Optional[int] = ..., arrival_unix_ns: _Optional[int] = ..., detected_s: _Optional[float] = ..., tracked_s: _Optional[float] = ..., published_s: _Optional[float] = ...) -> None: ...

class Acknowledgement(_message.Message):
    __slots__ = ("event_id", "revision", "operator", "note", "time_unix_ns")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    TIME_UNIX_NS_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    revision: int
    operator: str
    note: str
    time_unix_ns: int
    def __init__(self, event_id: _Optional[str] = ..., revision: _Optional[int] = ..., operator: _Optional[str] = ..., note: _Optional[str] = ..., time_unix_ns: _Optional[int] = ...) -> None: ...

class Alert(_message.Message):
    __slots__ = ("event_id", "revision", "issuer", "run_id", "trace_id", "exercise", "state", "target_class", "class_probabilities", "launch", "time_unix_ns", "present", "burnout_time_unix_ns", "burnout", "reach_area", "time_left_s", "satellite_ids", "latency", "acknowledgements", "image_plane", "track_id", "reason", "salvo_id", "merged_into_event_id", "absorbed_event_ids", "first_time_unix_ns")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    EXERCISE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    TARGET_CLASS_FIELD_NUMBER: _ClassVar[int]
    CLASS_PROBABILITIES_FIELD_NUMBER: _ClassVar[int]
    LAUNCH_FIELD_NUMBER: _ClassVar[int]
    TIME_UNIX_NS_FIELD_NUMBER: _ClassVar[int]
    PRESENT_FIELD_NUMBER: _ClassVar[int]
    BURNOUT_TIME_UNIX_NS_FIELD_NUMBER: _ClassVar[int]
    BURNOUT_FIELD_NUMBER: _ClassVar[int]
    REACH_AREA_FIELD_NUMBER: _ClassVar[int]
    TIME_LEFT_S_FIELD_NUMBER: _ClassVar[int]
    SATELLITE_IDS_FIELD_NUMBER: _ClassVar[int]
    LATENCY_FIELD_NUMBER: _ClassVar[int]
    ACKNOWLEDGEMENTS_FIELD_NUMBER: _ClassVar[int]
    IMAGE_PLANE_FIELD_NUMBER: _ClassVar[int]
    TRACK_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    SALVO_ID_FIELD_NUMBER: _ClassVar[int]
    MERGED_INTO_EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    ABSORBED_EVENT_IDS_FIELD_NUMBER: _ClassVar[int]
    FIRST_TIME_UNIX_NS_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    revision: int
    issuer: str
    run_id: str
    trace_id: str
    exercise: bool
    state: AlertState
    target_class: _track_pb2.TargetClass
    class_probabilities: _containers.RepeatedCompositeFieldContainer[_track_pb2.ClassProbability]
    launch: _track_pb2.Launch
    time_unix_ns: int
    present: _track_pb2.KinematicState
    burnout_time_unix_ns: int
    burnout: _track_pb2.KinematicState
    reach_area: _containers.RepeatedCompositeFieldContainer[_track_pb2.GeodeticPoint]
    time_left_s: float
    satellite_ids: _containers.RepeatedScalarFieldContainer[str]
    latency: LatencyBudget
    acknowledgements: _containers.RepeatedCompositeFieldContainer[Acknowledgement]
    image_plane: _track_pb2.ImagePlaneState
    track_id: str
    reason: str
    salvo_id: str
    merged_into_event_id: str
    absorbed_event_ids: _containers.RepeatedScalarFieldContainer[str]
    first_time_unix_ns: int
    def __init__(self, event_id: _Optional[str] = ..., revision: _Optional[int] = ..., issuer: _Optional[str] = ..., run_id: _Optional[str] = ..., trace_id: _Optional[str] = ..., exercise: bool = ..., state: _Optional[_Union[AlertState, str]] = ..., target_class: _Optional[_Union[_track_pb2.TargetClass, str]] = ..., class_probabilities: _Optional[_Iterable[_Union[_track_pb2.ClassProbability, _Mapping]]] = ..., launch: _Optional[_Union[_track_pb2.Launch, _Mapping]] = ..., time_unix_ns: _Optional[int] = ..., present: _Optional[_Union[_track_pb2.KinematicState, _Mapping]] = ..., burnout_time_unix_ns: _Optional[int] = ..., burnout: _Optional[_Union[_track_pb2.KinematicState, _Mapping]] = ..., reach_area: _Optional[_Iterable[_Union[_track_pb2.GeodeticPoint, _Mapping]]] = ..., time_left_s: _Optional[float] = ..., satellite_ids: _Optional[_Iterable[str]] = ..., latency: _Optional[_Union[LatencyBudget, _Mapping]] = ..., acknowledgements: _Optional[_Iterable[_Union[Acknowledgement, _Mapping]]] = ..., image_plane: _Optional[_Union[_track_pb2.ImagePlaneState, _Mapping]] = ..., track_id: _Optional[str] = ..., reason: _Optional[str] = ..., salvo_id: _Optional[str] = ..., merged_into_event_id: _Optional[str] = ..., absorbed_event_ids: _Optional[_Iterable[str]] = ..., first_time_unix_ns: _Optional[int] = ...) -> None: ...
