"""When ascents are fitted, to which looks, and what is kept of them.

A fit of all looks since the launch takes milliseconds where a filter takes microseconds, so it is done once an instant
for a few tracks at a time, those first that have waited longest. It gives launch and heading, and puts the filter
right: an extended Kalman filter keeps what it took in with an early, poor idea of the motion; the fit takes all anew.
"""

import hashlib
import math
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from services.geometry.ellipsoid import itrs_to_geodetic
from services.ground_station.tracking.ascent import layout
from services.ground_station.tracking.ascent.fit import AscentFit, fit_ascent
from services.ground_station.tracking.ascent.rays import BiasPrior, Rays
from services.ground_station.tracking.bank.models import BOOST
from services.ground_station.tracking.following import LEAST_BOOSTING
from services.ground_station.tracking.histories import (
    TRACK_LOOKS,
    empty_window,
    everything,
    tracklet_everything,
)
from services.ground_station.tracking.records import CONFIRMED, MOVES
from services.ground_station.tracking.snapshot import Ellipse, LaunchEstimate

Float64 = NDArray[np.float64]
Records = NDArray[np.void]

# Chi-square with two degrees of freedom, 90 %: semi-axes in standard deviations.
NINETY_PERCENT = math.sqrt(-2 * math.log(0.1))
# Fits an instant: so many, or this share of the tracks that move.
FITS, FITS_SHARE = 4, 0.05
# A fit is due again after a second, later after this part of the time for which the track has been seen.
AGAIN_S, AGAIN_SHARE = 1.0, 0.02
# Of one satellite alone, s.
ALONE_AGAIN_S = 5.0
# A launch that is known so much worse than before is searched for anew.
WIDER = 1.3
# Fits are remembered: a tracker that goes back in time needs the last ones again.
REMEMBERED = 256
# A launch whose ellipse is longer than this is not known.
LONGEST_M = 2e5
STANDARD_GRAVITY = 9.80665


@dataclass(frozen=True)
class LaunchRecord:
    """What is known of one track's launch.

    fit: the newest one; None: none has succeeded. tried_s: when the newest was tried. estimate: None where the launch
    is not known; launch_s: its time. lift_off_m_per_s2: net acceleration then; None where not known; and its sigma.
    """

    fit: AscentFit | None
    tried_s: float
    estimate: LaunchEstimate | None = None
    launch_s: float = math.nan
    lift_off_m_per_s2: float | None = None
    lift_off_sigma_m_per_s2: float = 0.0


