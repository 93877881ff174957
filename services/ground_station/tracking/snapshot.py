"""What the tracker knows of one object after a look: plain data, as other rooms receive it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

TrackState = Literal["tentative", "confirmed", "ended"]
TargetClass = Literal["ballistic", "glide", "cruise", "space_launch", "static_heat", "unknown"]
TARGET_CLASSES: tuple[TargetClass, ...] = ("ballistic", "glide", "cruise", "space_launch", "static_heat", "unknown")


@dataclass(frozen=True)
class Kinematic:
    """Place and velocity relative to the rotating Earth, (3,) each, ITRS, metres and m/s; covariance (6, 6)."""

    position_itrs_m: Float64
    velocity_itrs_m_per_s: Float64
    covariance: Float64


@dataclass(frozen=True)
class ImagePlane:
    """Place on one satellite's focal plane, pixels, and its rate over the last looks."""

    satellite_id: str
    row: float
    column: float
    row_rate_px_per_s: float
    column_rate_px_per_s: float


@dataclass(frozen=True)
class Ellipse:
    """A 90 % ellipse on the ground; orientation of the major axis, clockwise from north."""

    semi_major_m: float
    semi_minor_m: float
    orientation_deg: float


@dataclass(frozen=True)
class LaunchEstimate:
    """Where and when it left the ground. heading: direction of flight, clockwise from north; None: not known yet."""

    time_unix_ns: int
    time_sigma_s: float
    latitude_deg: float
    longitude_deg: float
    height_m: float
    ellipse: Ellipse
    heading_deg: float | None = None
    heading_sigma_deg: float | None = None


@dataclass(frozen=True)
class Burnout:
    """When the plume went out, and the state then."""

    time_unix_ns: int
    kinematic: Kinematic


@dataclass(frozen=True)
class TrackDetection:
    """One look's part in a track: which frame of whom, and which detection of its list."""

    satellite_id: str
    sequence: int
    index: int


@dataclass(frozen=True)
class TrackSnapshot:
    """One track after a look.

    Exactly one of `kinematic` (known in space) and `image_plane` (known to one satellite) is set; a track that is
    promoted to space keeps its `track_id` and `event_id`.

    state: `confirmed` means decided: it is either heat that stays in its place (class static_heat) or it moves (any
    other class). Until then a track is tentative, however long it has been seen. So a confirmed track in space whose
    likeliest class is not static_heat is a threat.
    moving: it has been shown to move relative to the ground. Without geometry: relative to the image.
    geometry: motion refers to the ground; False: to the image alone (recorded imagery).
    event_id: from run, satellite, sequence and index of the founding detection; the same batches in the same order
    give the same.
    merged_into: event that goes on instead of this ended one; empty: none.
    time_unix_ns: what the state refers to; time of presence, the light's way removed.
    detections: what went into the newest update; empty: it coasted.
    snr: of the newest detection, 0 where it coasted.
    end_reason: one sentence; empty while it lives.
    refuted: why it is nothing to warn of after all, one sentence: no one object was there, or it flies as an airliner
    does; empty: it may be something.
    thrust_m_per_s2: specific force along its way while its engine burns; None: it does not, or it is not known.
    reach: corners (latitude, longitude), degrees, of the ground on which it may come down, in order, the ring left
    open; empty: the data supports none yet.
    time_left_s: from `time_unix_ns` until the soonest that it may come down; None: not known.
    """

    track_id: str
    event_id: str
    state: TrackState
    time_unix_ns: int
    class_probability: dict[TargetClass, float]
    satellite_ids: tuple[str, ...]
    hits: int
    first_seen_unix_ns: int
    kinematic: Kinematic | None = None
    image_plane: ImagePlane | None = None
    launch: LaunchEstimate | None = None
    burnout: Burnout | None = None
    snr: float = 0.0
    radiant_intensity_w_per_sr: float | None = None
    detections: tuple[TrackDetection, ...] = ()
    moving: bool = False
    geometry: bool = True
    merged_into: str = ""
    end_reason: str = ""
    refuted: str = ""
    thrust_m_per_s2: float | None = None
    reach: tuple[tuple[float, float], ...] = ()
    time_left_s: float | None = None

    @property
    def target_class(self) -> TargetClass:
        """The likeliest class."""
        return max(TARGET_CLASSES, key=lambda word: self.class_probability.get(word, 0.0))
