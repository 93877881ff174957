"""Files of two-line elements, whole and broken."""

from pathlib import Path

import pytest

from services.geometry.orbit import Orbit
from services.runtime.configuration import ConfigurationError
from services.scenario.tle import TleProblem, find_tle, read_tle_file

# AIAA 2006-6753, appendix E, satellite 5.
TLE = (
    "1 00005U 58002B   00179.78495062  .00000023  00000-0  28098-4 0  4753",
    "2 00005  34.2682 348.7242 1859667 331.7664  19.3264 10.82419157413667",
)
BAD_SUM = TLE[1][:-1] + "8"


def _file(folder: Path, *lines: str) -> Path:
    path = folder / "x.tle"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_satellites_with_and_without_names(tmp_path: Path) -> None:
    path = _file(tmp_path, "# comment", "0 VANGUARD 1", *TLE, "", *TLE, "ALPHA  ", *TLE)
    file = read_tle_file(path)
    assert file.elements == {"VANGUARD 1": TLE, "00005": TLE, "ALPHA": TLE}
    assert not file.problems
    assert isinstance(file.orbit("ALPHA"), Orbit)
    assert find_tle(path, "ALPHA") == TLE
    with pytest.raises(ConfigurationError, match="has no satellite 'ALPHAA'; did you mean 'ALPHA'"):
        find_tle(path, "ALPHAA")


@pytest.mark.parametrize(
    ("broken", "line", "says"),
    [
        # Line 2 cut off, missing, not there at all; line 1 cut off or missing.
        (("BROKEN", TLE[0], TLE[1][1:]), 5, "not line 2 of a TLE"),
        (("BROKEN", TLE[0]), 6, "is 'OMEGA', not line 2 of a TLE"),
        (("BROKEN", TLE[0], ""), 6, "is '', not line 2 of a TLE"),
        (("BROKEN", TLE[0][:30], TLE[1]), 5, "not line 1 of a TLE"),
        (("BROKEN", TLE[1]), 5, "not line 1 of a TLE"),
    ],
)
def test_broken_pair_is_named_and_the_others_are_read(
    broken: tuple[str, ...], line: int, says: str, tmp_path: Path
) -> None:
    file = read_tle_file(_file(tmp_path, "ALPHA", *TLE, *broken, "OMEGA", *TLE))
    assert list(file.elements) == ["ALPHA", "OMEGA"]
    (problem,) = file.problems
    assert (problem.satellite, problem.path) == ("BROKEN", tmp_path / "x.tle")
    assert problem.line in (line, line + 1)
    assert says in problem.problem
    with pytest.raises(ConfigurationError, match=rf"x\.tle:{problem.line}: satellite 'BROKEN': "):
        find_tle(tmp_path / "x.tle", "BROKEN")


def test_second_pair_of_a_name_is_named_and_the_first_is_used(tmp_path: Path) -> None:
    other = (TLE[0], BAD_SUM)
    file = read_tle_file(_file(tmp_path, "ALPHA", *TLE, "OMEGA", *TLE, "ALPHA", *other))
    assert file.elements == {"ALPHA": TLE, "OMEGA": TLE}
    (problem,) = file.problems
    assert (problem.satellite, problem.line) == ("ALPHA", 8)
    assert "is there twice; the elements of line 2 are used" in problem.problem
    assert find_tle(tmp_path / "x.tle", "ALPHA") == TLE


def test_lines_that_make_no_orbit_are_named_with_a_remedy(tmp_path: Path) -> None:
    file = read_tle_file(_file(tmp_path, "ALPHA", *TLE, "BROKEN", TLE[0], BAD_SUM))
    problem = file.orbit("BROKEN")
    assert isinstance(problem, TleProblem)
    assert str(problem).startswith(f"{tmp_path}/x.tle:6: satellite 'BROKEN': TLE line 2 has checksum 8, not 7")
    assert str(problem).endswith("download the file anew or leave the satellite out")


@pytest.mark.parametrize("lines", [("",), (TLE[0],), (TLE[0], TLE[0]), ("VANGUARD 1", "x")])
def test_file_without_a_pair_is_refused(lines: tuple[str, ...], tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"x\.tle: has no two-line elements"):
        read_tle_file(_file(tmp_path, *lines))


def test_unreadable_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_tle_file(tmp_path)
