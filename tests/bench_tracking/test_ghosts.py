"""What two satellites see of unrelated sources, and of rockets, as the bench draws them."""

from collections import Counter

from bench.tracking.ghosts import airliners_verdict, ghost_verdict, rocket_verdict
from services.ground_station.tracking.judgement.judge import MOVING

SEEDS = range(300)


def test_crossings_of_lines_of_sight_are_rarely_judged_moving() -> None:
    # Of airliners' crossings that fly level some are: heights and speeds of airliners are told apart elsewhere.
    said = Counter(verdict(seed) == MOVING for verdict in (ghost_verdict, airliners_verdict) for seed in SEEDS)
    assert said[True] <= 0.05 * len(SEEDS) * 2


def test_rockets_of_the_same_satellites_are_judged_moving() -> None:
    said = [rocket_verdict(10 * seed) == MOVING for seed in range(30)]
    assert sum(said) >= 0.8 * len(said)
