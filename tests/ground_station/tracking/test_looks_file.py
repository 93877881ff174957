"""What a line of looks may say, and what is said of one that cannot be used."""

import json
import math
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from services.cli.track import run
from services.geometry.time import NS_PER_S
from services.ground_station.tracking.changes import Changes
from services.ground_station.tracking.config import TrackingConfig
from services.ground_station.tracking.look import Look
from services.ground_station.tracking.looks_file import LookError, TrackLines, parse_look, parse_looks
from services.ground_station.tracking.sensors import MOST_SENSORS
from services.ground_station.tracking.snapshot import TrackSnapshot
from services.ground_station.tracking.tracker import Tracker
from services.runtime.errors import BadInputError
from tests.ground_station.snapshots import KINEMATIC, in_space
from tests.ground_station.tracking.targets import SITE_ITRS_M, Satellite, line_of_sight, noisy, satellites

LOOK: dict[str, Any] = {
    "time_unix_ns": 1_700_000_000_000_000_000,
    "sensor_id": "s",
    "position_itrs_m": [7.4e6, 0.0, 0.0],
    "boresight_itrs": [-1.0, 0.0, 0.0],
    "fov_half_angle_rad": 0.5,
    "sigma_rad": 1e-4,
    "detections": [{"los_itrs": [-2.0, 0.0, 0.0]}],
}


def test_line_of_sight_of_any_length_is_a_direction() -> None:
    look = parse_look(json.dumps(LOOK))
    assert look.arrays.los[0] == pytest.approx([-1.0, 0.0, 0.0], abs=1e-6)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"time_unix_ns": "²"}, "time_unix_ns is '²'"),
        ({"time_unix_ns": 10**40}, "time_unix_ns is 1000"),
        ({"time_unix_ns": True}, "time_unix_ns is True"),
        ({"time_unix_ns": -1}, "time_unix_ns is -1"),
        ({"time_unix_ns": 1.5}, "time_unix_ns is 1.5"),
        ({"position_itrs_m": [1.0, 0.0, 0.0]}, "a sensor is 6.3e"),
        ({"position_itrs_m": [1e200, 0.0, 0.0]}, "position_itrs_m"),
        ({"position_itrs_m": [7e6, 0.0]}, "not three numbers|not three finite"),
        ({"sigma_rad": 1e300}, "sigma_rad is 1e"),
        ({"sigma_rad": 0}, "sigma_rad is 0; it must be a number above 0"),
        ({"sigma_rad": 1e-10}, "at least 1e-09"),
        ({"fov_half_angle_rad": 4}, "at most 3.14159"),
        ({"fov_half_angle_rad": 1e-9}, "at least 1e-06"),
        ({"detections": [{"los_itrs": [0, 0, 0]}]}, "los_itrs"),
        ({"detections": None}, "no list of objects"),
        ({"sensor_id": ""}, "sensor_id is ''"),
        ({"sensor_id": 7}, "sensor_id is 7"),
        ({"sensor_id": "\ud800"}, r"sensor_id is '\\ud800'"),
        ({"sensor_id": None}, "sensor_id is None"),
        ({"boresight_itrs": [0.0, 0.0, 0.0]}, "boresight_itrs"),
        ({"position_itrs_m": [float("nan"), 7e6, 0.0]}, "position_itrs_m"),
        ({"sigma_rad": float("nan")}, "sigma_rad is nan"),
        ({"detections": [{"los_itrs": [float("nan"), 0, 1]}]}, "los_itrs"),
        ({"detections": [{"los_itrs": [float("inf"), 0, 1]}]}, "los_itrs"),
        ({"detections": [{"los_itrs": "up"}]}, "los_itrs is 'up', not three"),
        ({"detections": [{}]}, "los_itrs is missing"),
        ({"detections": [{"los_itrs": [[0, 0, 1]]}] * 2}, r"los_itrs is \[\[0, 0, 1\]\], not three finite"),
        ({"detections": [{"los_itrs": [0, 0, 1, 0, 0, 1]}]}, "los_itrs is .*, not three finite"),
        ({"detections": [{"los_itrs": [0, 0, 1]}, {"los_itrs": [0, 10**400, 1]}]}, "los_itrs is .*, not three numbers"),
        *(
            ({"detections": [{**LOOK["detections"][0], key: value}]}, f"{key} is {value!r}; it must be a number from 0")
            for key in ("snr", "intensity_w_per_sr")
            for value in (-1, -1e-9, float("nan"), 10**101, "12", True)
        ),
        ({"detections": [[-1.0, 0.0, 0.0]]}, "no list of objects"),
    ],
)
def test_line_that_cannot_be_used_is_named(change: dict[str, Any], words: str) -> None:
    with pytest.raises(LookError, match=words):
        parse_look(json.dumps({**LOOK, **change}))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (json.dumps(LOOK).replace(str(LOOK["time_unix_ns"]), "1" * 5000), "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        (json.dumps(LOOK).replace("7400000.0", "7" * 400), "position_itrs_m"),
    ],
    ids=["digits", "depth", "overflow"],
)
def test_line_beyond_what_can_be_read_is_named(text: str, words: str) -> None:
    ((_, error),) = parse_looks([text])
    assert isinstance(error, LookError)
    assert words in str(error)


