"""Round trips through Starlink: what is read of measurements, and what the model of the path gives."""

from pathlib import Path

import numpy as np
import pytest

from bench.network.access import ASHBURN, NEW_YORK, Access, draw, geometry
from bench.network.measured import RoundTrips, read, statistics
from bench.network.starlink import fit, modelled

ACCESS = Access(11.0, 12.0, 6.0, 0.25, 40.0, 0.04, 50.0)


def test_other_operators_and_rows_without_a_number_are_left_out(tmp_path: Path) -> None:
    file = tmp_path / "pings.csv"
    file.write_text(
        "time,rtt_ms,operator\n"
        "2024-05-28T12:00:02-04:00,40.5,starlink\n"
        "2024-05-27T23:59:59-04:00,50.5,starlink\n"
        "2024-05-28T12:00:01-04:00,39.5,starlink\n"
        "2024-05-28T12:00:01-04:00,20.0,att\n"
        "s,t,a\n"
    )
    days = read(file)
    assert list(days) == ["2024-05-27", "2024-05-28"]
    assert days["2024-05-28"].rtt_ms.tolist() == [39.5, 40.5]


def test_file_without_its_columns_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "pings.csv"
    file.write_text("when,delay\n1,2\n")
    with pytest.raises(ValueError, match="no column rtt_ms and time"):
        read(file)


def test_shift_is_between_slots_in_a_row_and_slots_begin_at_twelve_seconds() -> None:
    # Three slots from 12 s on: 40 and 44 ms, then a gap of one, then 60 ms, whose shift is none.
    begin = np.repeat([12.0, 27.0, 57.0], 40)
    times = begin + np.tile(np.arange(40) * 0.3, 3)
    found = statistics(RoundTrips(times, np.repeat([40.0, 44.0, 60.0], 40)))
    assert found.slots == 3
    assert found.shift_ms.tolist() == [4.0, 4.0]


def test_light_alone_takes_what_low_orbits_and_fibre_of_new_england_allow() -> None:
    to_ashburn = geometry(40, np.random.default_rng(1), ASHBURN)
    # Up and down twice at 530 km, and the fibre from New York to Ashburn twice: the least there can be.
    assert to_ashburn.min() > 4 * 530e3 / 299_792_458 * 1e3 + 2 * 1.468 / 299_792_458 * 320e3 * 1e3
    assert to_ashburn.max() < 40.0
    assert geometry(40, np.random.default_rng(1), NEW_YORK).mean() < to_ashburn.mean() - 4.0


def test_fit_finds_an_access_with_the_statistics_it_was_shown() -> None:
    target = modelled(draw(60, 70, 3), ACCESS)
    draws = draw(60, 70, 4)
    own = modelled(draws, fit(target, draws))
    np.testing.assert_allclose(own.rtt_ms, target.rtt_ms, rtol=0.08)
