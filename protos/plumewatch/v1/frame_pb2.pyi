from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PixelEncoding(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PIXEL_ENCODING_UNSPECIFIED: _ClassVar[PixelEncoding]
    PIXEL_ENCODING_UINT8: _ClassVar[PixelEncoding]
    PIXEL_ENCODING_UINT16_LE: _ClassVar[PixelEncoding]
    PIXEL_ENCODING_FLOAT32_LE: _ClassVar[PixelEncoding]

class PixelCompression(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PIXEL_COMPRESSION_UNSPECIFIED: _ClassVar[PixelCompression]
    PIXEL_COMPRESSION_CCSDS121: _ClassVar[PixelCompression]
    PIXEL_COMPRESSION_ZSTD: _ClassVar[PixelCompression]

class Projection(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PROJECTION_UNSPECIFIED: _ClassVar[Projection]
    PROJECTION_GNOMONIC: _ClassVar[Projection]
    PROJECTION_EQUIDISTANT: _ClassVar[Projection]
PIXEL_ENCODING_UNSPECIFIED: PixelEncoding
PIXEL_ENCODING_UINT8: PixelEncoding
PIXEL_ENCODING_UINT16_LE: PixelEncoding
PIXEL_ENCODING_FLOAT32_LE: PixelEncoding
PIXEL_COMPRESSION_UNSPECIFIED: PixelCompression
PIXEL_COMPRESSION_CCSDS121: PixelCompression
PIXEL_COMPRESSION_ZSTD: PixelCompression
PROJECTION_UNSPECIFIED: Projection
PROJECTION_GNOMONIC: Projection
PROJECTION_EQUIDISTANT: Projection

class Vector3(_message.Message):
    __slots__ = ("x", "y", "z")
    X_FIELD_NUMBER: _ClassVar[int]
    Y_FIELD_NUMBER: _ClassVar[int]
    Z_FIELD_NUMBER: _ClassVar[int]
    x: float
    y: float
    z: float
    def __init__(self, x: _Optional[float] = ..., y: _Optional[float] = ..., z: _Optional[float] = ...) -> None: ...

class Quaternion(_message.Message):
    __slots__ = ("w", "x", "y", "z")
    W_FIELD_NUMBER: _ClassVar[int]
    X_FIELD_NUMBER: _ClassVar[int]
    Y_FIELD_NUMBER: _ClassVar[int]
    Z_FIELD_NUMBER: _ClassVar[int]
    w: float
    x: float
    y: float
    z: float
    def __init__(self, w: _Optional[float] = ..., x: _Optional[float] = ..., y: _Optional[float] = ..., z: _Optional[float] = ...) -> None: ...

class CameraModel(_message.Message):
    __slots__ = ("projection", "focal_length_px", "principal_row", "principal_column", "distortion_k1", "distortion_k2", "psf_sigma_px", "radiance_w_per_m2_sr_per_count", "irradiance_w_per_m2_per_count")
    PROJECTION_FIELD_NUMBER: _ClassVar[int]
    FOCAL_LENGTH_PX_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_ROW_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_COLUMN_FIELD_NUMBER: _ClassVar[int]
    DISTORTION_K1_FIELD_NUMBER: _ClassVar[int]
    DISTORTION_K2_FIELD_NUMBER: _ClassVar[int]
    PSF_SIGMA_PX_FIELD_NUMBER: _ClassVar[int]
    RADIANCE_W_PER_M2_SR_PER_COUNT_FIELD_NUMBER: _ClassVar[int]
    IRRADIANCE_W_PER_M2_PER_COUNT_FIELD_NUMBER: _ClassVar[int]
    projection: Projection
    focal_length_px: float
    principal_row: float
    principal_column: float
    distortion_k1: float
    distortion_k2: float
    psf_sigma_px: float
    radiance_w_per_m2_sr_per_count: float
    irradiance_w_per_m2_per_count: float
    def __init__(self, projection: _Optional[_Union[Projection, str]] = ..., focal_length_px: _Optional[float] = ..., principal_row: _Optional[float] = ..., principal_column: _Optional[float] = ..., distortion_k1: _Optional[float] = ..., distortion_k2: _Optional[float] = ..., psf_sigma_px: _Optional[float] = ..., radiance_w_per_m2_sr_per_count: _Optional[float] = ..., irradiance_w_per_m2_per_count: _Optional[float] = ...) -> None: ...

class NetworkHop(_message.Message):
    __slots__ = ("node", "modelled_arrival_unix_ns", "modelled_departure_unix_ns", "measured_lateness_ns", "path")
    NODE_FIELD_NUMBER: _ClassVar[int]
    MODELLED_ARRIVAL_UNIX_NS_FIELD_NUMBER: _ClassVar[int]
    MODELLED_DEPARTURE_UNIX_NS_FIELD_NUMBER: _ClassVar[int]
    MEASURED_LATENESS_NS_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    node: str
    modelled_arrival_unix_ns: int
    modelled_departure_unix_ns: int
    measured_lateness_ns: int
    path: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, node: _Optional[str] = ..., modelled_arrival_unix_ns: _Optional[int] = ..., modelled_departure_unix_ns: _Optional[int] = ..., measured_lateness_ns: _Optional[int] = ..., path: _Optional[_Iterable[str]] = ...) -> None: ...

class Frame(_message.Message):
    __slots__ = ("exposure_start_unix_ns", "readout_end_unix_ns", "sequence", "satellite_id", "run_id", "trace_id", "band_lower_m", "band_upper_m", "exposure_s", "position_gcrs_m", "velocity_gcrs_m_per_s", "attitude_camera_to_gcrs", "camera", "rows", "columns", "pixel_encoding", "pixels", "hops", "pixel_compression")
    EXPOSURE_START_UNIX_NS_FIELD_NUMBER: _ClassVar[int]
    READOUT_END_UNIX_NS_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    SATELLITE_ID_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    BAND_LOWER_M_FIELD_NUMBER: _ClassVar[int]
    BAND_UPPER_M_FIELD_NUMBER: _ClassVar[int]
    EXPOSURE_S_FIELD_NUMBER: _ClassVar[int]
    POSITION_GCRS_M_FIELD_NUMBER: _ClassVar[int]
    VELOCITY_GCRS_M_PER_S_FIELD_NUMBER: _ClassVar[int]
    ATTITUDE_CAMERA_TO_GCRS_FIELD_NUMBER: _ClassVar[int]
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    PIXEL_ENCODING_FIELD_NUMBER: _ClassVar[int]
    PIXELS_FIELD_NUMBER: _ClassVar[int]
    HOPS_FIELD_NUMBER: _ClassVar[int]
    PIXEL_COMPRESSION_FIELD_NUMBER: _ClassVar[int]
    exposure_start_unix_ns: int
    readout_end_unix_ns: int
    sequence: int
    satellite_id: str
    run_id: str
    trace_id: str
    band_lower_m: float
    band_upper_m: float
    exposure_s: float
    position_gcrs_m: Vector3
    velocity_gcrs_m_per_s: Vector3
    attitude_camera_to_gcrs: Quaternion
    camera: CameraModel
    rows: int
    columns: int
    pixel_encoding: PixelEncoding
    pixels: bytes
    hops: _containers.RepeatedCompositeFieldContainer[NetworkHop]
    pixel_compression: PixelCompression
    def __init__(self, exposure_start_unix_ns: _Optional[int] = ..., readout_end_unix_ns: _Optional[int] = ..., sequence: _Optional[int] = ..., satellite_id: _Optional[str] = ..., run_id: _Optional[str] = ..., trace_id: _Optional[str] = ..., band_lower_m: _Optional[float] = ..., band_upper_m: _Optional[float] = ..., exposure_s: _Optional[float] = ..., position_gcrs_m: _Optional[_Union[Vector3, _Mapping]] = ..., velocity_gcrs_m_per_s: _Optional[_Union[Vector3, _Mapping]] = ..., attitude_camera_to_gcrs: _Optional[_Union[Quaternion, _Mapping]] = ..., camera: _Optional[_Union[CameraModel, _Mapping]] = ..., rows: _Optional[int] = ..., columns: _Optional[int] = ..., pixel_encoding: _Optional[_Union[PixelEncoding, str]] = ..., pixels: _Optional[bytes] = ..., hops: _Optional[_Iterable[_Union[NetworkHop, _Mapping]]] = ..., pixel_compression: _Optional[_Union[PixelCompression, str]] = ...) -> None: ...