def test_narrowest_field_of_view_has_a_size() -> None:
    look = parse_look(json.dumps({**LOOK, "fov_half_angle_rad": 1e-6}))
    assert look.solid_angle_sr == pytest.approx(math.pi * 1e-12)


@pytest.mark.parametrize("key", sorted(LOOK))
def test_field_that_is_not_there_is_said_to_be_missing(key: str) -> None:
    with pytest.raises(LookError, match=f"^{key} is missing$"):
        parse_look(json.dumps({name: value for name, value in LOOK.items() if name != key}))


def test_null_counts_as_not_stated_and_zero_as_zero() -> None:
    stated = parse_look(json.dumps(LOOK))

    def with_strength(value: float | None) -> Look:
        detection = {"los_itrs": [-1, 0, 0], "snr": value, "intensity_w_per_sr": value}
        return parse_look(json.dumps({**LOOK, "detections": [detection]}))

    assert with_strength(None).arrays.snr[0] == stated.arrays.snr[0]
    assert np.isnan(with_strength(None).arrays.intensity_w_per_sr[0])
    assert with_strength(0).arrays.snr[0] == with_strength(0).arrays.intensity_w_per_sr[0] == 0.0


def test_detections_read_together_are_what_each_is_alone() -> None:
    rng = np.random.default_rng(8)
    directions = [*rng.normal(size=(40, 3)).tolist(), [0, 0, True], ["1", 2, 3.5], [1e200, 1.0, -1e200]]
    strengths = [None, 3, 1e100, 0.0, *rng.uniform(0, 50, len(directions) - 4).tolist()]

    def read(detections: list[dict[str, Any]]) -> Look:
        return parse_look(json.dumps({**LOOK, "detections": detections}))

    for words in (strengths, strengths[4:], [None] * len(directions)):
        found = [{"los_itrs": los, "snr": snr} for los, snr in zip(directions, words, strict=False)]
        together = read(found).arrays
        for los, snr, place in zip(together.los, together.snr, together.listed, strict=True):
            alone = read([found[place]]).arrays
            assert (los.tolist(), snr) == (alone.los[0].tolist(), alone.snr[0])
            assert los.tolist() == [
                float(part) / math.hypot(*map(float, found[place]["los_itrs"])) for part in found[place]["los_itrs"]
            ]


def test_lines_round_a_bad_one_are_served() -> None:
    lines = [json.dumps(LOOK), "\ufffd{", json.dumps(LOOK)]
    results = [result for _, result in parse_looks(lines)]
    assert [isinstance(result, LookError) for result in results] == [False, True, False]


