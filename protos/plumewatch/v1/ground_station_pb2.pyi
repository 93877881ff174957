from plumewatch.v1 import alert_pb2 as _alert_pb2
from plumewatch.v1 import detection_pb2 as _detection_pb2
from plumewatch.v1 import downlink_pb2 as _downlink_pb2
from plumewatch.v1 import track_pb2 as _track_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class WatchDetectionsRequest(_message.Message):
    __slots__ = ("satellite_ids",)
    SATELLITE_IDS_FIELD_NUMBER: _ClassVar[int]
    satellite_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, satellite_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class WatchDetectionsResponse(_message.Message):
    __slots__ = ("left_out", "batch")
    LEFT_OUT_FIELD_NUMBER: _ClassVar[int]
    BATCH_FIELD_NUMBER: _ClassVar[int]
    left_out: int
    batch: _detection_pb2.DetectionBatch
    def __init__(self, left_out: _Optional[int] = ..., batch: _Optional[_Union[_detection_pb2.DetectionBatch, _Mapping]] = ...) -> None: ...

class WatchTracksRequest(_message.Message):
    __slots__ = ("include_tentative",)
    INCLUDE_TENTATIVE_FIELD_NUMBER: _ClassVar[int]
    include_tentative: bool
    def __init__(self, include_tentative: bool = ...) -> None: ...

class WatchTracksResponse(_message.Message):
    __slots__ = ("left_out", "track")
    LEFT_OUT_FIELD_NUMBER: _ClassVar[int]
    TRACK_FIELD_NUMBER: _ClassVar[int]
    left_out: int
    track: _track_pb2.Track
    def __init__(self, left_out: _Optional[int] = ..., track: _Optional[_Union[_track_pb2.Track, _Mapping]] = ...) -> None: ...

class WatchAlertsRequest(_message.Message):
    __slots__ = ("include_closed",)
    INCLUDE_CLOSED_FIELD_NUMBER: _ClassVar[int]
    include_closed: bool
    def __init__(self, include_closed: bool = ...) -> None: ...

class WatchAlertsResponse(_message.Message):
    __slots__ = ("alert",)
    ALERT_FIELD_NUMBER: _ClassVar[int]
    alert: _alert_pb2.Alert
    def __init__(self, alert: _Optional[_Union[_alert_pb2.Alert, _Mapping]] = ...) -> None: ...

class WatchFramesRequest(_message.Message):
    __slots__ = ("satellite_ids", "max_rate_hz")
    SATELLITE_IDS_FIELD_NUMBER: _ClassVar[int]
    MAX_RATE_HZ_FIELD_NUMBER: _ClassVar[int]
    satellite_ids: _containers.RepeatedScalarFieldContainer[str]
    max_rate_hz: float
    def __init__(self, satellite_ids: _Optional[_Iterable[str]] = ..., max_rate_hz: _Optional[float] = ...) -> None: ...

class WatchFramesResponse(_message.Message):
    __slots__ = ("satellite_id", "sequence", "readout_end_unix_ns", "rows", "columns", "pixels", "reduction")
    SATELLITE_ID_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    READOUT_END_UNIX_NS_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    PIXELS_FIELD_NUMBER: _ClassVar[int]
    REDUCTION_FIELD_NUMBER: _ClassVar[int]
    satellite_id: str
    sequence: int
    readout_end_unix_ns: int
    rows: int
    columns: int
    pixels: bytes
    reduction: int
    def __init__(self, satellite_id: _Optional[str] = ..., sequence: _Optional[int] = ..., readout_end_unix_ns: _Optional[int] = ..., rows: _Optional[int] = ..., columns: _Optional[int] = ..., pixels: _Optional[bytes] = ..., reduction: _Optional[int] = ...) -> None: ...

