"""Whether what a band's name stands for holds between a sensor's edges."""

from services.runtime.configuration import ConfigurationError
from services.scenario.model import Scenario, Sensor
from services.scenario.references import reference_sensor


def check_edges(scenario: Scenario, sensor: Sensor, where: str) -> None:
    """Raise ConfigurationError for edges that the named band has no part in, unless nothing is taken from its name.

    From the name come the air's absorption, plumes' strength by thrust, and cloud's reflectance.
    """
    named = reference_sensor(band=sensor.band)
    if sensor.band_lower_m < named.band_upper_m and named.band_lower_m < sensor.band_upper_m:
        return
    stages = [stage for rocket in scenario.rockets for stage in rocket.stages]
    lacking = [
        key
        for key, lacks in (
            ("[[atmosphere.absorbers]]", not scenario.atmosphere.absorbers),
            ("radiant_intensity_w_per_sr of each stage", any(s.radiant_intensity_w_per_sr is None for s in stages)),
            ("cloud.reflectance", scenario.cloud.cover > 0 and scenario.cloud.reflectance is None),
        )
        if lacks
    ]
    if lacking:
        raise ConfigurationError(
            where,
            f"band_lower_m = {sensor.band_lower_m:g} and band_upper_m = {sensor.band_upper_m:g} have no part in "
            f"band = {sensor.band!r}, {named.band_lower_m:g} to {named.band_upper_m:g}, whose air and plumes they "
            f"would be given; set {', '.join(lacking)}, or edges within that band",
        )
