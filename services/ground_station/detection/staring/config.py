"""How a staring camera's frames are searched."""

from dataclasses import dataclass

from services.ground_station.detection.staring.scene import LEARN_EVERY

# Beyond this rate the local maxima that are looked at no longer hold all points: too many are below the screen.
LARGEST_PFA = 1e-4


@dataclass(frozen=True)
class StaringConfig:
    """How a staring camera's successive frames are searched."""

    # False detections per pixel of noise: one in a frame of 1024 x 1024.
    pfa: float = 1e-6
    # Standard deviation of the point-spread function, pixels.
    psf_sigma_px: float = 0.6
    # Strongest detections kept.
    max_detections: int = 10_000
    # Frames after which a frame is learnt: a target of 0.2 px a frame has then left its place.
    delay_frames: int = 8
    # Every so many frames one is learnt by all, which is even; what is new in view learns from each second.
    learn_every: int = 4
    # Least share of a residual that is learnt: the background is the mean of some 32 frames.
    gain: float = 1.0 / 16.0
    # Looks from which a cell of the background can be searched.
    least_looks: int = 8
    # Residuals are learnt up to so many standard deviations: bright things do not become scenery at once.
    learn_clip: float = 5.0

    def __post_init__(self) -> None:
        if not 1e-15 <= self.pfa <= LARGEST_PFA:
            raise ValueError(
                f"pfa is {self.pfa:g}, not within 1e-15 to {LARGEST_PFA:g} false detections per pixel; search for more "
                "by the frame alone"
            )
        if not 0.3 <= self.psf_sigma_px <= 1.2:
            raise ValueError(f"psf_sigma_px is {self.psf_sigma_px:g}, not within 0.3 to 1.2 pixels")
        if not 1 <= self.max_detections <= 100_000:
            raise ValueError(f"max_detections is {self.max_detections}, not within 1 to 100000")
        if not LEARN_EVERY <= self.delay_frames <= 64:
            raise ValueError(f"delay_frames is {self.delay_frames}, not within 2 to 64")
        if not LEARN_EVERY <= self.learn_every <= self.delay_frames or self.learn_every % LEARN_EVERY:
            raise ValueError(f"learn_every is {self.learn_every}, not even and within 2 to delay_frames")
        if not 1.0 / 128.0 <= self.gain <= 0.5:
            raise ValueError(f"gain is {self.gain:g}, not within 1/128 to 1/2")
        if not 1 <= self.least_looks <= round(1.0 / self.gain):
            raise ValueError(f"least_looks is {self.least_looks}, not within 1 to 1 / gain")
        if not 1.0 <= self.learn_clip <= 100.0:
            raise ValueError(f"learn_clip is {self.learn_clip:g}, not within 1 to 100 standard deviations")
