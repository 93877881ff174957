"""The verb `ground-station`: what it takes, and how it says what it cannot use."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.cli.main import app
from services.ground_station.config import Settings, settings_from
from services.runtime.configuration import ConfigurationError


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--broker", "http://host", "not an address"),
        ("--station-id", "no/name", "station_id 'no/name'"),
        ("--pfa", "2", "pfa is 2"),
        ("--psf-sigma-px", "99", "psf_sigma_px is 99"),
        ("--detection-threads", "-1", "detection_threads is -1"),
        ("--log-level", "loud", "debug, info, warning, error"),
    ],
)
def test_option_out_of_range_is_wrong_usage_and_is_named(option: str, value: str, says: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["ground-station", "--state-dir", str(tmp_path), option, value])
    assert result.exit_code == 2
    assert says in " ".join(result.output.replace("│", " ").split())


def test_settings_file_sets_what_it_names_and_options_count_more(tmp_path: Path) -> None:
    path = tmp_path / "station.toml"
    path.write_text("[detection]\npfa = 1e-7\n[alerting]\nplane_hits = 12\n[tracking]\nplane_misses = 9\n")
    settings = settings_from(path, None, 1.5)
    assert (settings.detection.pfa, settings.detection.psf_sigma_px) == (1e-7, 1.5)
    assert (settings.alerting.plane_hits, settings.tracking.plane_misses) == (12, 9)
    assert settings_from(path, 1e-5, None).detection.pfa == 1e-5
    assert settings_from(None, None, None) == Settings()


def test_unknown_key_of_a_settings_file_suggests_the_nearest(tmp_path: Path) -> None:
    path = tmp_path / "station.toml"
    path.write_text("[alerting]\nplane_hit = 12\n")
    with pytest.raises(ConfigurationError, match="did you mean `plane_hits`"):
        settings_from(path, None, None)