class ListEventsRequest(_message.Message):
    __slots__ = ("states", "page_size", "page_token")
    STATES_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    states: _containers.RepeatedScalarFieldContainer[_alert_pb2.AlertState]
    page_size: int
    page_token: str
    def __init__(self, states: _Optional[_Iterable[_Union[_alert_pb2.AlertState, str]]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListEventsResponse(_message.Message):
    __slots__ = ("alerts", "next_page_token")
    ALERTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    alerts: _containers.RepeatedCompositeFieldContainer[_alert_pb2.Alert]
    next_page_token: str
    def __init__(self, alerts: _Optional[_Iterable[_Union[_alert_pb2.Alert, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetEventRequest(_message.Message):
    __slots__ = ("event_id",)
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    def __init__(self, event_id: _Optional[str] = ...) -> None: ...

class GetEventResponse(_message.Message):
    __slots__ = ("revisions",)
    REVISIONS_FIELD_NUMBER: _ClassVar[int]
    revisions: _containers.RepeatedCompositeFieldContainer[_alert_pb2.Alert]
    def __init__(self, revisions: _Optional[_Iterable[_Union[_alert_pb2.Alert, _Mapping]]] = ...) -> None: ...

class AcknowledgeEventRequest(_message.Message):
    __slots__ = ("acknowledgement",)
    ACKNOWLEDGEMENT_FIELD_NUMBER: _ClassVar[int]
    acknowledgement: _alert_pb2.Acknowledgement
    def __init__(self, acknowledgement: _Optional[_Union[_alert_pb2.Acknowledgement, _Mapping]] = ...) -> None: ...

class AcknowledgeEventResponse(_message.Message):
    __slots__ = ("alert",)
    ALERT_FIELD_NUMBER: _ClassVar[int]
    alert: _alert_pb2.Alert
    def __init__(self, alert: _Optional[_Union[_alert_pb2.Alert, _Mapping]] = ...) -> None: ...

class GetStatusRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SatelliteStatus(_message.Message):
    __slots__ = ("satellite_id", "connected", "frames_committed", "acknowledged_sequence", "losses", "frames_per_s", "backlog_s", "detection_p50_s", "detections", "frames_repeated")
    SATELLITE_ID_FIELD_NUMBER: _ClassVar[int]
    CONNECTED_FIELD_NUMBER: _ClassVar[int]
    FRAMES_COMMITTED_FIELD_NUMBER: _ClassVar[int]
    ACKNOWLEDGED_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    LOSSES_FIELD_NUMBER: _ClassVar[int]
    FRAMES_PER_S_FIELD_NUMBER: _ClassVar[int]
    BACKLOG_S_FIELD_NUMBER: _ClassVar[int]
    DETECTION_P50_S_FIELD_NUMBER: _ClassVar[int]
    DETECTIONS_FIELD_NUMBER: _ClassVar[int]
    FRAMES_REPEATED_FIELD_NUMBER: _ClassVar[int]
    satellite_id: str
    connected: bool
    frames_committed: int
    acknowledged_sequence: int
    losses: _containers.RepeatedCompositeFieldContainer[_downlink_pb2.FrameLoss]
    frames_per_s: float
    backlog_s: float
    detection_p50_s: float
    detections: int
    frames_repeated: int
    def __init__(self, satellite_id: _Optional[str] = ..., connected: bool = ..., frames_committed: _Optional[int] = ..., acknowledged_sequence: _Optional[int] = ..., losses: _Optional[_Iterable[_Union[_downlink_pb2.FrameLoss, _Mapping]]] = ..., frames_per_s: _Optional[float] = ..., backlog_s: _Optional[float] = ..., detection_p50_s: _Optional[float] = ..., detections: _Optional[int] = ..., frames_repeated: _Optional[int] = ...) -> None: ...

class GetStatusResponse(_message.Message):
    __slots__ = ("run_id", "time_unix_ns", "satellites", "tracks_confirmed", "events_open", "broker_connected", "alerts_waiting")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    TIME_UNIX_NS_FIELD_NUMBER: _ClassVar[int]
    SATELLITES_FIELD_NUMBER: _ClassVar[int]
    TRACKS_CONFIRMED_FIELD_NUMBER: _ClassVar[int]
    EVENTS_OPEN_FIELD_NUMBER: _ClassVar[int]
    BROKER_CONNECTED_FIELD_NUMBER: _ClassVar[int]
    ALERTS_WAITING_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    time_unix_ns: int
    satellites: _containers.RepeatedCompositeFieldContainer[SatelliteStatus]
    tracks_confirmed: int
    events_open: int
    broker_connected: bool
    alerts_waiting: int
    def __init__(self, run_id: _Optional[str] = ..., time_unix_ns: _Optional[int] = ..., satellites: _Optional[_Iterable[_Union[SatelliteStatus, _Mapping]]] = ..., tracks_confirmed: _Optional[int] = ..., events_open: _Optional[int] = ..., broker_connected: bool = ..., alerts_waiting: _Optional[int] = ...) -> None: ...
