"""Points of successive frames: those on a steady path against the scene stay, those that come and go do not."""

import numpy as np
import pytest

from services.ground_station.detection.consistency import Looked, PathSearch, Rule, find_paths

RULE = Rule(half=10, path_snr=16.0, travel_px=2.5)
FRAMES = 40


def looked(places: list[tuple[float, float]], snr: list[float] | None = None, chain: int = 0) -> Looked:
    strengths = np.array(snr if snr is not None else [6.0] * len(places))
    points = np.array(places, dtype=np.float64).reshape(-1, 2)
    return Looked(points, points, strengths, chain, 256 * 256)


def kept(looks: list[Looked], *, both_sides: bool = True) -> list[np.ndarray | None]:
    """Return what is kept of each frame, as a sequence on file is searched, or as frames come."""
    search = PathSearch(RULE, both_sides=both_sides)
    outcome = []
    for i in range(len(looks) + search.frames_ahead):
        if i < len(looks):
            search.add(i, looks[i])
        if i >= search.frames_ahead:
            outcome.append(search.on_path(i - search.frames_ahead))
    return outcome


def moving(speed: float, frame: int) -> tuple[float, float]:
    rng = np.random.default_rng(frame)
    return (50.0 + rng.normal(0, 0.2), 30.0 + speed * frame + rng.normal(0, 0.2))


@pytest.mark.parametrize("speed", [0.3, 1.0, 4.0])
def test_point_that_moves_is_kept_in_every_frame_of_a_file(speed: float) -> None:
    outcome = kept([looked([moving(speed, i)]) for i in range(FRAMES)])
    assert all(each is not None and each.tolist() == [True] for each in outcome)


def test_point_that_stands_in_the_scene_is_not_kept() -> None:
    outcome = kept([looked([moving(0.0, i)]) for i in range(FRAMES)])
    assert not any(each is None or each.any() for each in outcome)


def test_points_that_come_and_go_are_not_kept_beside_one_that_moves() -> None:
    rng = np.random.default_rng(1)
    looks = [looked([moving(0.8, i), tuple(rng.uniform(0, 256, 2))], [6.0, 5.0]) for i in range(FRAMES)]
    outcome = np.array(kept(looks))
    assert outcome[:, 0].all()
    assert outcome[:, 1].sum() <= 1


def test_target_that_pauses_stays_on_its_path() -> None:
    # It stands for the time of a window's half, before and after which it moves.
    places = [(50.0, 30.0 + 0.8 * min(i, 15) + 0.8 * max(i - 27, 0)) for i in range(FRAMES)]
    outcome = kept([looked([place]) for place in places])
    assert all(each is not None and each.tolist() == [True] for each in outcome)


def test_as_frames_come_a_path_is_kept_once_it_is_strong_and_has_led_somewhere() -> None:
    outcome = kept([looked([moving(0.8, i)]) for i in range(FRAMES)], both_sides=False)
    assert outcome[:3] == [None] * 3
    told = [bool(each[0]) for each in outcome[3:] if each is not None]
    # Eight points of 6 make 17.
    assert not any(told[:4])
    assert all(told[6:])


def test_window_that_shares_no_scene_tells_nothing() -> None:
    outcome = kept([looked([moving(1.0, i)], chain=i) for i in range(FRAMES)])
    assert outcome == [None] * FRAMES


def test_points_on_a_path_are_named() -> None:
    looks = {i: looked([(90.0, 90.0), (50.0, 30.0 + i)], [7.0, 6.0]) for i in range(12)}
    paths = find_paths(looks, 5, 0, 11, RULE)
    assert paths.told
    assert paths.votes.tolist() == [12, 12]
    assert paths.travels.tolist() == [False, True]
    of_second = paths.members[paths.members[:, 0] == 1]
    assert sorted(of_second[:, 1].tolist()) == [i for i in range(12) if i != 5]
    assert np.all(of_second[:, 2] == 1)


def test_frames_without_points_are_no_obstacle() -> None:
    looks = [looked([moving(0.8, i)] if i % 3 else [], None if i % 3 else []) for i in range(FRAMES)]
    outcome = kept(looks)
    assert all(each is not None and each.all() for each in outcome)


def test_strong_flash_is_no_path_though_it_meets_a_target_by_chance() -> None:
    looks = [looked([moving(0.8, i)]) for i in range(FRAMES)]
    # Three frames after it, a line from the flash crosses the target's path.
    looks[17] = looked([(56.0, 40.0), moving(0.8, 17)], [60.0, 6.0])
    outcome = kept(looks)
    assert outcome[17] is not None
    assert outcome[17].tolist() == [False, True]
