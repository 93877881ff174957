"""What a run is, as its TOML file says it. Plain data: nothing here computes an orbit or draws a number.

Units are SI and names carry them; angles in files are degrees (`_deg`). Every default says why.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from services.scenario.model.checks import NAME, check_name, check_range
from services.scenario.model.earth import Absorber, Atmosphere, Background, Cloud
from services.scenario.model.heat import Aircraft, Fire, Flare, Glint, Lightning
from services.scenario.model.network import Downlink, Gateway, Network, PlannedFault
from services.scenario.model.place import Place
from services.scenario.model.sensor import Sensor
from services.scenario.model.space import Constellation, Pointing, Replay, Satellite, StateVector, Train, Walker
from services.scenario.model.threats import Cruise, Glide, PitchPoint, Rocket, Stage, TrajectoryFile

__all__ = [
    "NAME", "Absorber", "Aircraft", "Atmosphere", "Background", "Cloud", "Constellation", "Cruise", "Downlink", "Fire",
    "Flare", "Gateway", "Glide", "Glint", "Lightning", "Network", "PitchPoint", "Place", "PlannedFault", "Pointing",
    "Replay", "Rocket", "Satellite", "Scenario", "Sensor", "Stage", "StateVector", "Train", "TrajectoryFile", "Walker",
]  # fmt: skip


@dataclass(frozen=True)
class Scenario:
    """A run: who sees what, from when, for how long, and what is true."""

    name: str
    # Everything random comes from this seed.
    seed: int = 1
    start: datetime = datetime(2026, 6, 21, 12, 0, tzinfo=UTC)
    duration_s: float = 90.0
    # Emulated seconds a wall second.
    rate: float = 1.0
    # Where the train passes over in mid-run and cameras look. Left out: the middle of the launch sites.
    area: Place | None = None
    sensor: Sensor = field(default_factory=Sensor)
    background: Background = field(default_factory=Background)
    cloud: Cloud = field(default_factory=Cloud)
    atmosphere: Atmosphere = field(default_factory=Atmosphere)
    constellation: Constellation | None = None
    train: Train | None = None
    walker: Walker | None = None
    satellites: tuple[Satellite, ...] = field(default=(), metadata={"key": "satellite"})
    rockets: tuple[Rocket, ...] = field(default=(), metadata={"key": "rocket"})
    cruises: tuple[Cruise, ...] = field(default=(), metadata={"key": "cruise"})
    trajectories: tuple[TrajectoryFile, ...] = field(default=(), metadata={"key": "trajectory"})
    fires: tuple[Fire, ...] = field(default=(), metadata={"key": "fire"})
    flares: tuple[Flare, ...] = field(default=(), metadata={"key": "flare"})
    lightnings: tuple[Lightning, ...] = field(default=(), metadata={"key": "lightning"})
    aircraft: tuple[Aircraft, ...] = ()
    glints: tuple[Glint, ...] = field(default=(), metadata={"key": "glint"})
    downlink: Downlink = field(default_factory=Downlink)
    network: Network = field(default_factory=Network)
    station_id: str = "station-1"

    def __post_init__(self) -> None:
        check_name(self.name, "name")
        check_name(self.station_id, "station_id")
        check_range(self.duration_s, 1, 86_400, "duration_s")
        check_range(self.rate, 0.01, 1000, "rate")
        patterns = [name for name in ("constellation", "train", "walker") if getattr(self, name) is not None]
        if len(patterns) > 1:
            raise ValueError(f"[{patterns[0]}] and [{patterns[1]}] cannot both be set; keep one")
        if not patterns and not self.satellites:
            raise ValueError("no satellites: add [constellation], [train], [walker] or [[satellite]]")
        names = [item.id for item in (*self.satellites, *self.threats, *self.heat, *self.network.gateways)]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"id {doubled[0]!r} is used twice; every id must be its own")

    @property
    def threats(self) -> tuple[Rocket | Cruise | TrajectoryFile, ...]:
        """All that is to be warned of."""
        return (*self.rockets, *self.cruises, *self.trajectories)

    @property
    def heat(self) -> tuple[Fire | Flare | Lightning | Aircraft | Glint, ...]:
        """All heat that is no threat."""
        return (*self.fires, *self.flares, *self.lightnings, *self.aircraft, *self.glints)
