"""What a scenario may say, and what it is told when it says something else."""

from datetime import UTC, datetime
from typing import Any

import pytest

from services.runtime.configuration import ConfigurationError, from_table
from services.scenario.model import Scenario

STAGE = {
    "thrust_n": 1e5,
    "burn_time_s": 60,
    "propellant_mass_kg": 2500,
    "dry_mass_kg": 400,
    "radiant_intensity_w_per_sr": 1e6,
}
ROCKET = {
    "id": "r",
    "launch": {"latitude_deg": 1, "longitude_deg": 2},
    "launch_time_s": 3,
    "heading_deg": 4,
    "stage": [STAGE],
}


def _scenario(**keys: Any) -> Scenario:
    return from_table({"name": "a", "train": {}, **keys}, Scenario)


def test_defaults_make_a_run_of_four_satellites() -> None:
    scenario = _scenario()
    assert scenario.train is not None
    assert scenario.train.satellites == 4
    assert scenario.train.span_deg <= 25


@pytest.mark.parametrize(
    ("keys", "where", "problem"),
    [
        ({"name": "a b"}, "", "'a b' must be 1 to 64 of"),
        ({"duration_s": 0}, "", "duration_s is 0, not within 1 to 86400"),
        ({"train": {"span": 3}}, "train.span", "did you mean `span_deg`"),
        ({"walker": {"satellites": 6, "planes": 3}}, "", "[train] and [walker] cannot both be set"),
        ({"rocket": [ROCKET, ROCKET]}, "", "id 'r' is used twice"),
        ({"rocket": [{**ROCKET, "stage": []}]}, "rocket[0]", "has no [[rocket.stage]]"),
        ({"rocket": [{**ROCKET, "class": "bird"}]}, "rocket[0].class", "is 'bird', not one of 'ballistic'"),
        ({"rocket": [{**ROCKET, "launch": {"latitude_deg": 99, "longitude_deg": 0}}]}, "rocket[0].launch", "is 99"),
        ({"sensor": {"frame_rate_hz": 100}}, "sensor", "longer than a frame"),
        ({"sensor": {"psf_sigma_px": 0}}, "sensor", "psf_sigma_px is 0 and must be above 0"),
        ({"background": {"kind": "picture"}}, "background", "needs `picture`"),
        ({"satellite": [{"id": "s", "tle_name": "X"}]}, "satellite[0]", "must be set together"),
        ({"constellation": {}}, "", "[constellation] and [train] cannot both be set"),
        ({"train": {"pointing": {"kind": "table"}}}, "train.pointing", 'kind = "table" needs `table`'),
        ({"train": {"pointing": {"kind": "place"}}}, "train.pointing", 'kind = "place" needs `place`'),
        (
            {
                "satellite": [
                    {
                        "id": "s",
                        "tle": ["1", "2"],
                        "state": {
                            "epoch": datetime(2026, 6, 21, tzinfo=UTC),
                            "position_gcrs_m": [7e6, 0, 0],
                            "velocity_gcrs_m_per_s": [0, 7e3, 0],
                        },
                    }
                ]
            },
            "satellite[0]",
            "more than one of tle, tle_file and state",
        ),
    ],
)
def test_mistake_is_named(keys: dict[str, Any], where: str, problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        _scenario(**keys)
    assert caught.value.where == where
    assert problem in caught.value.problem


def test_scenario_without_satellites_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no satellites"):
        from_table({"name": "a"}, Scenario)
