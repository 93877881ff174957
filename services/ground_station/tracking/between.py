"""What is done between instants: biases found out, crowds untangled, ascents fitted to all looks so far."""

import math

import numpy as np

from services.ground_station.tracking import following
from services.ground_station.tracking.ascent.fit import AscentFit
from services.ground_station.tracking.ascent.rays import BiasPrior
from services.ground_station.tracking.config import TrackingConfig
from services.ground_station.tracking.crowd import crowds
from services.ground_station.tracking.doubles import note_doubles
from services.ground_station.tracking.launches import Ascents
from services.ground_station.tracking.state import State

# Crowds are untangled so often, over looks of so long; for so long after, no fit of its own puts a track right, s.
UNTANGLE_S, UNTANGLED_S, CROWD_MEMORY_S = 2.0, 60.0, 6.0


class Between:
    """Does what is due before an instant, from all looks of the instants before."""

    def __init__(self, config: TrackingConfig, epoch_unix_ns: int) -> None:
        self.config = config
        self._ascents = Ascents(epoch_unix_ns)

    def work(self, state: State, time_s: float) -> None:
        """Bring the state up to what its looks say, before those of an instant."""
        config, sensors = self.config, state.sensors
        apart = note_doubles(state.tracks) if not sensors.biased else False
        sensors.find_bias(config.attitude_bias_sigma_rad, config.clock_bias_sigma_s, apart)
        if state.count:
            self._untangle(state, time_s)
            self._fit_ascents(state, time_s)
        if state.tracklet_count:
            self._fit_alone(state, time_s)

    def _untangle(self, state: State, time_s: float) -> None:
        """Share the looks of tracks that crowd out anew among them, now and then."""
        if time_s - state.untangled_s < UNTANGLE_S:
            return
        state.untangled_s = time_s
        tracks, pool = state.tracks, state.track_pool
        of = np.empty(len(tracks), dtype=np.int64)
        chance = self.config.detection_probability
        for number in range(crowds.crowds(tracks, pool.rays, of)):
            rows = np.flatnonzero(of == number)
            new_rows = pool.lend(len(rows), time_s)
            old_rows = tracks["history"][rows]
            densest = float(state.sensors.records["clutter_per_sr"][: len(state.sensors.names)].max())
            untangled = crowds.untangle_crowd(
                tracks,
                pool.rays,
                rows,
                time_s - UNTANGLED_S,
                math.log(chance / densest),
                math.log(1 - chance),
                new_rows,
            )
            pool.give_back(old_rows if untangled else new_rows, time_s)

    def _fit_ascents(self, state: State, time_s: float) -> None:
        """Fit what is due to all looks of the instants before."""
        rows = self._ascents.due(state.tracks, state.launches, time_s)
        if not rows:
            return
        launches = dict(state.launches)
        bias = self._bias_prior(state)
        for row in rows:
            record = state.tracks[row]
            serial = int(record["serial"])
            rays = state.track_pool.rays[record["history"]]
            found = self._ascents.fitted(record, rays, launches.get(serial), time_s, bias)
            launches[serial] = found
            fit = found.fit
            if bias is not None and fit is not None and len(fit.biases) and _burns(record, fit):
                state.sensors.learn_bias(fit.biases, fit.biases_covariance, bias.sigma[: len(fit.biases)])
            if fit is not None and _is_to_be_put_right(record, fit, time_s):
                following.put_right(
                    state.tracks[row : row + 1],
                    fit.at_s,
                    fit.state_itrs,
                    fit.covariance,
                    1.0 / fit.exhaust_m_per_s,
                    fit.exhaust_sigma_m_per_s / fit.exhaust_m_per_s**2,
                )
        state.launches = launches

    def _fit_alone(self, state: State, time_s: float) -> None:
        """Fit the ascent of a track that one satellite alone sees, if one is due."""
        row = self._ascents.due_alone(state.tracklets, state.launches, time_s)
        if row is None:
            return
        record = state.tracklets[row]
        serial = int(record["serial"])
        rays = state.tracklet_pool.rays[record["history"]]
        found = self._ascents.fitted_alone(record, rays, state.launches.get(serial), time_s)
        state.launches = {**state.launches, serial: found}

    def _bias_prior(self, state: State) -> BiasPrior | None:
        """Return what is known of the sensors' biases before any look; None where they show none."""
        if not state.sensors.biased:
            return None
        config = self.config
        return BiasPrior.of(len(state.sensors.names), config.attitude_bias_sigma_rad, config.clock_bias_sigma_s)


def _burns(record: np.void, fit: AscentFit) -> bool:
    """Return whether a track, not known to have burnt out, was seen under thrust or is no straight flyer by its looks.

    To an airliner's looks an ascent fits as well, with satellites that are biased by any amount.
    """
    return math.isnan(record["burnt_s"]) and (fit.outdoes_straight_flight or not math.isnan(record["boosting_s"]))


def _is_to_be_put_right(record: np.void, fit: AscentFit, time_s: float) -> bool:
    """Return whether a track is one that a fit to its looks puts right: alone, and burning."""
    crowded = time_s - record["crowded_s"] < CROWD_MEMORY_S
    return fit.is_fitting and _burns(record, fit) and not crowded
