"""Two made-up rockets side by side that run the kernels of crowds once: `python -m` this compiles them.

Beside the rehearsal of a whole sky, which comes to its crowd last and finds them compiled then.
"""

import numpy as np

from services.ground_station.tracking.crowd.common import common_flight
from services.ground_station.tracking.crowd.looks import lay_out_looks
from services.ground_station.tracking.crowd.untangling import untangle
from services.ground_station.tracking.records import RAY
from services.ground_station.tracking.rehearsal import LASTS_S, SATELLITES, SIGMA_RAD, origin_itrs_m, rockets_itrs_m


def rehearse_crowd() -> float:
    """Untangle the two rockets; return how far their looks are off their ways, 1 where as far as they should be."""
    generator = np.random.default_rng(1)
    rays = np.zeros((LASTS_S - 1) * len(SATELLITES) * 2, dtype=RAY)
    row = 0
    for second in range(1, LASTS_S):
        for number in range(len(SATELLITES)):
            origin = origin_itrs_m(float(second), number)
            for place in rockets_itrs_m(float(second)):
                los = place - origin
                los = los / np.linalg.norm(los) + generator.normal(0.0, SIGMA_RAD, 3)
                ray = rays[row]
                ray["time_s"], ray["sensor"], ray["origin"] = second, number, origin
                ray["los"], ray["sigma_rad"] = los / np.linalg.norm(los), SIGMA_RAD
                row += 1
    looks, means = lay_out_looks(rays, 0.0)
    common = common_flight(means, float(LASTS_S - 1))
    if common is None:
        raise RuntimeError("no flight fits the made-up rockets")
    width = len(common.parameters)
    x, known, middle_known = np.empty((2, width)), np.empty((2, width, width)), np.empty((width, width))
    output, jacobian = np.empty((2, 12)), np.empty((2, 9, width))
    owner = np.arange(len(rays)) % 2
    return float(untangle(looks, common, owner, 2, True, x, known, middle_known, output, jacobian))


if __name__ == "__main__":
    rehearse_crowd()
