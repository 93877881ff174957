"""Threats, patterns, networks and replays that cannot be: the error names the key, its value and what helps."""

import re
from pathlib import Path
from typing import Any

import pytest

from services.scenario.model import (
    Cruise,
    Gateway,
    Glide,
    Network,
    Place,
    PlannedFault,
    Replay,
    Rocket,
    Stage,
    TrajectoryFile,
    Walker,
)

PLACE = Place(30.0, 20.0)
STAGE: dict[str, Any] = {"thrust_n": 1e5, "burn_time_s": 60.0, "propellant_mass_kg": 2500.0, "dry_mass_kg": 400.0}
USUAL: dict[Any, dict[str, Any]] = {
    Stage: STAGE,
    Cruise: {"id": "c", "launch_time_s": 0.0, "speed_m_per_s": 250.0, "way_points": (PLACE, Place(30.0, 21.0))},
    TrajectoryFile: {"id": "t", "path": Path("t.csv"), "launch_time_s": 0.0},
    Rocket: {"id": "r", "launch": PLACE, "launch_time_s": 0.0, "heading_deg": 90.0, "stages": (Stage(**STAGE),) * 2},
    Glide: {},
    Walker: {"satellites": 4, "planes": 2},
    Gateway: {"id": "g", "place": PLACE},
    Network: {},
    PlannedFault: {"kind": "links", "share": 0.3},
    Replay: {"path": Path("images")},
}
NEGATIVE = {"radiant_intensity_w_per_sr": -1.0}
SAYS_NEGATIVE = "radiant_intensity_w_per_sr is -1, not within 0 to 1e+12"


@pytest.mark.parametrize(
    ("table", "keys", "says"),
    [
        (Stage, NEGATIVE, SAYS_NEGATIVE),
        (Cruise, NEGATIVE, SAYS_NEGATIVE),
        (TrajectoryFile, NEGATIVE, SAYS_NEGATIVE),
        (Cruise, {"boost_time_s": -2.0}, "boost_time_s is -2, not within 0 to 1000"),
        (Cruise, {"boost_radiant_intensity_w_per_sr": -2.0}, "boost_radiant_intensity_w_per_sr is -2, not within 0"),
        (Cruise, {"emissivity": 1.5}, "emissivity is 1.5, not within 0 to 1"),
        (Glide, {"emissivity": 1.5}, "emissivity is 1.5, not within 0 to 1"),
        (Rocket, {"glide": Glide(), "orbit_altitude_m": 4e5}, "'r' has both `glide` and orbit_altitude_m; keep one"),
        (Walker, {"satellites": 0}, "satellites is 0, not within 1 to 100000"),
        (Walker, {"satellites": -4}, "satellites is -4, not within 1 to 100000"),
        (Walker, {"planes": 3}, "satellites is 4, not a multiple of planes, 3"),
        (Walker, {"altitude_m": -1000.0}, "altitude_m is -1000: such a shell meets the Earth or is brought down"),
        (Walker, {"altitude_m": 1.2e5}, "altitude_m is 120000: such a shell meets the Earth or is brought down"),
        (Gateway, {"terrestrial_delay_s": -1.0}, "terrestrial_delay_s is -1, not within 0 to 10"),
        (Network, {"processing_delay_s": -1.0}, "processing_delay_s is -1, not within 0 to 10"),
        (Network, {"gateway_mask_deg": 200.0}, "gateway_mask_deg is 200, not within 0 to 90"),
        (Network, {"burst_s": 1e-6}, "burst_s is 1e-06, not within 0.001 to 86400"),
        (Network, {"burst_every_s": 1e-6}, "burst_every_s is 1e-06, not within 0.01 to 86400"),
        (Network, {"missing_share": 1.0}, "missing_share is 1 and must be at least 0 and below 1"),
        (Network, {"constellation": "starlink", "tle_file": Path("x.tle")}, "constellation and tle_file both say"),
        (Network, {"constellation": "starlink", "relays": Walker(8, 2)}, "constellation and relays both say"),
        (Network, {"shells": (Walker(8, 2, prefix="a"),), "tle_file": Path("x")}, "shell and tle_file both say"),
        (Network, {"shells": (Walker(8, 2, prefix="a"),) * 2}, "shell[1].prefix is 'a', as other satellites' is"),
        (Network, {"shells": (Walker(8, 2),)}, "shell[0].prefix is 'sat', as other satellites' is"),
        (PlannedFault, {"share": 0.0}, "share is 0 and must be above 0, up to 1"),
        (PlannedFault, {"duration_s": 0.0}, "duration_s is 0 and must be above 0"),
        (PlannedFault, {"kind": "node"}, "node must be set for a fault of kind 'node'"),
        (PlannedFault, {"kind": "link", "node": "a"}, "to_node must be set for a fault of kind 'link'"),
        (PlannedFault, {"kind": "rain", "node": "a"}, "rain_mm_per_h is 0 and must be above 0, up to 300"),
        (PlannedFault, {"kind": "plane", "plane": -1}, "plane is -1; planes are counted from 0"),
        (Replay, {"psf_sigma_px": -1.0}, "psf_sigma_px is -1, not within 0 to 100"),
        (Replay, {"rate_hz": 0.0}, "rate_hz is 0, not within 0.01 to 1000"),
    ],
)
def test_impossible_value_is_named(table: Any, keys: dict[str, Any], says: str) -> None:
    table(**USUAL[table])
    with pytest.raises(ValueError, match=re.escape(says)):
        table(**{**USUAL[table], **keys})