@dataclass
class Ascents:
    """Fits ascents, and remembers them by what went in."""

    epoch_unix_ns: int
    _memory: OrderedDict[bytes, AscentFit | None] = field(default_factory=OrderedDict)
    _scratch: tuple[NDArray[np.generic], ...] = field(default_factory=lambda: empty_window(TRACK_LOOKS))

    def due(self, tracks: Records, launches: Mapping[int, LaunchRecord], now_s: float) -> list[int]:
        """Return the rows of the tracks whose ascents are to be fitted now."""
        waiting = []
        # What flies level on wings has no ascent; what has burnt out had one.
        boosts = (tracks["probability"][:, BOOST] >= LEAST_BOOSTING) | np.isfinite(tracks["burnt_s"])
        moving = np.flatnonzero((tracks["motion"] == MOVES) & boosts)
        for row in moving.tolist():
            track = tracks[row]
            known = launches.get(int(track["serial"]))
            tried_s = known.tried_s if known is not None else -math.inf
            if not math.isnan(track["burnt_s"]) and tried_s >= track["burnt_s"]:
                continue
            if now_s - tried_s >= max(AGAIN_S, AGAIN_SHARE * (now_s - float(track["first_s"]))) - 1e-6:
                waiting.append((tried_s, int(track["serial"]), row))
        waiting.sort()
        return [row for _, _, row in waiting[: max(FITS, round(FITS_SHARE * len(moving)))]]

    def fitted(
        self, track: np.void, rays: Records, known: LaunchRecord | None, now_s: float, bias: BiasPrior | None
    ) -> LaunchRecord:
        """Return what a track's looks, a row of the histories, say of its launch; known: before."""
        lines = self._lines(everything, track, rays)
        # Up to the burnout, if there was one: what flies on without an engine tells nothing of the launch.
        at_s = float(track["last_hit_s"]) if math.isnan(track["burnt_s"]) else float(track["burnt_s"])
        before = known.fit if known is not None else None
        if bias is not None:
            # A sensor that has not seen it yet has no bias to be found.
            bias = BiasPrior(bias.mean[: lines.sensors], bias.sigma[: lines.sensors])
            if before is not None and len(before.biases) != lines.sensors:
                before = None
        fit = self._fit(lines, at_s, before, bias)
        if fit is not None and before is not None and _width_m(fit) > WIDER * _width_m(before):
            # More looks never know less: what was followed on has led astray.
            anew = self._fit(lines, at_s, None, bias)
            fit = anew if anew is not None and _width_m(anew) < _width_m(fit) else fit
        if fit is None:
            return LaunchRecord(before, now_s) if known is None else _tried(known, now_s)
        return self._record(fit, now_s)

    def due_alone(self, tracklets: Records, launches: Mapping[int, LaunchRecord], now_s: float) -> int | None:
        """Return the row of the track of one satellite whose ascent is to be fitted now; None: there is none.

        Such a fit takes a hundred times as long: it is made for what moves, one an instant, and again after seconds.
        """
        waiting = []
        for row in np.flatnonzero((tracklets["motion"] == MOVES) & (tracklets["state"] == CONFIRMED)).tolist():
            serial = int(tracklets["serial"][row])
            tried_s = launches[serial].tried_s if serial in launches else -math.inf
            if now_s - tried_s >= ALONE_AGAIN_S:
                waiting.append((tried_s, serial, row))
        return min(waiting)[2] if waiting else None

    def fitted_alone(self, tracklet: np.void, rays: Records, known: LaunchRecord | None, now_s: float) -> LaunchRecord:
        """Return what the looks of one satellite alone say of a launch: little, and honestly so."""
        lines = self._lines(tracklet_everything, tracklet, rays)
        fit = self._fit(lines, float(tracklet["last_hit_s"]), known.fit if known is not None else None, None)
        if fit is None:
            return LaunchRecord(None, now_s) if known is None else _tried(known, now_s)
        return self._record(fit, now_s)

    def _lines(self, read: Callable[..., int], record: np.void, rays: Records) -> Rays:
        time_s, origin, los, sigma, _, sensor = self._scratch
        count = read(rays, int(record["count"]), time_s, origin, los, sigma, sensor)
        return Rays(*(part[:count].copy() for part in (time_s, origin, los, sigma, sensor)))  # type: ignore[arg-type]

    def _fit(self, lines: Rays, at_s: float, before: AscentFit | None, bias: BiasPrior | None) -> AscentFit | None:
        key = hashlib.blake2b(digest_size=16)
        for part in (lines.time_s, lines.origin_itrs_m, lines.los_itrs, lines.sigma_rad, lines.sensor):
            key.update(part.tobytes())
        key.update(np.float64(at_s).tobytes())
        if before is not None:
            key.update(before.parameters.tobytes() + np.float64(before.at_s).tobytes())
        if bias is not None:
            key.update(bias.mean.tobytes() + bias.sigma.tobytes())
        name = key.digest()
        if name not in self._memory:
            self._memory[name] = fit_ascent(lines, at_s, start=before, bias=bias)
            while len(self._memory) > REMEMBERED:
                self._memory.popitem(last=False)
        return self._memory[name]

    def _record(self, fit: AscentFit, now_s: float) -> LaunchRecord:
        launch = fit.launch
        if math.isnan(launch.time_s):
            return LaunchRecord(fit, now_s)
        ellipse = ellipse_90(launch.covariance_m2)
        if ellipse.semi_major_m > LONGEST_M:
            return LaunchRecord(fit, now_s)
        latitude, longitude, height = (float(value) for value in itrs_to_geodetic(launch.itrs_m))
        known = not math.isnan(launch.heading_rad)
        estimate = LaunchEstimate(
            self.epoch_unix_ns + round(launch.time_s * 1e9),
            launch.time_sigma_s,
            latitude,
            longitude,
            height,
            ellipse,
            math.degrees(launch.heading_rad) % 360.0 if known else None,
            math.degrees(launch.heading_sigma_rad) if known else None,
        )
        return LaunchRecord(fit, now_s, estimate, launch.time_s, *_lift_off(fit))


def _width_m(fit: AscentFit) -> float:
    """Return how wide a launch is known; infinite where it is not."""
    trace = float(np.trace(fit.launch.covariance_m2))
    return math.sqrt(trace) if math.isfinite(trace) else math.inf


def _tried(known: LaunchRecord, now_s: float) -> LaunchRecord:
    return LaunchRecord(
        known.fit,
        now_s,
        known.estimate,
        known.launch_s,
        known.lift_off_m_per_s2,
        known.lift_off_sigma_m_per_s2,
    )


def _lift_off(fit: AscentFit) -> tuple[float | None, float]:
    """Return the net acceleration at lift-off and its standard deviation; None where the fit begins in flight."""
    best = fit.solutions[0]
    if not best.model.from_launch:
        return None, 0.0
    thrust = math.exp(best.parameters[layout.LOG_THRUST])
    sigma = thrust * math.sqrt(max(best.covariance[layout.LOG_THRUST, layout.LOG_THRUST], 0.0))
    return thrust * (1.0 - best.parameters[layout.NOZZLE]) - STANDARD_GRAVITY, sigma


def ellipse_90(covariance: Float64) -> Ellipse:
    """Return the 90 % ellipse of a (2, 2) covariance, east and north, square metres."""
    values, vectors = np.linalg.eigh(covariance)
    minor, major = np.sqrt(np.maximum(values, 0.0)).tolist()
    east, north = vectors[:, 1].tolist()
    return Ellipse(NINETY_PERCENT * major, NINETY_PERCENT * minor, math.degrees(math.atan2(east, north)) % 180.0)