def fire_line(satellite: Satellite, name: str, time_s: float, rng: np.random.Generator) -> str:
    """Return a look at a fire at the site."""
    origin = satellite(time_s)
    boresight = (SITE_ITRS_M - origin) / np.linalg.norm(SITE_ITRS_M - origin)
    los = noisy(line_of_sight(lambda _: SITE_ITRS_M, origin, time_s), 1e-4, rng)
    look = {
        **LOOK,
        "time_unix_ns": LOOK["time_unix_ns"] + round(time_s * NS_PER_S),
        "sensor_id": name,
        "position_itrs_m": origin.tolist(),
        "boresight_itrs": boresight.tolist(),
        "detections": [{"los_itrs": los.tolist()}],
    }
    return json.dumps(look)


def watched_fire(seconds: int) -> list[str]:
    """Return the looks of three satellites at a fire, once a second, in the order of their times."""
    rng = np.random.default_rng(1)
    return [
        fire_line(satellite, f"sat-{number}", step + 0.1 * number, rng)
        for step in range(seconds)
        for number, satellite in enumerate(satellites(3))
    ]


def changed(line: str, **values: Any) -> str:
    return json.dumps({**json.loads(line), **values})


def served(folder: Path, lines: list[str]) -> tuple[list[str], list[str]]:
    """Return the lines that `plumewatch track` writes, and the times of its looks."""
    looks, out, timing = folder / "looks.jsonl", folder / "tracks.jsonl", folder / "times.txt"
    looks.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    run(looks, out, timing, "run")
    return out.read_text(encoding="utf-8").splitlines(), timing.read_text(encoding="utf-8").splitlines()


