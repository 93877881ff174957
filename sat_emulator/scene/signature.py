"""How bright exhaust and heated skin are in a band, before the air takes its part."""

import math

from sat_emulator.scene.atmosphere import GAS_CONSTANT, air_density_kg_per_m3, air_temperature_k
from sat_emulator.scene.radiance import STEFAN_BOLTZMANN, band_radiance_w_per_m2_sr
from services.scenario.model import Sensor, Stage
from services.scenario.references import reference_sensor

# Intensity over thrust in the named bands, W/sr per newton, near the ground where exhaust burns on with the air. Orders
# of magnitude, not one rocket's measurement: boosters of 1 to 2 MN shine with some 1e6 W/sr in the middle infrared
# (F. S. Simmons, "Rocket Exhaust Plume Phenomenology", Aerospace Press (2000); D. K. Barton et al., "Boost-phase
# intercept systems for national missile defense", Rev. Mod. Phys. 76 (2004) S1). Gas shines in the bands of water and
# carbon dioxide and little between them; solid propellants' alumina adds a grey continuum (Simmons; G. P. Sutton and
# O. Biblarz, "Rocket Propulsion Elements", the chapter on exhaust plumes).
SPECIFIC_INTENSITY_W_PER_SR_N = {
    "liquid": {"2.7um": 0.36, "3.8um": 0.05, "4.3um": 0.6},
    "solid": {"2.7um": 0.5, "3.8um": 0.3, "4.3um": 0.7},
}
# Where a sensor's edges are not those of its band's name, Planck's law at this temperature scales between the two: hot
# gas that mixes with air (Simmons, 1,500 to 2,500 K), and molten alumina near its melting point, 2,327 K.
PLUME_TEMPERATURE_K = {"liquid": 2000.0, "solid": 2300.0}
# Burning of the exhaust with the air around it dies out as the air thins, at 40 to 50 km, and a plume loses more than
# half of its light (Simmons). Heights and widths in metres.
AFTERBURNING_ENDS_M = 45_000.0
AFTERBURNING_WIDTH_M = 5_000.0
AFTERBURNING_SHARE = 0.6
# Far above, exhaust spreads and cools before it has radiated: of what is left another half goes. How much depends on
# the engine; Simmons shows the trend.
SPREADING_M = 90_000.0
SPREADING_WIDTH_M = 10_000.0
SPREADING_SHARE = 0.5
# Pressure in the chamber rises and falls within a few tenths of a second.
RISE_S = 0.1
TAIL_OFF_S = 0.15
# A solid grain burns a little more slowly towards its end: from so much over its mean to so much below.
SOLID_DECAY = 0.08

# Heat at the stagnation point in air, kg^0.5/m; K. Sutton and R. A. Graves, NASA TR R-376 (1971), in SI.
SUTTON_GRAVES = 1.7415e-4
# What of it the skin behind the nose takes on the mean. Chosen so that a glider's skin comes out at 1,200 to 1,600 K,
# as gliders' are put in open literature (C. L. Tracy and D. Wright, Science & Global Security 28 (2020) 135).
SKIN_SHARE = 0.03
# Part of the speed's energy that a turbulent boundary layer keeps at the wall: Prandtl's number to the third root.
RECOVERY_FACTOR = 0.89
HEAT_CAPACITY_RATIO = 1.4
# Temperatures are solved for to so many kelvin, by at most so many of Newton's steps.
SOLVED_K = 1e-3
MOST_STEPS = 40


def stage_intensity_w_per_sr(stage: Stage, sensor: Sensor) -> float:
    """Return a stage's steady plume near the ground in a sensor's band: what the stage says, else by its thrust."""
    if stage.radiant_intensity_w_per_sr is not None:
        return stage.radiant_intensity_w_per_sr
    return stage.thrust_n * specific_intensity_w_per_sr_n(stage.propellant, sensor)


def specific_intensity_w_per_sr_n(propellant: str, sensor: Sensor) -> float:
    """Return plume intensity over thrust near the ground, "liquid" or "solid", in a sensor's band."""
    named = reference_sensor(band=sensor.band)
    temperature = PLUME_TEMPERATURE_K[propellant]
    inside = float(band_radiance_w_per_m2_sr(temperature, sensor.band_lower_m, sensor.band_upper_m))
    whole = float(band_radiance_w_per_m2_sr(temperature, named.band_lower_m, named.band_upper_m))
    return SPECIFIC_INTENSITY_W_PER_SR_N[propellant][sensor.band] * inside / whole


