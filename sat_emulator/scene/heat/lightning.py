"""A thunderstorm's flashes."""

import math

import numpy as np

from sat_emulator.scene.heat.emission import Emission, Float64, Look, TruthClass
from sat_emulator.scene.heat.scatter import random_place
from services.geometry.chance import seeded_generator
from services.geometry.ellipsoid import geodetic_to_itrs
from services.geometry.time import NS_PER_S
from services.scenario.model import Lightning, Scenario
from services.scenario.resolve import start_unix_ns

# How long a stroke's light takes to come out of the cloud, evenly: hundreds of microseconds, which the cloud
# widens (H. J. Christian et al., J. Geophys. Res. 94 (1989) 13,329).
FLASH_S = 1e-3
# Flashes are known from so long before the run's start to as long after its end: more than light takes to a satellite.
MARGIN_S = 1.0
# Standard deviation of the logarithm of energy: a factor of three either way.
ENERGY_SPREAD = math.log(3.0)
SECONDS_PER_MINUTE = 60.0


class Storm:
    """A thunderstorm: one source, whose flashes come at random instants and places within its radius.

    All flashes of the run are drawn when it is built, from the seed and the id alone, so that every satellite sees the
    same ones, in whatever order frames are asked for; a longer run begins with the flashes of a shorter one.
    """

    truth_class: TruthClass = "static_heat"

    def __init__(self, lightning: Lightning, scenario: Scenario) -> None:
        self.id = lightning.id
        self.place = lightning.place
        middle = geodetic_to_itrs(lightning.place.latitude_deg, lightning.place.longitude_deg, lightning.top_m)
        self._middle_itrs_m: Float64 = middle
        self._start_unix_ns = start_unix_ns(scenario)
        self._radius_m = lightning.radius_m
        self._top_m = lightning.top_m
        instants, places, energies = (
            seeded_generator(scenario.seed, f"{lightning.id} {what}") for what in ("instants", "places", "energies")
        )
        rate_per_s = lightning.flashes_per_minute / SECONDS_PER_MINUTE
        self.flash_starts_s = _instants(instants, rate_per_s, scenario.duration_s + 2 * MARGIN_S) - MARGIN_S
        count = len(self.flash_starts_s)
        self._places = places.uniform(size=(count, 2))
        # Log-normal with the stated mean.
        normal = energies.standard_normal(count)
        self.flash_energies_j_per_sr = lightning.energy_j_per_sr * np.exp(ENERGY_SPREAD * (normal - ENERGY_SPREAD / 2))

    def position_itrs_m(self, unix_ns: int) -> Float64:  # noqa: ARG002  # it does not move
        """Return the middle of the storm's top."""
        return self._middle_itrs_m

    def emission(self, look: Look) -> Emission | None:
        """Return the energy that falls into the exposure over its length; None where no flash does.

        Where several do, all of it comes from where the strongest is.
        """
        begin_s = (look.unix_ns - self._start_unix_ns) / NS_PER_S - look.exposure_s / 2
        end_s = begin_s + look.exposure_s
        first, last = np.searchsorted(self.flash_starts_s, [begin_s - FLASH_S, end_s])
        starts = self.flash_starts_s[first:last]
        share = (np.minimum(starts + FLASH_S, end_s) - np.maximum(starts, begin_s)) / FLASH_S
        energies = np.maximum(share, 0.0) * self.flash_energies_j_per_sr[first:last]
        total = float(energies.sum())
        if total <= 0:
            return None
        return Emission(self._flash_itrs_m(int(first + energies.argmax())), total / look.exposure_s)

    def _flash_itrs_m(self, index: int) -> Float64:
        place = random_place(self.place, self._radius_m, *self._places[index].tolist())
        return geodetic_to_itrs(place.latitude_deg, place.longitude_deg, self._top_m)


def _instants(generator: np.random.Generator, rate_per_s: float, until_s: float) -> Float64:
    """Return the instants of a Poisson process from 0 on, sorted."""
    if rate_per_s == 0:
        return np.empty(0)
    expected = rate_per_s * until_s
    # Seven standard deviations more than are expected: too few once in 1e11 runs.
    gaps = generator.exponential(1 / rate_per_s, size=math.ceil(expected + 7 * math.sqrt(expected) + 20))
    instants = np.cumsum(gaps)
    return instants[: np.searchsorted(instants, until_s)]
