"""What is true in a run, as `plumewatch score` reads it."""

import math
from collections.abc import Sequence
from typing import Any

from sat_emulator.scene.sources import HeatSource, Plume, Wildfire, plumes, wildfires
from sat_emulator.sensor.detectability import View, first_detectable
from sat_emulator.sensor.source import EmulatedSource
from services.geometry.time import NS_PER_S
from services.scenario.model import Place, Scenario
from services.scenario.resolve import ResolvedSatellite, end_unix_ns, start_unix_ns

# Ratio from which a source counts as detectable: one false alarm in 1e9 pixels of Gaussian noise.
DETECTABLE_SNR = 6.0
# A place in space takes two lines of sight.
DETECTABLE_VIEWS = 2
TRACK_STEP_NS = NS_PER_S


def truth_records(scenario: Scenario, satellites: Sequence[ResolvedSatellite]) -> list[dict[str, Any]]:
    """Return one record an object: the rockets, then the fires (class `static_heat`).

    satellites: the emulated ones. `track` goes from launch to the run's end, or to where the rocket meets the ground,
    at full seconds after launch. `first_detectable_unix_ns` is the end of read-out of the first frame on which two
    satellites (or the only one) have it at a signal-to-noise ratio of 6 by closed form; None where that never is.
    """
    views = [View(EmulatedSource(scenario, satellite)) for satellite in satellites]
    return [
        *(_record(plume, plume.rocket.target_class, plume.rocket.launch, _flight(plume, scenario), views)
          for plume in plumes(scenario)),
        *(_record(fire, "static_heat", fire.fire.place, _rest(fire, scenario), views)
          for fire in wildfires(scenario)),
    ]  # fmt: skip


def _record(
    target: HeatSource, word: str, place: Place, track: list[dict[str, Any]], views: Sequence[View]
) -> dict[str, Any]:
    sequence = first_detectable(views, target, DETECTABLE_SNR, min(DETECTABLE_VIEWS, len(views))) if views else None
    return {
        "object_id": target.id,
        "class": word,
        "launch_time_unix_ns": track[0]["time_unix_ns"],
        "launch": {
            "latitude_deg": place.latitude_deg,
            "longitude_deg": place.longitude_deg,
            "height_m": place.height_m,
        },
        "track": track,
        "first_detectable_unix_ns": None if sequence is None else views[0].source.readout_end_unix_ns(sequence),
    }


def _flight(plume: Plume, scenario: Scenario) -> list[dict[str, Any]]:
    last_s = min(plume.trajectory.end_s, max(0.0, (end_unix_ns(scenario) - plume.launch_unix_ns) / NS_PER_S))
    seconds = [float(second) for second in range(math.floor(last_s) + 1)]
    if last_s > seconds[-1]:
        seconds.append(last_s)
    return [
        {
            "time_unix_ns": plume.launch_unix_ns + round(second * NS_PER_S),
            "position_itrs_m": plume.trajectory.state_itrs(second)[0].tolist(),
        }
        for second in seconds
    ]


def _rest(fire: Wildfire, scenario: Scenario) -> list[dict[str, Any]]:
    position = fire.position_itrs_m.tolist()
    return [
        {"time_unix_ns": instant, "position_itrs_m": position}
        for instant in (start_unix_ns(scenario), end_unix_ns(scenario))
    ]
