"""When a rocket's engines burn, and what it weighs meanwhile."""

from dataclasses import dataclass

from services.runtime.configuration import ConfigurationError
from services.scenario.model import Rocket


@dataclass(frozen=True)
class Burn:
    """One stage's time: from ignition to burnout, both after launch; mass at ignition and what flows out."""

    ignition_s: float
    burnout_s: float
    # In vacuum.
    thrust_n: float
    nozzle_exit_area_m2: float
    mass_kg: float
    flow_kg_per_s: float

    def mass_at(self, time_s: float) -> float:
        """Return the mass of all that flies at a time after ignition."""
        return self.mass_kg - self.flow_kg_per_s * (time_s - self.ignition_s)


def burns(rocket: Rocket) -> tuple[Burn, ...]:
    """Return the burns of its stages in order, each to the end of its propellant.

    Raises ConfigurationError for a first stage that does not ignite at launch.
    """
    if rocket.stages[0].coast_s > 0:
        raise ConfigurationError(
            f"rocket {rocket.id!r}",
            f"its first stage has coast_s = {rocket.stages[0].coast_s:g} but ignites at launch; raise launch_time_s",
        )
    mass = rocket.payload_mass_kg + sum(stage.propellant_mass_kg + stage.dry_mass_kg for stage in rocket.stages)
    found, ignition = [], 0.0
    for stage in rocket.stages:
        ignition += stage.coast_s
        burnout = ignition + stage.burn_time_s
        flow = stage.propellant_mass_kg / stage.burn_time_s
        found.append(Burn(ignition, burnout, stage.thrust_n, stage.nozzle_exit_area_m2, mass, flow))
        mass -= stage.propellant_mass_kg + stage.dry_mass_kg
        ignition = burnout
    return tuple(found)
