from plumewatch.v1 import frame_pb2 as _frame_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class NodeKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NODE_KIND_UNSPECIFIED: _ClassVar[NodeKind]
    NODE_KIND_SENSOR_SATELLITE: _ClassVar[NodeKind]
    NODE_KIND_RELAY_SATELLITE: _ClassVar[NodeKind]
    NODE_KIND_GATEWAY: _ClassVar[NodeKind]
    NODE_KIND_GROUND_STATION: _ClassVar[NodeKind]

class LinkMedium(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LINK_MEDIUM_UNSPECIFIED: _ClassVar[LinkMedium]
    LINK_MEDIUM_LASER: _ClassVar[LinkMedium]
    LINK_MEDIUM_GROUND: _ClassVar[LinkMedium]
    LINK_MEDIUM_TERRESTRIAL: _ClassVar[LinkMedium]

class FaultKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FAULT_KIND_UNSPECIFIED: _ClassVar[FaultKind]
    FAULT_KIND_NODE: _ClassVar[FaultKind]
    FAULT_KIND_LINK: _ClassVar[FaultKind]
    FAULT_KIND_PLANE: _ClassVar[FaultKind]
    FAULT_KIND_LASER_LINKS: _ClassVar[FaultKind]
    FAULT_KIND_RAIN: _ClassVar[FaultKind]
NODE_KIND_UNSPECIFIED: NodeKind
NODE_KIND_SENSOR_SATELLITE: NodeKind
NODE_KIND_RELAY_SATELLITE: NodeKind
NODE_KIND_GATEWAY: NodeKind
NODE_KIND_GROUND_STATION: NodeKind
LINK_MEDIUM_UNSPECIFIED: LinkMedium
LINK_MEDIUM_LASER: LinkMedium
LINK_MEDIUM_GROUND: LinkMedium
LINK_MEDIUM_TERRESTRIAL: LinkMedium
FAULT_KIND_UNSPECIFIED: FaultKind
FAULT_KIND_NODE: FaultKind
FAULT_KIND_LINK: FaultKind
FAULT_KIND_PLANE: FaultKind
FAULT_KIND_LASER_LINKS: FaultKind
FAULT_KIND_RAIN: FaultKind

class GetClockRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetClockResponse(_message.Message):
    __slots__ = ("run_id", "emulated_start_unix_ns", "wall_start_unix_ns", "rate", "emulated_end_unix_ns", "satellites_expected", "satellites_connected")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    EMULATED_START_UNIX_NS_FIELD_NUMBER: _ClassVar[int]
    WALL_START_UNIX_NS_FIELD_NUMBER: _ClassVar[int]
    RATE_FIELD_NUMBER: _ClassVar[int]
    EMULATED_END_UNIX_NS_FIELD_NUMBER: _ClassVar[int]
    SATELLITES_EXPECTED_FIELD_NUMBER: _ClassVar[int]
    SATELLITES_CONNECTED_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    emulated_start_unix_ns: int
    wall_start_unix_ns: int
    rate: float
    emulated_end_unix_ns: int
    satellites_expected: int
    satellites_connected: int
    def __init__(self, run_id: _Optional[str] = ..., emulated_start_unix_ns: _Optional[int] = ..., wall_start_unix_ns: _Optional[int] = ..., rate: _Optional[float] = ..., emulated_end_unix_ns: _Optional[int] = ..., satellites_expected: _Optional[int] = ..., satellites_connected: _Optional[int] = ...) -> None: ...

class Node(_message.Message):
    __slots__ = ("node", "kind", "position_itrs_m", "failed", "shell", "plane")
    NODE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    POSITION_ITRS_M_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    SHELL_FIELD_NUMBER: _ClassVar[int]
    PLANE_FIELD_NUMBER: _ClassVar[int]
    node: str
    kind: NodeKind
    position_itrs_m: _frame_pb2.Vector3
    failed: bool
    shell: str
    plane: int
    def __init__(self, node: _Optional[str] = ..., kind: _Optional[_Union[NodeKind, str]] = ..., position_itrs_m: _Optional[_Union[_frame_pb2.Vector3, _Mapping]] = ..., failed: bool = ..., shell: _Optional[str] = ..., plane: _Optional[int] = ...) -> None: ...

class Link(_message.Message):
    __slots__ = ("from_node", "to_node", "delay_s", "rate_bps", "medium", "in_use")
    FROM_NODE_FIELD_NUMBER: _ClassVar[int]
    TO_NODE_FIELD_NUMBER: _ClassVar[int]
    DELAY_S_FIELD_NUMBER: _ClassVar[int]
    RATE_BPS_FIELD_NUMBER: _ClassVar[int]
    MEDIUM_FIELD_NUMBER: _ClassVar[int]
    IN_USE_FIELD_NUMBER: _ClassVar[int]
    from_node: str
    to_node: str
    delay_s: float
    rate_bps: float
    medium: LinkMedium
    in_use: bool
    def __init__(self, from_node: _Optional[str] = ..., to_node: _Optional[str] = ..., delay_s: _Optional[float] = ..., rate_bps: _Optional[float] = ..., medium: _Optional[_Union[LinkMedium, str]] = ..., in_use: bool = ...) -> None: ...

class GetTopologyRequest(_message.Message):
    __slots__ = ("time_unix_ns", "include_mesh")
    TIME_UNIX_NS_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_MESH_FIELD_NUMBER: _ClassVar[int]
    time_unix_ns: int
    include_mesh: bool
    def __init__(self, time_unix_ns: _Optional[int] = ..., include_mesh: bool = ...) -> None: ...

class GetTopologyResponse(_message.Message):
    __slots__ = ("time_unix_ns", "nodes", "links")
    TIME_UNIX_NS_FIELD_NUMBER: _ClassVar[int]
    NODES_FIELD_NUMBER: _ClassVar[int]
    LINKS_FIELD_NUMBER: _ClassVar[int]
    time_unix_ns: int
    nodes: _containers.RepeatedCompositeFieldContainer[Node]
    links: _containers.RepeatedCompositeFieldContainer[Link]
    def __init__(self, time_unix_ns: _Optional[int] = ..., nodes: _Optional[_Iterable[_Union[Node, _Mapping]]] = ..., links: _Optional[_Iterable[_Union[Link, _Mapping]]] = ...) -> None: ...

class GetRouteRequest(_message.Message):
    __slots__ = ("satellite_id", "time_unix_ns", "gateway")
    SATELLITE_ID_FIELD_NUMBER: _ClassVar[int]
    TIME_UNIX_NS_FIELD_NUMBER: _ClassVar[int]
    GATEWAY_FIELD_NUMBER: _ClassVar[int]
    satellite_id: str
    time_unix_ns: int
    gateway: str
    def __init__(self, satellite_id: _Optional[str] = ..., time_unix_ns: _Optional[int] = ..., gateway: _Optional[str] = ...) -> None: ...

class RouteHop(_message.Message):
    __slots__ = ("node", "delay_s")
    NODE_FIELD_NUMBER: _ClassVar[int]
    DELAY_S_FIELD_NUMBER: _ClassVar[int]
    node: str
    delay_s: float
    def __init__(self, node: _Optional[str] = ..., delay_s: _Optional[float] = ...) -> None: ...

class GetRouteResponse(_message.Message):
    __slots__ = ("time_unix_ns", "hops", "delay_s", "gateway")
    TIME_UNIX_NS_FIELD_NUMBER: _ClassVar[int]
    HOPS_FIELD_NUMBER: _ClassVar[int]
    DELAY_S_FIELD_NUMBER: _ClassVar[int]
    GATEWAY_FIELD_NUMBER: _ClassVar[int]
    time_unix_ns: int
    hops: _containers.RepeatedCompositeFieldContainer[RouteHop]
    delay_s: float
    gateway: str
    def __init__(self, time_unix_ns: _Optional[int] = ..., hops: _Optional[_Iterable[_Union[RouteHop, _Mapping]]] = ..., delay_s: _Optional[float] = ..., gateway: _Optional[str] = ...) -> None: ...

class WatchLinksRequest(_message.Message):
    __slots__ = ("period_s",)
    PERIOD_S_FIELD_NUMBER: _ClassVar[int]
    period_s: float
    def __init__(self, period_s: _Optional[float] = ...) -> None: ...

class StreamStatus(_message.Message):
    __slots__ = ("satellite_id", "connected", "path", "delay_s", "frames_received", "frames_released", "frames_lost_queue_full", "frames_lost_network_model", "frames_refused", "frames_queued", "bytes_queued", "lateness_p50_s", "lateness_p99_s", "frames_retimed")
    SATELLITE_ID_FIELD_NUMBER: _ClassVar[int]
    CONNECTED_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    DELAY_S_FIELD_NUMBER: _ClassVar[int]
    FRAMES_RECEIVED_FIELD_NUMBER: _ClassVar[int]
    FRAMES_RELEASED_FIELD_NUMBER: _ClassVar[int]
    FRAMES_LOST_QUEUE_FULL_FIELD_NUMBER: _ClassVar[int]
    FRAMES_LOST_NETWORK_MODEL_FIELD_NUMBER: _ClassVar[int]
    FRAMES_REFUSED_FIELD_NUMBER: _ClassVar[int]
    FRAMES_QUEUED_FIELD_NUMBER: _ClassVar[int]
    BYTES_QUEUED_FIELD_NUMBER: _ClassVar[int]
    LATENESS_P50_S_FIELD_NUMBER: _ClassVar[int]
    LATENESS_P99_S_FIELD_NUMBER: _ClassVar[int]
    FRAMES_RETIMED_FIELD_NUMBER: _ClassVar[int]
    satellite_id: str
    connected: bool
    path: _containers.RepeatedScalarFieldContainer[str]
    delay_s: float
    frames_received: int
    frames_released: int
    frames_lost_queue_full: int
    frames_lost_network_model: int
    frames_refused: int
    frames_queued: int
    bytes_queued: int
    lateness_p50_s: float
    lateness_p99_s: float
    frames_retimed: int
    def __init__(self, satellite_id: _Optional[str] = ..., connected: bool = ..., path: _Optional[_Iterable[str]] = ..., delay_s: _Optional[float] = ..., frames_received: _Optional[int] = ..., frames_released: _Optional[int] = ..., frames_lost_queue_full: _Optional[int] = ..., frames_lost_network_model: _Optional[int] = ..., frames_refused: _Optional[int] = ..., frames_queued: _Optional[int] = ..., bytes_queued: _Optional[int] = ..., lateness_p50_s: _Optional[float] = ..., lateness_p99_s: _Optional[float] = ..., frames_retimed: _Optional[int] = ...) -> None: ...

class WatchLinksResponse(_message.Message):
    __slots__ = ("time_unix_ns", "streams")
    TIME_UNIX_NS_FIELD_NUMBER: _ClassVar[int]
    STREAMS_FIELD_NUMBER: _ClassVar[int]
    time_unix_ns: int
    streams: _containers.RepeatedCompositeFieldContainer[StreamStatus]
    def __init__(self, time_unix_ns: _Optional[int] = ..., streams: _Optional[_Iterable[_Union[StreamStatus, _Mapping]]] = ...) -> None: ...

class Fault(_message.Message):
    __slots__ = ("fault_id", "node", "to_node", "start_unix_ns", "kind", "end_unix_ns", "plane", "share", "seed", "rain_mm_per_h", "planned")
    FAULT_ID_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    TO_NODE_FIELD_NUMBER: _ClassVar[int]
    START_UNIX_NS_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    END_UNIX_NS_FIELD_NUMBER: _ClassVar[int]
    PLANE_FIELD_NUMBER: _ClassVar[int]
    SHARE_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    RAIN_MM_PER_H_FIELD_NUMBER: _ClassVar[int]
    PLANNED_FIELD_NUMBER: _ClassVar[int]
    fault_id: str
    node: str
    to_node: str
    start_unix_ns: int
    kind: FaultKind
    end_unix_ns: int
    plane: int
    share: float
    seed: int
    rain_mm_per_h: float
    planned: bool
    def __init__(self, fault_id: _Optional[str] = ..., node: _Optional[str] = ..., to_node: _Optional[str] = ..., start_unix_ns: _Optional[int] = ..., kind: _Optional[_Union[FaultKind, str]] = ..., end_unix_ns: _Optional[int] = ..., plane: _Optional[int] = ..., share: _Optional[float] = ..., seed: _Optional[int] = ..., rain_mm_per_h: _Optional[float] = ..., planned: bool = ...) -> None: ...

class InjectFaultRequest(_message.Message):
    __slots__ = ("fault",)
    FAULT_FIELD_NUMBER: _ClassVar[int]
    fault: Fault
    def __init__(self, fault: _Optional[_Union[Fault, _Mapping]] = ...) -> None: ...

class InjectFaultResponse(_message.Message):
    __slots__ = ("fault",)
    FAULT_FIELD_NUMBER: _ClassVar[int]
    fault: Fault
    def __init__(self, fault: _Optional[_Union[Fault, _Mapping]] = ...) -> None: ...

class ClearFaultRequest(_message.Message):
    __slots__ = ("fault_id",)
    FAULT_ID_FIELD_NUMBER: _ClassVar[int]
    fault_id: str
    def __init__(self, fault_id: _Optional[str] = ...) -> None: ...

class ClearFaultResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListFaultsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListFaultsResponse(_message.Message):
    __slots__ = ("faults",)
    FAULTS_FIELD_NUMBER: _ClassVar[int]
    faults: _containers.RepeatedCompositeFieldContainer[Fault]
    def __init__(self, faults: _Optional[_Iterable[_Union[Fault, _Mapping]]] = ...) -> None: ...
