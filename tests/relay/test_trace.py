"""Measured delays in place of modelled ones, and traces that cannot be used."""

from pathlib import Path as FilePath

import pytest

from services.relay.network.link import Traffic
from services.relay.network.stream import StreamLink
from services.relay.network.trace import Trace, read_trace
from services.runtime.configuration import ConfigurationError
from services.scenario.model import Network
from tests.relay.sketch import FRAME_BYTES, MS, PATH, ROUNDING_NS, SECOND_NS, sketched

GOOD = "# measured at home\ntime_s,terminal,delay_s\n10.0,a,0.020\n# a pause\n11.0,a,0.030\n\n12.0,a,0.026\n"


def written(tmp_path: FilePath, text: str) -> FilePath:
    """Return a file of this text."""
    path = tmp_path / "trace.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_delay_runs_straight_between_rows_and_the_trace_repeats(tmp_path: FilePath) -> None:
    start = 5 * SECOND_NS
    trace = read_trace(written(tmp_path, GOOD), start)
    asked = [(0.0, 0.020), (0.5, 0.025), (1.0, 0.030), (1.75, 0.027), (2.0, 0.020), (2.5, 0.025), (200.5, 0.025)]
    for since_s, delay_s in asked:
        assert trace.delay_s(start + round(since_s * 1e9)) == pytest.approx(delay_s)
    assert trace.delay_s(0) == pytest.approx(0.020)


def test_round_trips_are_halved(tmp_path: FilePath) -> None:
    trace = read_trace(written(tmp_path, "rtt_s,time_s\n0.04,0\n0.05,1\n"), 0)
    assert trace.delays_s == (0.02, 0.025)


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("", "trace.csv", "is empty"),
        ("# nothing\n", "trace.csv", "is empty"),
        ("0.0,0.02\n1.0,0.02\n", "line 1", "name them time_s and either delay_s or rtt_s"),
        ("time_s,delay_s,rtt_s\n0,1,2\n1,1,2\n", "line 1", "either delay_s or rtt_s"),
        ("time_s,delay_s\n0,0.02\n", "trace.csv", "at least 2"),
        ("time_s,delay_s\n0,0.02\n1,lost\n", "line 3", "no number"),
        ("time_s,delay_s\n0,0.02\n1\n", "line 3", "no number"),
        ("time_s,delay_s\n0,0.02\n1,nan\n", "line 3", "must be finite"),
        ("time_s,delay_s\n0,0.02\n#\ninf,0.02\n", "line 4", "must be finite"),
        ("time_s,delay_s\n0,0.02\n1,-0.001\n", "line 3", "not below 0"),
        ("time_s,delay_s\n0,0.02\n2,0.02\n1,0.02\n", "line 4", "goes 1 s back; sort the rows"),
        ("time_s,delay_s\n0,0.02\n1,0.02\n1,0.03\n", "line 4", "each time once"),
        ("time_s,delay_s\n0,0.02\n1,0.02\n2,0.02\n13,0.02\n", "line 5", "nothing for 11 s before it"),
    ],
)
def test_trace_with_a_hole_or_a_bad_row_is_refused_with_its_line(
    tmp_path: FilePath, text: str, where: str, what: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read_trace(written(tmp_path, text), 0)
    assert where in refused.value.where
    assert what in refused.value.problem


def test_trace_that_is_not_there_is_refused(tmp_path: FilePath) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_trace(tmp_path / "none.csv", 0)


def test_measured_delay_takes_the_modelled_ones_place_and_frames_still_take_their_time_to_send() -> None:
    trace = Trace(0, (0.0, 100.0), (0.020, 0.120))
    link = StreamLink(sketched(Network(jitter_s=0.01)), 1, "sat", Traffic.FRAMES, trace)
    for second in (0, 30, 60):
        transit = link.carry(PATH, second * SECOND_NS, FRAME_BYTES, second)
        # 1 ms and 10 ms of sending beside the trace's 20 ms and one more each second; no jitter on top.
        assert transit.arrival_unix_ns - second * SECOND_NS == pytest.approx((31 + second) * MS, abs=ROUNDING_NS)
