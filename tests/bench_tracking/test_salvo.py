"""What whoever knew all true places could say of a salvo's detections."""

from bench.tracking.salvo import by_place, drawn, nearest_m, part_right


def test_true_places_tell_far_rockets_apart_and_near_ones_not() -> None:
    far, near = drawn(3, 2, 20_000.0, 2.0), drawn(3, 2, 50.0, 2.0)
    right = [part_right(one, by_place(one)) for one in (far, near)]
    assert right[0] > 0.99
    assert right[1] < right[0] - 0.05
    look = far.taken[-1]
    assert nearest_m(far, look).min() > nearest_m(near, near.taken[-1]).min()
    named = [each.truth_ids for each in far.taken]
    assert part_right(far, named) == 1.0
