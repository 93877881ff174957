"""Earths that cannot be: the error names the key, its value and what helps."""

import re
from pathlib import Path
from typing import Any

import pytest

from services.scenario.model import Absorber, Atmosphere, Background, Cloud


@pytest.mark.parametrize(
    ("table", "keys", "says"),
    [
        (Background, {"kind": "picture"}, 'kind = "picture" needs `picture`, and `picture` needs kind = "picture"'),
        (Background, {"picture": Path("p.npy")}, '`picture` needs kind = "picture"'),
        (Background, {"land_temperature_k": 20.0}, "land_temperature_k is 20, not within 150 to 350"),
        (Background, {"sea_temperature_k": 400.0}, "sea_temperature_k is 400, not within 150 to 350"),
        (Background, {"land_fraction": 1.5}, "land_fraction is 1.5, not within 0 to 1"),
        (Background, {"land_reflectance": -0.1}, "land_reflectance is -0.1, not within 0 to 1"),
        (Background, {"land_sigma_k": float("nan")}, "land_sigma_k is nan, not within 0 to 50"),
        (Background, {"wind_m_per_s": 0.0}, "wind_m_per_s is 0, not within 0.5 to 20"),
        (Background, {"spectral_exponent": 3.0}, "spectral_exponent is 3, not within -6 to -1"),
        (Background, {"picture_pixel_m": 0.0}, "picture_pixel_m is 0 and must be above 0"),
        (Background, {"coldest_k": 300.0, "warmest_k": 300.0}, "coldest_k is 300, not below warmest_k, 300"),
        (Cloud, {"cover": 35.0}, "cover is 35, not within 0 to 1"),
        (Cloud, {"top_m": 6.0}, "top_m is 6, not within 500 to 18000"),
        (Cloud, {"edge_width": 0.0}, "edge_width is 0, not within 0.02 to 5"),
        (Cloud, {"sigma_k": -4.0}, "sigma_k is -4, not within 0 to 30"),
        (Absorber, {"share": 2.0}, "share is 2, not within 0 to 1"),
        (Absorber, {"optical_depth": -1.0}, "optical_depth is -1, not within 0 to 1e+06"),
        (Absorber, {"scale_height_m": 2.0}, "scale_height_m is 2, not within 500 to 20000"),
    ],
)
def test_impossible_value_is_named(table: Any, keys: dict[str, Any], says: str) -> None:
    usual = {"share": 1.0, "optical_depth": 1.0, "scale_height_m": 8000.0} if table is Absorber else {}
    with pytest.raises(ValueError, match=re.escape(says)):
        table(**{**usual, **keys})


def test_absorbers_must_be_the_whole_band() -> None:
    with pytest.raises(ValueError, match=r"absorbers' shares add up to 0.9, not to 1"):
        Atmosphere((Absorber(0.4, 1.0, 2000.0), Absorber(0.5, 1.0, 8000.0)))
    assert Atmosphere().absorbers == ()
