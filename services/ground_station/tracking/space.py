"""One track in space: its filter, its window of looks, and what has been decided about it."""

import math
from collections import deque

import numpy as np
from numpy.typing import NDArray

from services.ground_station.tracking import classify
from services.ground_station.tracking.boost_filter import BoostFilter, across_axes
from services.ground_station.tracking.config import TrackingConfig
from services.ground_station.tracking.fit import Fit
from services.ground_station.tracking.initiation import Founding
from services.ground_station.tracking.launch import EARLY_S, LaunchFit, estimate_launch, with_heading
from services.ground_station.tracking.look import LIGHT_M_PER_S, Look, seconds
from services.ground_station.tracking.measurement import Measurement, rays
from services.ground_station.tracking.motion import judge
from services.ground_station.tracking.snapshot import LaunchEstimate, TargetClass, TrackState

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

# One satellite's looks enter the window of judgement at most so often: their centroids err alike from look to look,
# and the window stays small at any frame rate.
WINDOW_STEP_S = 0.3
# What the filter keeps of its past, for satellites whose frames take a longer way.
FILTER_MEMORY_S = 15.0
# A decided track is judged again this often, static heat less often; an undecided one with every instant.
JUDGE_AGAIN_S = 1.0
JUDGE_STATIC_S = 2.0
JUDGE_STEP_S = 0.2
# Allowance in the gate for a centroid's wandering, pixels: wider for fires, which have shape.
WANDER_PX = 0.1
WANDER_STATIC_PX = 0.4
# First looks kept for the launch estimate.
MOST_FIRST_LOOKS = 240
# Velocity of what has been found to be at rest.
REST_SIGMA_M_PER_S = 10.0
# Looks that contradict one another for this long do not come from one object.
INCONSISTENT_S = 4.0


