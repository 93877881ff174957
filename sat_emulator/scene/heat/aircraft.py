"""An aircraft's engines."""

from sat_emulator.scene.flight.flight import Flight
from sat_emulator.scene.heat.emission import Emission, Float64, Look, TruthClass
from sat_emulator.scene.heat.underway import begin_unix_ns, position_underway
from services.scenario.model import Aircraft, Scenario


class AircraftSource:
    """An aircraft from its first way-point to its last, evenly bright."""

    truth_class: TruthClass = "static_heat"

    def __init__(self, aircraft: Aircraft, flight: Flight, scenario: Scenario) -> None:
        self.id = aircraft.id
        self._begin_unix_ns = begin_unix_ns(scenario, aircraft.start_time_s)
        self._flight = flight
        self._intensity_w_per_sr = aircraft.radiant_intensity_w_per_sr

    def position_itrs_m(self, unix_ns: int) -> Float64 | None:
        """Return where the aircraft is; None before its first way-point and after its last."""
        return position_underway(self._flight, self._begin_unix_ns, unix_ns)

    def emission(self, look: Look) -> Emission | None:
        """Return what its engines radiate."""
        position = self.position_itrs_m(look.unix_ns)
        return None if position is None else Emission(position, self._intensity_w_per_sr)
