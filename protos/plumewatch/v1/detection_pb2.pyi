from plumewatch.v1 import frame_pb2 as _frame_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Detection(_message.Message):
    __slots__ = ("row", "column", "row_variance_px2", "row_column_covariance_px2", "column_variance_px2", "snr", "score", "amplitude_counts", "irradiance_w_per_m2", "area_px")
    ROW_FIELD_NUMBER: _ClassVar[int]
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    ROW_VARIANCE_PX2_FIELD_NUMBER: _ClassVar[int]
    ROW_COLUMN_COVARIANCE_PX2_FIELD_NUMBER: _ClassVar[int]
    COLUMN_VARIANCE_PX2_FIELD_NUMBER: _ClassVar[int]
    SNR_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    AMPLITUDE_COUNTS_FIELD_NUMBER: _ClassVar[int]
    IRRADIANCE_W_PER_M2_FIELD_NUMBER: _ClassVar[int]
    AREA_PX_FIELD_NUMBER: _ClassVar[int]
    row: float
    column: float
    row_variance_px2: float
    row_column_covariance_px2: float
    column_variance_px2: float
    snr: float
    score: float
    amplitude_counts: float
    irradiance_w_per_m2: float
    area_px: int
    def __init__(self, row: _Optional[float] = ..., column: _Optional[float] = ..., row_variance_px2: _Optional[float] = ..., row_column_covariance_px2: _Optional[float] = ..., column_variance_px2: _Optional[float] = ..., snr: _Optional[float] = ..., score: _Optional[float] = ..., amplitude_counts: _Optional[float] = ..., irradiance_w_per_m2: _Optional[float] = ..., area_px: _Optional[int] = ...) -> None: ...

class DetectionBatch(_message.Message):
    __slots__ = ("exposure_start_unix_ns", "readout_end_unix_ns", "sequence", "satellite_id", "run_id", "trace_id", "exposure_s", "position_gcrs_m", "velocity_gcrs_m_per_s", "attitude_camera_to_gcrs", "camera", "rows", "columns", "detections", "detections_left_out", "reason", "hops", "threshold_snr")
    EXPOSURE_START_UNIX_NS_FIELD_NUMBER: _ClassVar[int]
    READOUT_END_UNIX_NS_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    SATELLITE_ID_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    EXPOSURE_S_FIELD_NUMBER: _ClassVar[int]
    POSITION_GCRS_M_FIELD_NUMBER: _ClassVar[int]
    VELOCITY_GCRS_M_PER_S_FIELD_NUMBER: _ClassVar[int]
    ATTITUDE_CAMERA_TO_GCRS_FIELD_NUMBER: _ClassVar[int]
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    DETECTIONS_FIELD_NUMBER: _ClassVar[int]
    DETECTIONS_LEFT_OUT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    HOPS_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_SNR_FIELD_NUMBER: _ClassVar[int]
    exposure_start_unix_ns: int
    readout_end_unix_ns: int
    sequence: int
    satellite_id: str
    run_id: str
    trace_id: str
    exposure_s: float
    position_gcrs_m: _frame_pb2.Vector3
    velocity_gcrs_m_per_s: _frame_pb2.Vector3
    attitude_camera_to_gcrs: _frame_pb2.Quaternion
    camera: _frame_pb2.CameraModel
    rows: int
    columns: int
    detections: _containers.RepeatedCompositeFieldContainer[Detection]
    detections_left_out: int
    reason: str
    hops: _containers.RepeatedCompositeFieldContainer[_frame_pb2.NetworkHop]
    threshold_snr: float
    def __init__(self, exposure_start_unix_ns: _Optional[int] = ..., readout_end_unix_ns: _Optional[int] = ..., sequence: _Optional[int] = ..., satellite_id: _Optional[str] = ..., run_id: _Optional[str] = ..., trace_id: _Optional[str] = ..., exposure_s: _Optional[float] = ..., position_gcrs_m: _Optional[_Union[_frame_pb2.Vector3, _Mapping]] = ..., velocity_gcrs_m_per_s: _Optional[_Union[_frame_pb2.Vector3, _Mapping]] = ..., attitude_camera_to_gcrs: _Optional[_Union[_frame_pb2.Quaternion, _Mapping]] = ..., camera: _Optional[_Union[_frame_pb2.CameraModel, _Mapping]] = ..., rows: _Optional[int] = ..., columns: _Optional[int] = ..., detections: _Optional[_Iterable[_Union[Detection, _Mapping]]] = ..., detections_left_out: _Optional[int] = ..., reason: _Optional[str] = ..., hops: _Optional[_Iterable[_Union[_frame_pb2.NetworkHop, _Mapping]]] = ..., threshold_snr: _Optional[float] = ...) -> None: ...
