"""Orbits against the verification set of AIAA 2006-6753: all its satellites, all its vectors, all its failures."""

import functools
import importlib.resources

import numpy as np
import pytest
from sgp4.io import compute_checksum

from services.geometry.orbit import Orbit, propagate_teme
from services.geometry.time import NS_PER_S

# The reference prints hundredths of a millimetre; instants are whole nanoseconds here, and epochs days in two doubles.
ONE_MILLIMETRE = 1e-3
TWO_MICROMETRES_PER_S = 2e-6
# Minutes after its epoch when each of these must fail, and SGP4's code: eccentricity beyond 0 to 1 (1), semilatus
# rectum below 0 (4), decayed (6). The reference program stops printing there.
FAILURES = {
    "22312": (494.2028672, 1),
    "28350": (1560.0, 1),
    "28872": (55.0, 6),
    "29141": (440.0, 6),
    "33333": (25.0, 4),
    # The satellite's second entry, three and a half years on.
    "20413": (1_844_345.0, 6),
}
# Perturbed eccentricity is beyond 0 to 1 at the epoch already.
REFUSED = "33334"


def _read(name: str) -> list[str]:
    return (importlib.resources.files("sgp4") / name).read_text().splitlines()


@functools.lru_cache(maxsize=1)
def _elements() -> list[tuple[str, str]]:
    """Return both lines of every entry, in the file's order; its made-up satellites carry wrong checksums."""
    lines = [line for line in _read("SGP4-VER.TLE") if line[:2] in {"1 ", "2 "}]
    fixed = [f"{line[:68]}{compute_checksum(line)}" for line in lines]
    return list(zip(fixed[::2], fixed[1::2], strict=True))


@functools.lru_cache(maxsize=1)
def _vectors() -> list[list[list[float]]]:
    """Return the reference program's output, entry after entry: minutes since the epoch, x y z vx vy vz in km."""
    entries: list[list[list[float]]] = []
    for line in _read("tcppver.out"):
        if line.endswith("xx"):
            entries.append([])
        else:
            entries[-1].append([float(word) for word in line.split()[:7]])
    return entries


def _at(orbit: Orbit, minutes: float) -> int:
    return orbit.epoch_unix_ns + round(minutes * 60 * NS_PER_S)


@pytest.mark.parametrize("entry", range(33), ids=lambda entry: _elements()[entry][0][2:7])
def test_every_state_matches_the_reference_program(entry: int) -> None:
    lines, vectors = _elements()[entry], _vectors()[entry]
    if lines[0][2:7] == REFUSED:
        with pytest.raises(ValueError, match="33334: perturbed eccentricity is outside the range"):
            Orbit.from_tle(*lines)
        return
    orbit = Orbit.from_tle(*lines)
    assert vectors
    for minutes, *state_km in vectors:
        position, velocity = orbit.state_teme(_at(orbit, minutes))
        # Comparisons with NaN are false: an orbit that fails where the reference does not fails the test.
        assert np.abs(position - 1000 * np.array(state_km[:3])).max() < ONE_MILLIMETRE, minutes
        assert np.abs(velocity - 1000 * np.array(state_km[3:])).max() < TWO_MICROMETRES_PER_S, minutes


def test_set_is_complete() -> None:
    assert len(_elements()) == len(_vectors()) == 33
    assert sum(map(len, _vectors())) == 700 - 33


@pytest.mark.parametrize("number", FAILURES)
def test_orbit_that_must_fail_gives_nan_code_and_reason(number: str) -> None:
    minutes, expected_code = FAILURES[number]
    # The later entry of a satellite that has two.
    orbit = [Orbit.from_tle(*lines) for lines in _elements() if lines[0][2:7] == number][-1]
    good = Orbit.from_tle(*_elements()[0])
    at = _at(orbit, minutes)
    positions, velocities, codes = propagate_teme([good, orbit], at)
    assert codes[1] == expected_code
    assert np.isnan(positions[1]).all()
    assert np.isnan(velocities[1]).all()
    assert np.isfinite(positions[0]).all() == (codes[0] == 0)
    assert np.isnan(orbit.state_gcrs(at)[0]).all()
    assert f"orbit {number}: " in orbit.problem(at)
    # It is good until the reference's last vector.
    last = [vectors for lines, vectors in zip(_elements(), _vectors(), strict=True) if lines[0][2:7] == number][-1][-1]
    assert last[0] < minutes
    assert orbit.problem(_at(orbit, last[0])) == ""
