"""What is true in a run, as `plumewatch score` reads it, and what is true of each frame."""

import math
from collections.abc import Sequence
from typing import Any

from sat_emulator.scene.heat.emission import HeatSource
from sat_emulator.scene.heat.sources import heat_sources, threat_sources
from sat_emulator.sensor.detectability import Signal, View, first_detectable_unix_ns
from sat_emulator.sensor.source import EmulatedSource
from services.geometry.ellipsoid import itrs_to_geodetic
from services.geometry.time import NS_PER_S
from services.scenario.model import Scenario
from services.scenario.resolve import ResolvedSatellite, end_unix_ns, start_unix_ns

# Ratio from which a source counts as detectable: one false alarm in 1e9 pixels of Gaussian noise.
DETECTABLE_SNR = 6.0
# A place in space takes two lines of sight.
DETECTABLE_VIEWS = 2
# Frames that are looked at for the first on which a source is detectable: of threats all, up to an hour at 10 Hz; of
# other heat, of which there may be hundreds, some: all 240 of `fire_season` take 28 s of a core, 30 take 5.
THREAT_FRAMES = 36_000
HEAT_FRAMES = 30
TRACK_STEP_NS = NS_PER_S


def truth_records(scenario: Scenario, satellites: Sequence[ResolvedSatellite]) -> list[dict[str, Any]]:
    """Return one record an object: the threats, then other heat (class `static_heat`, even where it moves).

    What is nowhere during the run has none.

    satellites: the emulated ones. `track` goes from launch to the run's end, or to the end of the flight, at full
    seconds after launch; what stays in its place has its first and last instant. `first_detectable_unix_ns` is the end
    of read-out of the first frame on which two satellites (or the only one) have it at a ratio of 6 to noise and
    clutter by closed form; None where that never is. Of threats every frame is looked at, of other heat HEAT_FRAMES
    evenly over the run: the first of these, and None for what shines only between them.
    """
    if not satellites:
        return []
    sensor = satellites[0].sensor
    threats = threat_sources(scenario, sensor)
    heat = heat_sources(scenario, sensor)[len(threats) :]
    views = [View(EmulatedSource(scenario, satellite)) for satellite in satellites]
    needed = min(DETECTABLE_VIEWS, len(views))
    first = first_detectable_unix_ns(views, threats, DETECTABLE_SNR, needed, THREAT_FRAMES)
    first |= first_detectable_unix_ns(views, heat, DETECTABLE_SNR, needed, HEAT_FRAMES)
    start, end = start_unix_ns(scenario), end_unix_ns(scenario)
    flights = [(threat, threat.launch_unix_ns) for threat in threats]
    others = [(source, start) for source in heat]
    tracks = [(source, _track(source, begin, end)) for source, begin in (*flights, *others)]
    return [_record(source, track, first[source.id]) for source, track in tracks if track]


def frame_truth(view: View, sequence: int) -> dict[str, Any]:
    """Return what is on one frame: each source's pixel, ratios, intensity and place, fit for JSON.

    row, column: as the camera truly looked, pointing error included. radiant_intensity_w_per_sr: towards the
    satellite, before air and cloud; irradiance_w_per_m2: what arrives. snr: matched filter against noise alone; scnr:
    against noise and clutter. position_itrs_m: where the source was when the light left, in the axes of mid-exposure.
    """
    return {
        "satellite_id": view.source.satellite.id,
        "sequence": sequence,
        "time_unix_ns": view.source.mid_exposure_unix_ns(sequence),
        "objects": [_seen(signal) for signal in view.signals(sequence)],
    }


def _seen(signal: Signal) -> dict[str, Any]:
    spot = signal.spot
    return {
        "object_id": spot.source.id,
        "class": spot.source.truth_class,
        "row": round(spot.row, 4),
        "column": round(spot.column, 4),
        "snr": round(signal.snr, 3),
        "scnr": round(signal.scnr, 3),
        "radiant_intensity_w_per_sr": spot.light.radiant_intensity_w_per_sr,
        "irradiance_w_per_m2": spot.light.irradiance_w_per_m2 * spot.clear,
        "position_itrs_m": spot.light.position_itrs_m.tolist(),
    }


def _record(source: HeatSource, track: list[dict[str, Any]], first: int | None) -> dict[str, Any]:
    latitude, longitude, height = (float(part) for part in itrs_to_geodetic(track[0]["position_itrs_m"]))
    return {
        "object_id": source.id,
        "class": source.truth_class,
        "launch_time_unix_ns": track[0]["time_unix_ns"],
        "launch": {"latitude_deg": latitude, "longitude_deg": longitude, "height_m": height},
        "track": track,
        "first_detectable_unix_ns": first,
    }


def _track(source: HeatSource, begin_unix_ns: int, end_unix_ns: int) -> list[dict[str, Any]]:
    """Return where a source is, a second apart; of what does not move, where it is first and last.

    Empty where it is never there: an aircraft that has landed before the run, or takes off after it.
    """
    seconds = max(0, math.floor((end_unix_ns - begin_unix_ns) / NS_PER_S))
    instants = [begin_unix_ns + second * TRACK_STEP_NS for second in range(seconds + 1)]
    if end_unix_ns > instants[-1]:
        instants.append(end_unix_ns)
    places = [(instant, source.position_itrs_m(instant)) for instant in instants]
    track = [
        {"time_unix_ns": instant, "position_itrs_m": place.tolist()} for instant, place in places if place is not None
    ]
    if track and all(point["position_itrs_m"] == track[0]["position_itrs_m"] for point in track):
        return [track[0], track[-1]]
    return track
