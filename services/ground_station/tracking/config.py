"""What the tracker is told: gates, noise floors, and what it takes to be believed."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TrackingConfig:
    """Defaults suit wide-field cameras with pixels of about a milliradian, looking a few times a second."""

    # Centroids are never believed to be better than this: the spot's true shape differs from the filter's, by an error
    # that stays the same from look to look while the source stays on its pixel.
    centroid_floor_px: float = 0.1
    # Where a detection states no variance.
    centroid_default_px: float = 0.3
    # Pointing error from look to look, per axis; the emulated default is 20 microradians.
    jitter_rad: float = 2.5e-5

    # Attitude (per axis) and clock of a satellite may be off by so much for a whole run; found out, and taken off,
    # where its detections lie farther from their tracks than their own errors explain.
    attitude_bias_sigma_rad: float = 2e-4
    clock_bias_sigma_s: float = 0.02

    # Gates, in standard deviations of the distance; 4 lets 3 of 10,000 true ones go.
    gate_sigma: float = 4.0
    # Detections beyond this many a look are left to the tracks that exist; the strongest may found new ones.
    most_detections: int = 1000
    # Tracks one satellite may hold by itself.
    most_plane_tracks: int = 1000

    # Speed over the ground that a newborn track may have, standard deviation per axis.
    plane_speed_sigma_m_per_s: float = 1500.0
    # Apparent acceleration that such a track may show.
    plane_acceleration_m_per_s2: float = 40.0
    # The same on images without geometry.
    image_speed_sigma_px_per_s: float = 15.0
    # Recording cameras shake by about a pixel from frame to frame at 10 Hz, and a target with them. On six recorded
    # sequences 20 px/s^2 lost half of the targets' tracks at such a jerk; from 120 on nothing is gained.
    image_acceleration_px_per_s2: float = 150.0
    # Looks that see it before a track of one satellite is announced and may be joined with another satellite's.
    plane_hits: int = 3
    # Successive looks without it after which such a track ends: young, and grown.
    plane_misses_young: int = 2
    plane_misses: int = 5

    # Acceleration that a track's motion may have where it is weighed, standard deviation per axis.
    acceleration_sigma_m_per_s2: float = 30.0
    # Chance that a look with a track in view sees it.
    detection_probability: float = 0.95
    # Log likelihood ratio, of one object against as many unrelated points of clutter at the measured density, at which
    # a track in space is confirmed, and at which a tentative one is dropped. At fifty points a look some hundred
    # ghosts a minute reach 20; three satellites that see one object twice reach 40.
    confirm_score: float = 30.0
    drop_score: float = -6.0
    # Looks that a track of one satellite needs to be joined with that of one other alone.
    pair_hits: int = 2
    # How late a look may come and still be taken in its place, seconds; later ones are refused. Less where the looks
    # since then would take more memory than the tracker holds.
    reorder_s: float = 5.0
    # Memory of a track in space, over which motion is judged.
    window_s: float = 20.0
    # Time unseen, with a camera on it, after which a track in space ends: moving, static, undecided.
    coast_moving_s: float = 6.0
    coast_static_s: float = 20.0
    coast_tentative_s: float = 2.5
    # Once its plume has gone out it flies on, seen or not; so long is it followed.
    coast_burnt_s: float = 300.0

    # What it takes to say that something moves. All must hold.
    # Improvement of chi-square of the moving over every unmoving explanation: 36 is 6 sigma.
    moving_chi2: float = 36.0
    # How far it has risen, in pixels of the finest camera that sees it: more than a wandering centroid feigns.
    moving_px: float = 0.6
    # How far it has travelled, where it does not rise.
    travelling_px: float = 4.0
    # Heat that was found to stay has to go this far to be doubted.
    awaken_px: float = 1.2
    # It rises this fast, above cloud in an updraught, or it travels this fast, above cloud in a jet stream.
    rising_m_per_s: float = 40.0
    travelling_m_per_s: float = 150.0
    # One satellite alone sees height as motion: cloud seems to go up to a hundred m/s, an airliner 330. What is faster
    # than this is neither.
    plane_moving_m_per_s: float = 450.0
    # Seconds and looks before anything is decided.
    decide_s: float = 3.0
    decide_hits: int = 10
    # Two satellites alone: ghosts of two unrelated sources live longer than with three.
    decide_two_satellites_s: float = 12.0
    # Part of the looks with it in view that must have seen it.
    hit_ratio: float = 0.6
    # Chi-square per degree of freedom above which a track's looks do not belong together.
    consistent_chi2: float = 3.0
    # Static: slower than this with three standard deviations added, over at least so long.
    static_m_per_s: float = 60.0
    static_s: float = 10.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if name == "drop_score":
                if not value < 0:
                    raise ValueError(f"tracking: drop_score is {value:g} and must be below 0")
            elif not value > 0:
                raise ValueError(f"tracking: {name} is {value:g} and must be above 0")
        if self.detection_probability >= 1:
            raise ValueError(f"tracking: detection_probability is {self.detection_probability:g} and must be below 1")