class SpaceTrack:
    """An object that several satellites see, or did."""

    def __init__(self, founding: Founding, config: TrackingConfig, epoch_unix_ns: int) -> None:
        oldest = min(founding.members, key=lambda member: (member.first_seen_unix_ns, member.identity))
        self.identity = oldest.identity
        self.first_seen_unix_ns = oldest.first_seen_unix_ns
        self.config = config
        self.epoch_unix_ns = epoch_unix_ns
        self.filter = _filter(founding.motion, config)
        self.window: deque[Measurement] = deque()
        self.first_looks: list[Measurement] = []
        # Looks with it in view: time, satellite, seen.
        self.views: deque[tuple[float, str, bool]] = deque()
        self.sensor_ids: list[str] = []
        self.hits = 0
        self.last_hit_s = -math.inf
        self.newest: list[Measurement] = []
        self.state: TrackState = "tentative"
        self.moving = False
        self.class_probability: dict[TargetClass, float] = dict(classify.UNDECIDED)
        self.launch_fit: LaunchFit | None = None
        self.launch: LaunchEstimate | None = None
        self.judged_s = -math.inf
        # Looks in a row in which another track took what it might have had, by that track's identity.
        self.rivals: dict[str, int] = {}
        self.inconsistent_since_s: float | None = None
        self.boosting_until_s: float | None = None
        for measured in founding.measurements:
            self._remember(measured)

    @property
    def founded_s(self) -> float:
        """Return the time of its first look."""
        return self.first_looks[0].time_s

    def gate(self, look: Look) -> tuple[Int64, Float64]:
        """Return detections of a look within the gate, and the cost of each: squared distance and volume."""
        if len(look) == 0:
            return np.empty(0, dtype=np.int64), np.empty(0)
        state, covariance = self.filter.at(self.presence_s(look))
        # Across the direction predicted: the origins differ by the Earth's turn while the light was on its way.
        ray = state[:3] - look.origin_itrs_m
        distances = np.linalg.norm(ray, axis=1)
        across = across_axes(ray[0] / distances[0])
        offset = (ray - distances[:, None] * look.los_itrs) @ across.T
        wander = WANDER_STATIC_PX if self.is_static else WANDER_PX
        noise = (look.sigma_rad**2 + (wander * look.pixel_rad) ** 2) * distances**2
        spread = (across @ covariance[:3, :3] @ across.T)[None, :, :] + noise[:, None, None] * np.eye(2)
        determinant = spread[:, 0, 0] * spread[:, 1, 1] - spread[:, 0, 1] ** 2
        squared = (
            spread[:, 1, 1] * offset[:, 0] ** 2
            - 2 * spread[:, 0, 1] * offset[:, 0] * offset[:, 1]
            + spread[:, 0, 0] * offset[:, 1] ** 2
        ) / determinant
        ahead = np.einsum("ij,ij->i", ray, look.los_itrs) > 0
        within = np.flatnonzero((squared <= self.config.gate_sigma**2) & ahead)
        return within, squared[within] + np.log(determinant[within])

    @property
    def is_static(self) -> bool:
        """Return whether it has been found to stay in its place."""
        return self.state == "confirmed" and not self.moving

    @property
    def is_threat(self) -> bool:
        """Return whether it has been found to move."""
        return self.state == "confirmed" and self.moving

    def add(self, measured: Measurement) -> None:
        """Take a detection in."""
        if self.newest and measured.time_s - self.newest[0].time_s > JUDGE_STEP_S / 2:
            self.newest = []
        self.newest.append(measured)
        self.filter.add(measured)
        self._remember(measured)
        self.views.append((measured.time_s, measured.sensor_id, True))

    def presence_s(self, look: Look) -> float:
        """Return when light must leave it to arrive with a look."""
        reception_s = seconds(look.time_unix_ns, self.epoch_unix_ns)
        state, _ = self.filter.at(reception_s)
        return reception_s - float(np.linalg.norm(state[:3] - look.position_itrs_m)) / LIGHT_M_PER_S

    def note_rivals(self, takers: list[str]) -> None:
        """Note who took the detections that it might have had in a look that gave it none."""
        self.rivals = {name: self.rivals.get(name, 0) + 1 for name in takers}

    def miss(self, sensor_id: str, time_s: float) -> None:
        """Note that a look with it in view did not see it."""
        self.views.append((time_s, sensor_id, False))

    def judge_now(self, now_s: float) -> None:
        """Decide, if it is time, what it is."""
        decided_s = JUDGE_STATIC_S if self.is_static else JUDGE_AGAIN_S
        wait = decided_s if self.state == "confirmed" else JUDGE_STEP_S
        if now_s - self.judged_s < wait:
            return
        self.judged_s = now_s
        while self.views and self.views[0][0] < now_s - self.config.window_s:
            self.views.popleft()
        looks = rays(self.window)
        state, _ = self.filter.at(self.last_hit_s)
        found = judge(looks, state[:3], self.hit_ratio(), self.config)
        if found.motion is not None and not found.consistent and not self.is_threat:
            self.inconsistent_since_s = self.inconsistent_since_s or now_s
        else:
            self.inconsistent_since_s = None
        awakens = not self.is_static or found.way_px > self.config.awaken_px
        if found.moving and awakens:
            if self.is_static and found.motion is not None:
                self.filter = _filter(found.motion, self.config)
            self.state, self.moving = "confirmed", True
        elif found.static:
            if not self.is_static:
                self.filter.rest(REST_SIGMA_M_PER_S)
            self.state, self.moving = "confirmed", False
            self.class_probability, self.launch_fit, self.launch = dict(classify.STATIC), None, None
        if self.is_threat:
            self._describe(found.motion)

    def hit_ratio(self) -> float:
        """Return which part of the looks saw it, of the satellites that have seen it at all, over the window."""
        seen = [hit for _, sensor_id, hit in self.views if sensor_id in self.sensor_ids]
        return sum(seen) / len(seen) if seen else 1.0

    def over(self, now_s: float) -> str:
        """Return why it has ended, one sentence; empty while it goes on."""
        unseen = now_s - self.last_hit_s
        if self.inconsistent_since_s is not None and now_s - self.inconsistent_since_s > INCONSISTENT_S:
            return "its looks do not belong to one object"
        if self.is_threat:
            coast = self.config.coast_moving_s
        else:
            coast = self.config.coast_static_s if self.is_static else self.config.coast_tentative_s
        if self.state == "tentative" and len(self.views) >= 12 and self.hit_ratio() < 0.35:
            return "most looks did not see it"
        if unseen <= coast:
            return ""
        missed = sum(time_s > self.last_hit_s and not hit for time_s, _, hit in self.views)
        if missed >= 3:
            return f"not seen for {unseen:.1f} s by cameras that had it in view"
        return "out of every camera's view" if unseen > 2 * coast else ""

    def burnout_s(self) -> float | None:
        """Return when its plume went out; None where it was not boosting, or left the view instead."""
        if (
            not self.is_threat
            or self.boosting_until_s is None
            or self.last_hit_s - self.boosting_until_s > JUDGE_AGAIN_S * 2
        ):
            return None
        missing = {sensor_id for time_s, sensor_id, hit in self.views if not hit and time_s > self.last_hit_s}
        if len(missing & set(self.sensor_ids)) < 2:
            return None
        first_miss = min(time_s for time_s, _, hit in self.views if not hit and time_s > self.last_hit_s)
        return (self.last_hit_s + first_miss) / 2

    def _remember(self, measured: Measurement) -> None:
        self.hits += 1
        self.last_hit_s = max(self.last_hit_s, measured.time_s)
        if measured.sensor_id not in self.sensor_ids:
            self.sensor_ids.append(measured.sensor_id)
        newest_of_sensor = next(
            (m.time_s for m in reversed(self.window) if m.sensor_id == measured.sensor_id), -math.inf
        )
        if measured.time_s - newest_of_sensor >= WINDOW_STEP_S:
            self.window.append(measured)
        while self.window and self.window[0].time_s < self.last_hit_s - self.config.window_s:
            self.window.popleft()
        if len(self.first_looks) < MOST_FIRST_LOOKS and (
            not self.first_looks or measured.time_s - self.first_looks[0].time_s <= EARLY_S
        ):
            self.first_looks.append(measured)

    def _describe(self, motion: Fit | None) -> None:
        """State class and launch of what moves."""
        state, covariance = self.filter.at(self.last_hit_s)
        mean_acceleration = motion.coefficients[2] if motion is not None else state[6:]
        seen = classify.features(state[:3], state[3:6], mean_acceleration, None)
        if seen.acceleration_m_per_s2 > 2.0:
            self.boosting_until_s = self.last_hit_s
        if self.launch_fit is None or self.last_hit_s <= self.founded_s + EARLY_S + 2 * JUDGE_AGAIN_S:
            self.launch_fit = estimate_launch(rays(self.first_looks), self.epoch_unix_ns)
        fit = self.launch_fit
        if fit is not None:
            self.launch = with_heading(fit.estimate, state[3:6], covariance[3:6, 3:6])
        lift_off = None if fit is None else (fit.lift_off_m_per_s2, fit.lift_off_sigma_m_per_s2)
        self.class_probability = classify.class_probability(
            classify.features(state[:3], state[3:6], mean_acceleration, lift_off)
        )


def _filter(motion: Fit, config: TrackingConfig) -> BoostFilter:
    scale = motion.scale
    return BoostFilter(
        motion.time_s, motion.coefficients.reshape(9), motion.covariance * scale, config.jerk_m_per_s3, FILTER_MEMORY_S
    )
