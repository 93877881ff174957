"""The count of false threats counts: a rocket in the sky is one, and says what it was made of."""

from bench.tracking.false_tracks import false_tracks
from bench.tracking.scenarios import boost, quiet_sky


def test_a_rocket_counts_as_a_threat_made_of_a_rocket() -> None:
    sky, reached_s = boost(1, seen_s=20.0), [0.0]
    found, looks = false_tracks(sky, 1, reached_s.append)
    assert list(found.values()) == ["rocket"]
    assert looks >= 4 * 20
    assert max(reached_s) <= sky.duration_s


def test_half_a_minute_of_quiet_sky_has_none() -> None:
    reached_s = [0.0]
    found, looks = false_tracks(quiet_sky(1, 30 / 86_400, fires=400, aircraft=900), 1, reached_s.append)
    assert found == {}
    assert 110 <= looks <= 124


def test_progress_is_told() -> None:
    reached_s: list[float] = []
    false_tracks(quiet_sky(1, 60 / 86_400, fires=0, aircraft=0), 1, reached_s.append)
    assert reached_s
    assert reached_s == sorted(reached_s)
