from plumewatch.v1 import frame_pb2 as _frame_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TargetClass(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TARGET_CLASS_UNSPECIFIED: _ClassVar[TargetClass]
    TARGET_CLASS_BALLISTIC: _ClassVar[TargetClass]
    TARGET_CLASS_GLIDE: _ClassVar[TargetClass]
    TARGET_CLASS_CRUISE: _ClassVar[TargetClass]
    TARGET_CLASS_SPACE_LAUNCH: _ClassVar[TargetClass]
    TARGET_CLASS_STATIC_HEAT: _ClassVar[TargetClass]
    TARGET_CLASS_UNKNOWN: _ClassVar[TargetClass]

class TrackState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TRACK_STATE_UNSPECIFIED: _ClassVar[TrackState]
    TRACK_STATE_TENTATIVE: _ClassVar[TrackState]
    TRACK_STATE_CONFIRMED: _ClassVar[TrackState]
    TRACK_STATE_ENDED: _ClassVar[TrackState]
TARGET_CLASS_UNSPECIFIED: TargetClass
TARGET_CLASS_BALLISTIC: TargetClass
TARGET_CLASS_GLIDE: TargetClass
TARGET_CLASS_CRUISE: TargetClass
TARGET_CLASS_SPACE_LAUNCH: TargetClass
TARGET_CLASS_STATIC_HEAT: TargetClass
TARGET_CLASS_UNKNOWN: TargetClass
TRACK_STATE_UNSPECIFIED: TrackState
TRACK_STATE_TENTATIVE: TrackState
TRACK_STATE_CONFIRMED: TrackState
TRACK_STATE_ENDED: TrackState

class GeodeticPoint(_message.Message):
    __slots__ = ("latitude_deg", "longitude_deg", "height_m")
    LATITUDE_DEG_FIELD_NUMBER: _ClassVar[int]
    LONGITUDE_DEG_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_M_FIELD_NUMBER: _ClassVar[int]
    latitude_deg: float
    longitude_deg: float
    height_m: float
    def __init__(self, latitude_deg: _Optional[float] = ..., longitude_deg: _Optional[float] = ..., height_m: _Optional[float] = ...) -> None: ...

class ErrorEllipse(_message.Message):
    __slots__ = ("semi_major_m", "semi_minor_m", "orientation_deg")
    SEMI_MAJOR_M_FIELD_NUMBER: _ClassVar[int]
    SEMI_MINOR_M_FIELD_NUMBER: _ClassVar[int]
    ORIENTATION_DEG_FIELD_NUMBER: _ClassVar[int]
    semi_major_m: float
    semi_minor_m: float
    orientation_deg: float
    def __init__(self, semi_major_m: _Optional[float] = ..., semi_minor_m: _Optional[float] = ..., orientation_deg: _Optional[float] = ...) -> None: ...

class Launch(_message.Message):
    __slots__ = ("time_unix_ns", "time_sigma_s", "point", "ellipse", "heading_deg", "heading_sigma_deg")
    TIME_UNIX_NS_FIELD_NUMBER: _ClassVar[int]
    TIME_SIGMA_S_FIELD_NUMBER: _ClassVar[int]
    POINT_FIELD_NUMBER: _ClassVar[int]
    ELLIPSE_FIELD_NUMBER: _ClassVar[int]
    HEADING_DEG_FIELD_NUMBER: _ClassVar[int]
    HEADING_SIGMA_DEG_FIELD_NUMBER: _ClassVar[int]
    time_unix_ns: int
    time_sigma_s: float
    point: GeodeticPoint
    ellipse: ErrorEllipse
    heading_deg: float
    heading_sigma_deg: float
    def __init__(self, time_unix_ns: _Optional[int] = ..., time_sigma_s: _Optional[float] = ..., point: _Optional[_Union[GeodeticPoint, _Mapping]] = ..., ellipse: _Optional[_Union[ErrorEllipse, _Mapping]] = ..., heading_deg: _Optional[float] = ..., heading_sigma_deg: _Optional[float] = ...) -> None: ...

class ClassProbability(_message.Message):
    __slots__ = ("target_class", "probability")
    TARGET_CLASS_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    target_class: TargetClass
    probability: float
    def __init__(self, target_class: _Optional[_Union[TargetClass, str]] = ..., probability: _Optional[float] = ...) -> None: ...

class KinematicState(_message.Message):
    __slots__ = ("position_itrs_m", "velocity_itrs_m_per_s", "covariance", "point")
    POSITION_ITRS_M_FIELD_NUMBER: _ClassVar[int]
    VELOCITY_ITRS_M_PER_S_FIELD_NUMBER: _ClassVar[int]
    COVARIANCE_FIELD_NUMBER: _ClassVar[int]
    POINT_FIELD_NUMBER: _ClassVar[int]
    position_itrs_m: _frame_pb2.Vector3
    velocity_itrs_m_per_s: _frame_pb2.Vector3
    covariance: _containers.RepeatedScalarFieldContainer[float]
    point: GeodeticPoint
    def __init__(self, position_itrs_m: _Optional[_Union[_frame_pb2.Vector3, _Mapping]] = ..., velocity_itrs_m_per_s: _Optional[_Union[_frame_pb2.Vector3, _Mapping]] = ..., covariance: _Optional[_Iterable[float]] = ..., point: _Optional[_Union[GeodeticPoint, _Mapping]] = ...) -> None: ...

class ImagePlaneState(_message.Message):
    __slots__ = ("satellite_id", "row", "column", "row_rate_px_per_s", "column_rate_px_per_s")
    SATELLITE_ID_FIELD_NUMBER: _ClassVar[int]
    ROW_FIELD_NUMBER: _ClassVar[int]
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    ROW_RATE_PX_PER_S_FIELD_NUMBER: _ClassVar[int]
    COLUMN_RATE_PX_PER_S_FIELD_NUMBER: _ClassVar[int]
    satellite_id: str
    row: float
    column: float
    row_rate_px_per_s: float
    column_rate_px_per_s: float
    def __init__(self, satellite_id: _Optional[str] = ..., row: _Optional[float] = ..., column: _Optional[float] = ..., row_rate_px_per_s: _Optional[float] = ..., column_rate_px_per_s: _Optional[float] = ...) -> None: ...

class TrackDetection(_message.Message):
    __slots__ = ("satellite_id", "sequence", "index")
    SATELLITE_ID_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    satellite_id: str
    sequence: int
    index: int
    def __init__(self, satellite_id: _Optional[str] = ..., sequence: _Optional[int] = ..., index: _Optional[int] = ...) -> None: ...

class Track(_message.Message):
    __slots__ = ("track_id", "run_id", "time_unix_ns", "state", "target_class", "class_probabilities", "kinematic", "image_plane", "launch", "satellite_ids", "snr", "radiant_intensity_w_per_sr", "detections", "first_seen_unix_ns", "hits")
    TRACK_ID_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    TIME_UNIX_NS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    TARGET_CLASS_FIELD_NUMBER: _ClassVar[int]
    CLASS_PROBABILITIES_FIELD_NUMBER: _ClassVar[int]
    KINEMATIC_FIELD_NUMBER: _ClassVar[int]
    IMAGE_PLANE_FIELD_NUMBER: _ClassVar[int]
    LAUNCH_FIELD_NUMBER: _ClassVar[int]
    SATELLITE_IDS_FIELD_NUMBER: _ClassVar[int]
    SNR_FIELD_NUMBER: _ClassVar[int]
    RADIANT_INTENSITY_W_PER_SR_FIELD_NUMBER: _ClassVar[int]
    DETECTIONS_FIELD_NUMBER: _ClassVar[int]
    FIRST_SEEN_UNIX_NS_FIELD_NUMBER: _ClassVar[int]
    HITS_FIELD_NUMBER: _ClassVar[int]
    track_id: str
    run_id: str
    time_unix_ns: int
    state: TrackState
    target_class: TargetClass
    class_probabilities: _containers.RepeatedCompositeFieldContainer[ClassProbability]
    kinematic: KinematicState
    image_plane: ImagePlaneState
    launch: Launch
    satellite_ids: _containers.RepeatedScalarFieldContainer[str]
    snr: float
    radiant_intensity_w_per_sr: float
    detections: _containers.RepeatedCompositeFieldContainer[TrackDetection]
    first_seen_unix_ns: int
    hits: int
    def __init__(self, track_id: _Optional[str] = ..., run_id: _Optional[str] = ..., time_unix_ns: _Optional[int] = ..., state: _Optional[_Union[TrackState, str]] = ..., target_class: _Optional[_Union[TargetClass, str]] = ..., class_probabilities: _Optional[_Iterable[_Union[ClassProbability, _Mapping]]] = ..., kinematic: _Optional[_Union[KinematicState, _Mapping]] = ..., image_plane: _Optional[_Union[ImagePlaneState, _Mapping]] = ..., launch: _Optional[_Union[Launch, _Mapping]] = ..., satellite_ids: _Optional[_Iterable[str]] = ..., snr: _Optional[float] = ..., radiant_intensity_w_per_sr: _Optional[float] = ..., detections: _Optional[_Iterable[_Union[TrackDetection, _Mapping]]] = ..., first_seen_unix_ns: _Optional[int] = ..., hits: _Optional[int] = ...) -> None: ...
