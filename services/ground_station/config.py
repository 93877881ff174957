"""What one ground station process is told when it starts."""

import os
from dataclasses import dataclass, field, replace
from pathlib import Path

from services.ground_station.alerting import AlertingConfig
from services.ground_station.detection.detect import DetectionConfig
from services.ground_station.tracking.config import TrackingConfig
from services.runtime.configuration import read_toml
from services.runtime.envelope import ID
from services.runtime.mqtt import parse_broker_url


@dataclass(frozen=True)
class Settings:
    """What a settings file (TOML) may say; every table and key may be left out."""

    # A station keeps fewer hot points of one frame than a batch run over files: they are tracked while frames come.
    detection: DetectionConfig = field(default_factory=lambda: DetectionConfig(max_detections=2000))
    tracking: TrackingConfig = field(default_factory=TrackingConfig)
    alerting: AlertingConfig = field(default_factory=AlertingConfig)


@dataclass(frozen=True)
class GroundStationConfig:
    """Settings of one ground station."""

    # This machine alone, until somebody opens it to others.
    listen: str = "127.0.0.1:50052"
    # Where alerts are published; empty: nowhere, they are to be had over gRPC alone.
    broker: str = "mqtt://127.0.0.1:1883"
    # Holds the archive.
    state_dir: Path = Path("plumewatch-station")
    # Issuer of the alerts.
    station_id: str = "station-1"
    # The relay whose run clock says when a modelled arrival was; empty: arrivals are taken from the frames' own stamps.
    relay: str = ""
    # Prometheus port; 0: none.
    metrics_port: int = 0
    # Threads that search frames; 0: one for each core.
    detection_threads: int = 0
    # Frames of one satellite that are searched or wait for it; more stay in the network, which pushes back.
    frames_in_flight: int = 4
    # A run without a stream for so long is over: its events end, its tracks are dropped; seconds of wall time.
    quiet_run_s: float = 600.0
    # Batches of earlier runs are kept for looking back; seven days.
    keep_batches_s: float = 7 * 86_400.0
    settings: Settings = field(default_factory=Settings)

    def __post_init__(self) -> None:
        if not ID.fullmatch(self.station_id):
            raise ValueError(f"station_id {self.station_id!r} must be 1 to 64 of A-Z a-z 0-9 _ -")
        if self.broker:
            parse_broker_url(self.broker)
        if self.frames_in_flight < 1:
            raise ValueError(f"frames_in_flight is {self.frames_in_flight} and must be at least 1")
        if self.detection_threads < 0:
            raise ValueError(f"detection_threads is {self.detection_threads}; 0 takes one for each core")
        for name in ("quiet_run_s", "keep_batches_s"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name):g} and must be above 0")

    @property
    def threads(self) -> int:
        """Threads that search frames."""
        return self.detection_threads or os.cpu_count() or 1


def settings_from(path: Path | None, pfa: float | None, psf_sigma_px: float | None) -> Settings:
    """Return the settings of a file, or the defaults without one; what is given beside it counts more.

    Raises ConfigurationError for a file that cannot be used, ValueError for a value out of its range.
    """
    settings = read_toml(path, Settings) if path is not None else Settings()
    detection = settings.detection
    if pfa is not None:
        detection = replace(detection, pfa=pfa)
    if psf_sigma_px is not None:
        detection = replace(detection, psf_sigma_px=psf_sigma_px)
    return replace(settings, detection=detection)
