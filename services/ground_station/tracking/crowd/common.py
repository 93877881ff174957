"""What all of a crowd have in common: rockets of one kind, launched near one another, fly nearly one flight."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.ground_station.tracking.ascent import layout
from services.ground_station.tracking.ascent.fit import fit_ascent
from services.ground_station.tracking.ascent.rays import Rays

Float64 = NDArray[np.float64]

# How far single rockets may be off what they have in common, standard deviations: place and time of launch and heading
# by as much as lets them crowd at all; the others by what motors and masses of one kind differ, a few per cent (thrust
# and burning rate of solids: G. P. Sutton and O. Biblarz, "Rocket Propulsion Elements", 9th ed., section 12.1).
APART = {
    layout.EAST: 3e3,
    layout.NORTH: 3e3,
    layout.UP: 100.0,
    layout.LAUNCH_TIME: 5.0,
    layout.HEADING: 0.1,
    layout.LOG_PITCH_OVER: 0.05,
    layout.LOG_THRUST: 0.02,
    layout.LOG_EXHAUST: 0.01,
    layout.LOG_DRAG: 0.05,
    layout.NOZZLE: 0.005,
    layout.LOG_KICK: 0.05,
    layout.LOG_KICK_RATE: 0.02,
}
DEVIATION_APART_RAD = 0.003


class Common(NamedTuple):
    """The ascent from a launch that a crowd's mean lines of sight fit; P parameters as `layout` orders them.

    reference, knots, knot_s: of its model. parameters: (P,). apart: (P,) standard deviations of single ways about it.
    mean: (P,) and precision: (P, P) of its prior, in units of `apart`. at_s: until when it is flown.
    """

    reference: Float64
    knots: int
    knot_s: float
    parameters: Float64
    apart: Float64
    mean: Float64
    precision: Float64
    at_s: float


def common_flight(means: Rays, at_s: float) -> Common | None:
    """Return what the mean lines of sight up to at_s have in common; None where they fit no burn from a launch on."""
    fit = fit_ascent(means, at_s)
    if fit is None or not fit.is_fitting or not fit.solutions[0].model.from_launch or math.isnan(fit.launch.time_s):
        return None
    best = fit.solutions[0]
    apart = np.full(best.model.width, DEVIATION_APART_RAD)
    apart[list(APART)] = list(APART.values())
    return Common(
        best.model.reference,
        best.model.knots,
        best.model.knot_s,
        best.parameters,
        apart,
        best.prior.mean / apart,
        best.prior.precision * np.outer(apart, apart),
        at_s,
    )
