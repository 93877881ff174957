"""What a replayed sequence's score counts."""

import math

import pytest

from services.stack.replay_score import ReplayScore, score_replay

TARGETS = [(10.0, 10.0), (11.0, 10.0), None, (13.1, 10.0)]
PIXELS = dict.fromkeys(range(8), 500_000)


def test_one_detection_meets_a_target_and_the_others_are_false() -> None:
    detections = {0: [(10.0, 12.9), (10.0, 11.0), (50.0, 50.0)], 1: [(11.0, 13.1)], 2: [(12.0, 10.0)], 3: []}
    score = score_replay(detections, {}, TARGETS, PIXELS)
    assert (score.frames, score.targets, score.found, score.false_detections) == (4, 3, 1, 4)
    assert score.probability_of_detection == pytest.approx(1 / 3)
    assert score.false_per_megapixel == 2.0
    assert score.as_json()["rms_error_px"] == 1.0


def test_lost_frame_is_a_missed_target_and_not_searched() -> None:
    score = score_replay({0: [(10.0, 10.0)]}, {}, TARGETS, PIXELS)
    assert (score.targets, score.found, score.megapixels) == (3, 1, 0.5)


def test_track_continuity_is_the_longest_stretch_of_one_track() -> None:
    tracks = {
        "a": [(0, 10.0, 10.0), (1, 11.0, 11.0), (2, 12.0, 10.0)],
        "b": [(3, 13.0, 10.5)],
        "clutter": [(frame, 90.0, 90.0) for frame in range(4)],
    }
    score = score_replay({frame: [] for frame in range(4)}, tracks, TARGETS, PIXELS)
    assert (score.tracked, score.longest_tracked, score.identities, score.false_tracks) == (3, 2, 2, 1)
    assert score.continuity == pytest.approx(2 / 3)


def test_gap_breaks_the_stretch() -> None:
    tracks = {"a": [(0, 10.0, 10.0), (3, 13.0, 10.0)]}
    score = score_replay({frame: [] for frame in range(4)}, tracks, TARGETS, PIXELS)
    assert (score.tracked, score.longest_tracked) == (2, 1)


def test_targets_begin_again_in_a_looped_replay() -> None:
    detections = {frame: [(10.0, 10.0)] for frame in range(8)}
    score = score_replay(detections, {}, TARGETS, PIXELS)
    assert (score.targets, score.found) == (6, 4)


def test_targets_after_the_runs_end_are_not_missed() -> None:
    assert score_replay({0: [(10.0, 10.0)]}, {}, TARGETS, PIXELS, frames=2).targets == 2


def test_scores_of_sequences_add_up() -> None:
    one = score_replay({0: [(10.0, 10.0)]}, {}, TARGETS, PIXELS)
    two = score_replay({0: [(90.0, 10.0)]}, {}, TARGETS, PIXELS)
    total = sum((one, two), ReplayScore())
    assert (total.targets, total.found, total.false_detections, total.megapixels) == (6, 1, 1, 1.0)


def test_nothing_to_divide_by_is_no_figure() -> None:
    score = score_replay({}, {}, [None], {})
    assert math.isnan(score.probability_of_detection)
    assert score.as_json()["pd"] is None
    with pytest.raises(ValueError, match="no targets"):
        score_replay({}, {}, [], {})
