"""Lists of detections: parts of them, none, and extents that follow."""

import numpy as np

from services.ground_station.detection_batch import Detections, renumbered


def three() -> Detections:
    places = np.array([3.0, 1.0, 2.0])
    return Detections(
        row=places,
        column=10 + places,
        covariance_px2=places[:, None] * np.ones(3),
        snr=20 + places,
        score=30 + places,
        amplitude_counts=40 + places,
        area_px=places.astype(np.int64),
        left_out=7,
        reason="WHY",
        threshold_snr=5.5,
        bad_pixels=2,
    )


def test_part_of_a_list_keeps_what_is_said_of_the_frame() -> None:
    for which in (np.array([2, 0]), np.array([True, False, True]), slice(2)):
        part = three().only(which)
        places = np.array([3.0, 1.0, 2.0])[which]
        np.testing.assert_array_equal(part.row, places)
        np.testing.assert_array_equal(part.column, 10 + places)
        np.testing.assert_array_equal(part.covariance_px2, np.outer(places, np.ones(3)))
        np.testing.assert_array_equal(part.snr, 20 + places)
        np.testing.assert_array_equal(part.score, 30 + places)
        np.testing.assert_array_equal(part.amplitude_counts, 40 + places)
        np.testing.assert_array_equal(part.area_px, places)
        assert (part.left_out, part.reason, part.threshold_snr, part.bad_pixels) == (7, "WHY", 5.5, 2)


def test_empty_list_has_arrays_of_the_same_kinds_as_a_full_one() -> None:
    none, some = Detections.none("CONSTANT", 4.5), three().only(slice(0))
    assert len(none) == 0
    assert (none.reason, none.threshold_snr) == ("CONSTANT", 4.5)
    for name in ("row", "column", "covariance_px2", "snr", "score", "amplitude_counts", "area_px"):
        assert getattr(none, name).shape == getattr(some, name).shape
        assert getattr(none, name).dtype == getattr(some, name).dtype


def test_extents_follow_the_detections_that_are_left() -> None:
    extents = np.array([[0, 1, 1], [2, 3, 0]], dtype=np.int32)
    left = renumbered(extents, np.array([True, False, True]))
    np.testing.assert_array_equal(left, [[0, 1, 1], [0, 2, 0]])
    assert left.dtype == np.int32
    np.testing.assert_array_equal(renumbered(np.zeros((2, 2), np.int32), np.zeros(0, bool)), np.zeros((2, 2)))
