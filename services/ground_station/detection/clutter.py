"""Which hot points of a cluttered picture to believe.

Clutter is not Gaussian, and how strong its points are differs from picture to picture far more than within one. The
strongest point of a picture tells which kind it is: a score of signal-to-noise ratio over the root of the strongest
one's lies between trusting the threshold (a clear sky) and taking the strongest alone (a town).
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from services.ground_station.detection_batch import Detections

# Score asked for: chosen on 213 recorded images for few false alarms at 93 % of the targets.
LEAST_SCORE = 3.0
# A picture whose strongest point is below has no clutter to speak of: alone, that point would not pass.
CLEAR_SNR = LEAST_SCORE**2


def keep_prominent(
    detections: Detections, extents: NDArray[np.int32], least_score: float = LEAST_SCORE
) -> tuple[Detections, NDArray[np.int32]]:
    """Return detections of at least `least_score`, and their extents; `score` says how prominent each is.

    In a picture whose strongest point is below CLEAR_SNR the detector's threshold alone decides.
    """
    strongest = float(detections.snr.max(initial=0.0))
    score = detections.snr / max(np.sqrt(strongest), 1e-9)
    keep = (score >= least_score) | (strongest < CLEAR_SNR)
    kept = replace(
        detections,
        row=detections.row[keep],
        column=detections.column[keep],
        covariance_px2=detections.covariance_px2[keep],
        snr=detections.snr[keep],
        score=score[keep],
        amplitude_counts=detections.amplitude_counts[keep],
        area_px=detections.area_px[keep],
    )
    number = np.concatenate([[0], np.where(keep, np.cumsum(keep), 0)]).astype(np.int32)
    return kept, number[extents]
