"""A rocket's way from the pad to the ground, or into an orbit."""

import math

import numpy as np

from sat_emulator.scene.atmosphere import STANDARD_GRAVITY, air_pressure_pa
from sat_emulator.scene.flight.burn import Burn, burns
from sat_emulator.scene.flight.flight import Float64
from sat_emulator.scene.flight.forces import falling, norm, powered, split
from sat_emulator.scene.flight.glide import gliding, lift_carries
from sat_emulator.scene.flight.orbit_insertion import fly_burns, insertion
from sat_emulator.scene.flight.path import TOLERANCE, Path
from sat_emulator.scene.flight.steering import ascent
from services.geometry.ellipsoid import geodetic_to_itrs
from services.runtime.configuration import ConfigurationError
from services.scenario.model import Rocket

# While engines burn. Where the standard atmosphere's layers meet, its slopes jump, which the integrator's own estimate
# of error takes too lightly: without this bound, that cost 10 m over an intercontinental flight.
LONGEST_STEP_S = 2.0


class RocketFlight:
    """A `Flight`: engines first, then free fall, or a glide, until it meets the ellipsoid (or a pad below it).

    Integrated in ITRS with the Earth's turn: gravity with J2, drag in the standard atmosphere, thrust less the air's
    pressure on the nozzles (forces.py); steered as steering.py, orbit_insertion.py and glide.py say.
    """

    def __init__(self, rocket: Rocket, until_s: float, tolerance: float = TOLERANCE) -> None:
        """until_s: no later instant is asked for; what ends before ends earlier.

        Raises ConfigurationError for a rocket that cannot lift off, an orbit out of its reach, a glide that never
        begins, and values with which no motion can be integrated.
        """
        place = rocket.launch
        self.launch_itrs_m = geodetic_to_itrs(place.latitude_deg, place.longitude_deg, place.height_m)
        self._burns = burns(rocket)
        _check_lift_off(rocket, self._burns[0])
        state = np.concatenate([self.launch_itrs_m, np.zeros(3)])
        self._path = Path(0.0, state, min(place.height_m, 0.0), tolerance)
        try:
            self._fly(rocket, until_s)
        except ArithmeticError as error:
            raise ConfigurationError(
                f"rocket {rocket.id!r}",
                f"{error}; bring thrust_n, masses, drag areas and glide nearer to those of a `reference`",
            ) from error
        self._end_s = min(self._path.end_s, until_s)

    @property
    def burnout_s(self) -> float:
        """When the last engine stops, after launch."""
        return self._burns[-1].burnout_s

    @property
    def end_s(self) -> float:
        """When it meets the ground, or the last instant asked for, after launch."""
        return self._end_s

    def stage_at(self, time_s: float) -> int | None:
        """Return the index of the stage that burns; None where none does."""
        for index, burn in enumerate(self._burns):
            if burn.ignition_s <= time_s < burn.burnout_s:
                return index
        return None

    def state_itrs(self, time_s: float) -> tuple[Float64, Float64]:
        """Return position and velocity over the turning Earth, (3,) each, ITRS, m and m/s, `time_s` after launch.

        On the pad before launch; ValueError beyond the flight's end.
        """
        if time_s <= 0:
            return self.launch_itrs_m.copy(), np.zeros(3)
        if time_s > self._end_s + 1e-9:
            raise ValueError(f"{time_s:g} s is beyond the flight's end at {self._end_s:g} s")
        state = self._path.at(time_s)
        return state[:3], state[3:]

    def _fly(self, rocket: Rocket, until_s: float) -> None:
        if rocket.orbit_altitude_m is None:
            self._fly_burns(rocket, self._burns, until_s)
        else:
            self._fly_into_orbit(rocket)
        if self._path.end_s < until_s:
            self._fly_on(rocket, until_s)

    def _fly_burns(self, rocket: Rocket, burning: tuple[Burn, ...], until_s: float) -> None:
        phases = ascent(rocket)
        for burn in burning:
            coast = falling(burn.mass_kg, rocket.drag_area_m2)
            for end_s, engine in ((burn.ignition_s, False), (burn.burnout_s, True)):
                last_s = min(end_s, until_s)
                while self._path.end_s < last_s and not self._path.landed:
                    phase = phases[0]
                    motion = powered(burn, rocket.drag_area_m2, phase.direction) if engine else coast
                    last = min(last_s, phase.end_s)
                    if self._path.fly(motion, last, phase.until, LONGEST_STEP_S) or phase.end_s <= self._path.end_s:
                        phases.pop(0)

    def _fly_into_orbit(self, rocket: Rocket) -> None:
        # All of it, however soon the run ends: where the engine stops must not depend on that.
        if len(self._burns) < 2:
            raise ConfigurationError(
                f"rocket {rocket.id!r}", "has orbit_altitude_m and one stage; upper stages steer into orbit, so add one"
            )
        self._fly_burns(rocket, self._burns[:1], math.inf)
        if self._path.landed:
            raise ConfigurationError(
                f"rocket {rocket.id!r}",
                f"tips over and meets the ground after {self._path.end_s:.0f} s, with its first stage; lower kick_deg",
            )
        found = insertion(rocket, self._burns[1:], self._path.end_s, self._path.state)
        self._burns = (self._burns[0], *found.burns)
        fly_burns(self._path, found.burns, rocket, found.phase, LONGEST_STEP_S)

    def _fly_on(self, rocket: Rocket, until_s: float) -> None:
        mass = rocket.payload_mass_kg
        if rocket.glide is None:
            self._path.fly(falling(mass, rocket.payload_drag_area_m2 or rocket.drag_area_m2), until_s)
            return
        motion = gliding(mass, rocket.glide)
        if self._path.fly(motion, until_s, lift_carries(mass, rocket.glide)):
            self._path.fly(motion, until_s)
        elif self._path.landed:
            raise ConfigurationError(
                f"rocket {rocket.id!r}",
                f"its glide never begins: it meets the ground after {self._path.end_s:.0f} s at "
                f"{norm(split(self._path.state)[1]):.0f} m/s before its lift carries it; raise thrust_n or "
                "glide.drag_area_m2, or lower payload_mass_kg or kick_deg",
            )


def _check_lift_off(rocket: Rocket, burn: Burn) -> None:
    thrust_n = burn.thrust_n - air_pressure_pa(rocket.launch.height_m) * burn.nozzle_exit_area_m2
    weight_n = burn.mass_kg * STANDARD_GRAVITY
    if thrust_n <= weight_n:
        raise ConfigurationError(
            f"rocket {rocket.id!r}",
            f"its first stage's {thrust_n:.4g} N at the launch site cannot lift its weight of {weight_n:.4g} N; "
            "raise thrust_n or lower the masses",
        )