def test_bad_lines_are_named_with_number_and_reason_and_the_rest_is_served(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = watched_fire(20)
    clean, times = served(tmp_path, good)
    assert len(times) == len(good)
    assert capsys.readouterr().err == ""
    bad = {
        5: ("{not json", "is not JSON"),
        11: ("[1, 2]", "is not a JSON object"),
        17: (changed(good[0], position_itrs_m=[float("nan"), 0.0, 7e6]), "position_itrs_m"),
        18: (changed(good[0], detections=[{"los_itrs": [0, 0, 0]}]), "los_itrs"),
        23: (changed(good[0], boresight_itrs=[0, 0, 0]), "boresight_itrs"),
        29: (changed(good[0], sensor_id=None), "sensor_id is None"),
        # A line of long ago: of a sensor that is known, and of a new one.
        45: (changed(good[0], time_unix_ns=json.loads(good[0])["time_unix_ns"] + 1), "sort the looks by time"),
        46: (changed(good[0], sensor_id="sat-new"), "'sat-new' is"),
        50: ("", ""),
    }
    mixed: list[str] = []
    left = iter(good)
    while len(mixed) < len(good) + len(bad):
        number = len(mixed) + 1
        mixed.append(bad[number][0] if number in bad else next(left))
    lines, times = served(tmp_path, mixed)
    assert lines == clean
    assert len(times) == len(good)
    named = capsys.readouterr().err.splitlines()
    expected = [(number, words) for number, (_, words) in bad.items() if words]
    assert len(named) == len(expected)
    for text, (number, words) in zip(named, expected, strict=True):
        assert text.startswith(f"{tmp_path / 'looks.jsonl'}:{number}: ")
        assert words in text


def test_a_sensor_that_joins_later_is_welcome(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    lines = watched_fire(20)
    late = [fire_line(satellites(4)[3], "sat-3", 10.05 + step, rng) for step in range(9)]
    joined = sorted([*lines, *late], key=lambda line: json.loads(line)["time_unix_ns"])
    told, _ = served(tmp_path, joined)
    assert any(source[0] == "sat-3" for line in told for source in json.loads(line)["detections"])
    # The fire keeps its name.
    names = {json.loads(line)["track_id"] for line in told if len(json.loads(line)["detections"]) > 0}
    newest = json.loads(told[-1])
    assert newest["track_id"] in names
    assert newest["track_id"] == next(
        json.loads(line)["track_id"] for line in told if json.loads(line)["state"] == "confirmed"
    )


def test_sensor_too_many_is_named_and_the_rest_is_served(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = watched_fire(12)
    first = json.loads(lines[0])["time_unix_ns"]
    crowd = [
        changed(lines[0], sensor_id=f"other-{number:02}", time_unix_ns=first - 100 + number, detections=[])
        for number in range(MOST_SENSORS)
    ]
    _, times = served(tmp_path, [*crowd[: MOST_SENSORS - 3], *lines])
    assert len(times) == MOST_SENSORS - 3 + len(lines)
    capsys.readouterr()
    # One more than fit: the last satellite's looks cannot be taken.
    _, times = served(tmp_path, [*crowd[: MOST_SENSORS - 2], *lines])
    named = capsys.readouterr().err.splitlines()
    assert len(named) == 12
    assert all("'sat-2' is one more than the 62" in text for text in named)
    assert len(times) == MOST_SENSORS - 2 + len(lines) - 12


def test_file_without_any_look_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no look that could be used"):
        served(tmp_path, ["{", "nothing"])


def test_every_line_that_is_told_is_json_with_what_a_reader_needs(tmp_path: Path) -> None:
    told, _ = served(tmp_path, watched_fire(20))
    newest = [json.loads(line) for line in told][-1]
    assert newest["state"] == "confirmed"
    assert newest["class"] == "static_heat"
    covariance = np.array(newest["covariance"])
    error = np.array(newest["position_itrs_m"]) - SITE_ITRS_M
    assert error @ np.linalg.solve(covariance[:3, :3], error) < 16.0
    assert {source[0] for source in newest["detections"]} <= {"sat-0", "sat-1", "sat-2"}


def no_json(word: str) -> None:
    raise AssertionError(f"{word} is no JSON")


class Told(list[TrackSnapshot]):
    """Tracks that a look changed."""

    look = parse_look(json.dumps(LOOK))


def test_track_whose_state_becomes_no_number_ends_where_it_was_last() -> None:
    nowhere = replace(KINEMATIC, position_itrs_m=np.full(3, np.nan))
    lines = TrackLines()
    lines.add(cast("Changes", Told([in_space(), in_space(track_id="t2", kinematic=nowhere)])))
    lines.finish()
    lines.add(cast("Changes", Told([in_space(1.0, state="ended", kinematic=nowhere)])))
    (line,) = (json.loads(text, parse_constant=no_json) for text in lines.finish())
    assert (line["track_id"], line["state"]) == ("t1", "ended")
    assert line["position_itrs_m"] == KINEMATIC.position_itrs_m.tolist()


def test_memory_stays_bounded_however_many_looks_come() -> None:
    rng = np.random.default_rng(3)
    stated = [json.loads(line) for line in watched_fire(1)]

    def many() -> Iterator[str]:
        """Yield 20,000 looks, three a second; now and then, for a while, they see a fire and a point of clutter."""
        for number in range(20_000):
            look = stated[number % 3]
            los = np.array(look["detections"][0]["los_itrs"])
            spreads = (1e-4, 0.05) if number % 1000 < 150 else ()
            seen = [{"los_itrs": noisy(los, spread, rng).tolist()} for spread in spreads]
            time_unix_ns = LOOK["time_unix_ns"] + number * NS_PER_S // 3
            yield json.dumps({**look, "time_unix_ns": time_unix_ns, "detections": seen})

    lines = TrackLines()
    tracker = Tracker(TrackingConfig(), "run", settled=lines.add)
    told = 0
    for number, look in parse_looks(many()):
        if number == 17_000:
            tracemalloc.start()
        assert isinstance(look, Look)
        tracker.update_look(look)
        told += len(lines.ready())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert told > 20 * 100
    # What the last 3,000 looks left behind, and what one of them takes: less than 700 bytes a look.
    two_mebibytes = 2 * 2**20
    assert peak < two_mebibytes
