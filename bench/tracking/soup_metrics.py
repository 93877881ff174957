"""Stone Soup's own metrics of our and its tracks: GOSPA and SIAP, as its metricgenerator computes them."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from stonesoup.dataassociator.tracktotrack import TrackToTruth
from stonesoup.measures import Euclidean
from stonesoup.metricgenerator.manager import MultiManager
from stonesoup.metricgenerator.ospametric import GOSPAMetric
from stonesoup.metricgenerator.tracktotruthmetrics import SIAPMetrics
from stonesoup.types.groundtruth import GroundTruthPath, GroundTruthState
from stonesoup.types.state import State
from stonesoup.types.track import Track

from bench.tracking.bodies import Truth
from bench.tracking.tracks import CUTOFF_M, TrackTable

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  # Stone Soup's times have no zone
ORDER = 2
# Where positions and velocities are in the states that are compared.
PLACES, RATES = (0, 1, 2), (3, 4, 5)
SIAP = {
    "completeness": "SIAP Completeness",
    "ambiguity": "SIAP Ambiguity",
    "spuriousness": "SIAP Spuriousness",
    "position_accuracy_m": "SIAP Position Accuracy",
    "velocity_accuracy_m_per_s": "SIAP Velocity Accuracy",
    "track_number_changes_per_s": "SIAP Rate of Track Number Change",
    "longest_segment": "SIAP Longest Track Segment",
}


def metrics(
    tracks: Sequence[TrackTable], truths: Sequence[Truth], times_s: Sequence[float], period_s: float
) -> Mapping[str, Any]:
    """Return mean GOSPA (c = CUTOFF_M, p = 2) with its parts, and SIAP, over instants; confirmed tracks only.

    A track stands at an instant where its newest line puts it, moved on with that line's velocity to the instant of
    the truth. gospa_m: mean over the instants; localisation_m, missed and false: roots of the mean squared parts.
    """
    shown, true = _shown(tracks, times_s, period_s), _true(truths, times_s)
    gospa = GOSPAMetric(p=ORDER, c=CUTOFF_M, measure=Euclidean(PLACES))
    siap = SIAPMetrics(position_measure=Euclidean(PLACES), velocity_measure=Euclidean(RATES))
    associator = TrackToTruth(association_threshold=CUTOFF_M, measure=Euclidean(PLACES))
    manager = MultiManager([gospa, siap], associator=associator)
    manager.add_data({"tracks": shown, "groundtruth_paths": true})
    found = manager.generate_metrics()
    values = [each.value for each in found["gospa_generator"]["GOSPA Metrics"].value]
    parts = {
        name: float(np.sqrt(np.mean([value[name] for value in values]))) for name in ("localisation", "missed", "false")
    }
    return {
        "gospa_m": float(np.mean([value["distance"] for value in values])),
        **{f"gospa_{name}_m": part for name, part in parts.items()},
        **{name: float(found["siap_generator"][title].value) for name, title in SIAP.items()},
    }


def _shown(tracks: Sequence[TrackTable], times_s: Sequence[float], period_s: float) -> set[Track]:
    """Return the tracks; one that is not confirmed for a while is another after it: a track has a state throughout."""
    shown = set()
    for track in tracks:
        parts: list[list[State]] = [[]]
        for time_s in times_s:
            line = track.newest(time_s, period_s)
            if line is not None:
                velocity = track.velocity_itrs_m_per_s[line]
                place = track.position_itrs_m[line] + (time_s - track.time_s[line]) * velocity
                parts[-1].append(State(np.concatenate([place, velocity])[:, None], timestamp=_datetime(time_s)))
            elif parts[-1]:
                parts.append([])
        shown |= {Track(states, id=f"{track.track_id}/{part}") for part, states in enumerate(parts) if states}
    return shown


def _true(truths: Sequence[Truth], times_s: Sequence[float]) -> set[GroundTruthPath]:
    paths = set()
    for truth in truths:
        positions, velocities = truth.states(np.asarray(times_s, dtype=np.float64))
        states = [
            GroundTruthState(np.concatenate([place, velocity])[:, None], timestamp=_datetime(time_s))
            for time_s, place, velocity in zip(times_s, positions, velocities, strict=True)
        ]
        paths.add(GroundTruthPath(states, id=truth.object_id))
    return paths


def _datetime(time_s: float) -> datetime:
    return EPOCH + timedelta(seconds=time_s)
