"""Gas flares and factories, which stay where they are."""

from dataclasses import dataclass

from sat_emulator.scene.flicker import Flicker
from sat_emulator.scene.heat.emission import Emission, Float64, Look, TruthClass
from sat_emulator.scene.heat.scatter import Strewn, strewn
from sat_emulator.scene.signature import grey_intensity_w_per_sr
from services.geometry.ellipsoid import geodetic_to_itrs
from services.geometry.time import NS_PER_S
from services.scenario.model import Flare, Scenario, Sensor
from services.scenario.resolve import start_unix_ns

FLARE_FLICKER_S = 1.0


@dataclass(frozen=True)
class Kind:
    """What one of a kind is: a black surface at a temperature, and how much it wavers over its mean."""

    temperature_k: float
    area_m2: float
    flicker: float


KINDS = {
    # 3 MW of radiation, a middling flare's; C. D. Elvidge et al., "VIIRS Nightfire", Remote Sens. 5 (2013) 4423, find
    # temperatures round 1,800 K and areas of square metres.
    "gas_flare": Kind(1800.0, 5.0, 0.03),
    # 0.75 MW of radiation from slag, ladles and the mouths of furnaces, cooler than flames.
    "factory": Kind(900.0, 20.0, 0.01),
}


class FlareSource:
    """One flare or factory in one sensor's band."""

    truth_class: TruthClass = "static_heat"

    def __init__(self, flare: Flare, one: Strewn, scenario: Scenario, sensor: Sensor) -> None:
        self.id = one.id
        self.place = one.place
        self._start_unix_ns = start_unix_ns(scenario)
        self._position_itrs_m = geodetic_to_itrs(one.place.latitude_deg, one.place.longitude_deg, one.place.height_m)
        kind = KINDS[flare.kind]
        intensity = flare.radiant_intensity_w_per_sr
        if intensity is None:
            intensity = grey_intensity_w_per_sr(kind.temperature_k, 1.0, kind.area_m2, sensor)
        self._mean_w_per_sr = intensity * one.strength
        self._flicker = Flicker(scenario.seed, one.id, kind.flicker, FLARE_FLICKER_S)

    def position_itrs_m(self, unix_ns: int) -> Float64:  # noqa: ARG002  # it does not move
        """Return where it is."""
        return self._position_itrs_m

    def emission(self, look: Look) -> Emission:
        """Return what it radiates."""
        since_s = (look.unix_ns - self._start_unix_ns) / NS_PER_S
        return Emission(self._position_itrs_m, self._mean_w_per_sr * self._flicker.at(since_s))


def flares(flare: Flare, scenario: Scenario, sensor: Sensor) -> list[FlareSource]:
    """Return a scenario's flare, or all of them where it counts many."""
    return [FlareSource(flare, one, scenario, sensor) for one in strewn(flare, scenario.seed)]
