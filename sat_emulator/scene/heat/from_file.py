"""What flies as a file says."""

from typing import Protocol

from sat_emulator.scene.flicker import Flicker
from sat_emulator.scene.flight.flight import Flight
from sat_emulator.scene.heat.emission import Emission, Float64, Look, TruthClass
from sat_emulator.scene.heat.plume import PLUME_FLICKER, PLUME_FLICKER_S
from sat_emulator.scene.heat.underway import begin_unix_ns, position_underway, since_launch_s
from sat_emulator.scene.signature import thin_air_factor
from services.geometry.ellipsoid import itrs_to_geodetic
from services.scenario.model import Place, Scenario, TrajectoryFile


class BrightFlight(Flight, Protocol):
    """A flight that may know how bright it is, as `FileFlight`."""

    def radiant_intensity_w_per_sr(self, time_s: float) -> float | None:
        """Return W/sr in the band before the air; None where it does not know."""


class RecordedFlight:
    """A trajectory file's rocket: as bright as the file says, else as the scenario does while it burns."""

    def __init__(self, trajectory: TrajectoryFile, flight: BrightFlight, scenario: Scenario) -> None:
        self.id = trajectory.id
        self.truth_class: TruthClass = trajectory.target_class
        self.launch_unix_ns = begin_unix_ns(scenario, trajectory.launch_time_s)
        self.flight = flight
        self.launch = trajectory.launch or _place(flight.state_itrs(0.0)[0])
        self._steady_w_per_sr = trajectory.radiant_intensity_w_per_sr
        self._flicker = Flicker(scenario.seed, trajectory.id, PLUME_FLICKER, PLUME_FLICKER_S)

    def position_itrs_m(self, unix_ns: int) -> Float64 | None:
        """Return where it is; None before launch and after the file's last row."""
        return position_underway(self.flight, self.launch_unix_ns, unix_ns)

    def emission(self, look: Look) -> Emission | None:
        """Return what it radiates: the file's value as it is, else the scenario's for the thin air and with flicker."""
        since_s = since_launch_s(self.flight, self.launch_unix_ns, look.unix_ns)
        if since_s is None:
            return None
        position = self.flight.state_itrs(since_s)[0]
        intensity = self.flight.radiant_intensity_w_per_sr(since_s)
        if intensity is None:
            burns = self.flight.stage_at(since_s) is not None
            steady = self._steady_w_per_sr if burns else 0.0
            intensity = steady * thin_air_factor(float(itrs_to_geodetic(position)[2])) * self._flicker.at(since_s)
        return Emission(position, intensity) if intensity > 0 else None


def _place(position_itrs_m: Float64) -> Place:
    latitude, longitude, height = itrs_to_geodetic(position_itrs_m)
    return Place(float(latitude), float(longitude), float(height))