def burn_shape(propellant: str, since_ignition_s: float, burn_time_s: float) -> float:
    """Return a burning plume's intensity over its steady one; 0 before ignition and from burnout on."""
    left_s = burn_time_s - since_ignition_s
    if since_ignition_s <= 0 or left_s <= 0:
        return 0.0
    decay = 1 + SOLID_DECAY * (1 - 2 * since_ignition_s / burn_time_s) if propellant == "solid" else 1.0
    return -math.expm1(-since_ignition_s / RISE_S) * -math.expm1(-left_s / TAIL_OFF_S) * decay


def thin_air_factor(height_m: float) -> float:
    """Return a plume's intensity at a height over that near the ground: it falls to 0.4 above 45 km, 0.2 in space."""
    burning = 1 - AFTERBURNING_SHARE * _above(height_m, AFTERBURNING_ENDS_M, AFTERBURNING_WIDTH_M)
    return burning * (1 - SPREADING_SHARE * _above(height_m, SPREADING_M, SPREADING_WIDTH_M))


def grey_intensity_w_per_sr(temperature_k: float, emissivity: float, area_m2: float, sensor: Sensor) -> float:
    """Return the intensity in a sensor's band of a hot surface; area_m2: as seen from the satellite."""
    radiance = band_radiance_w_per_m2_sr(temperature_k, sensor.band_lower_m, sensor.band_upper_m)
    return float(radiance) * emissivity * area_m2


def stagnation_flux_w_per_m2(height_m: float, speed_m_per_s: float, nose_radius_m: float) -> float:
    """Return the heat that flows into a cold nose at its foremost point, W/m^2 (Sutton and Graves 1971)."""
    return SUTTON_GRAVES * math.sqrt(air_density_kg_per_m3(height_m) / nose_radius_m) * math.pow(speed_m_per_s, 3)


def recovery_temperature_k(height_m: float, speed_m_per_s: float) -> float:
    """Return the temperature of a wall that neither gives nor takes heat: T_air (1 + 0.89 * 0.2 M^2)."""
    air_k = air_temperature_k(height_m)
    mach2 = speed_m_per_s**2 / (HEAT_CAPACITY_RATIO * GAS_CONSTANT * air_k)
    return air_k * (1 + RECOVERY_FACTOR * (HEAT_CAPACITY_RATIO - 1) / 2 * mach2)


def skin_temperature_k(height_m: float, speed_m_per_s: float, nose_radius_m: float, emissivity: float) -> float:
    """Return the mean temperature of the skin of what flies at a height and speed, radiation balancing heat.

    Heat flows in proportion to what the wall still lacks of the recovery temperature, so that the result goes to that
    in dense air and at low speed, and to radiative equilibrium with the skin's share of Sutton and Graves' flux where
    that is far higher. How long the skin takes to warm is left out.
    """
    air_k = air_temperature_k(height_m)
    lacking_k = recovery_temperature_k(height_m, speed_m_per_s) - air_k
    flux = SKIN_SHARE * stagnation_flux_w_per_m2(height_m, speed_m_per_s, nose_radius_m)
    if lacking_k <= SOLVED_K or flux <= 0:
        return air_k
    radiates = emissivity * STEFAN_BOLTZMANN
    # The balance is convex and rises with temperature: from either upper limit Newton's steps come down on it.
    skin_k = min(air_k + lacking_k, math.pow(flux / radiates + air_k**4, 0.25))
    for _ in range(MOST_STEPS):
        balance = radiates * (skin_k**4 - air_k**4) - flux * (1 - (skin_k - air_k) / lacking_k)
        step_k = balance / (4 * radiates * skin_k**3 + flux / lacking_k)
        skin_k -= step_k
        if abs(step_k) < SOLVED_K:
            break
    return skin_k


def _above(height_m: float, middle_m: float, width_m: float) -> float:
    """Return 0 well below a height and 1 well above it."""
    return 1 / (1 + math.exp(min((middle_m - height_m) / width_m, 50.0)))
