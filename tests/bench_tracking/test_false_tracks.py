"""The count of false threats counts: a rocket in the sky is one, and says what it was made of."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from bench.tracking.false_tracks import Found, false_tracks, figures, main, read_skies
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


Searching = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def searching() -> Iterator[Searching]:
    """Begin searches of two skies, which keep what they find in a file; none outlives the test."""
    begun: list[subprocess.Popen[str]] = []

    def search(into: Path, days: float, *more: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "bench.tracking.false_tracks", "--runs", "2", "--jobs", "2", "--json"]
        # Where the tests run in a shell's background interrupts are ignored, and a program that begins there would
        # inherit that.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            begun.append(
                subprocess.Popen(
                    [*command, "--days", str(days), "--into", str(into), *more],
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                    start_new_session=True,
                )
            )
        finally:
            signal.signal(signal.SIGINT, before)
        return begun[-1]

    yield search
    for process in begun:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def test_a_search_goes_on_where_it_ended_and_counts_all(tmp_path: Path, searching: Searching) -> None:
    into, days = tmp_path / "skies.jsonl", 5 / 86_400
    first = searching(into, days)
    printed, errors = first.communicate(timeout=120)
    assert first.returncode == 0, errors
    (row,) = json.loads(printed)["rows"]
    assert (row["days"], row["false_tracks"]) == (pytest.approx(2 * days), 0)
    kept = into.read_text()
    assert sorted(sky.seed for sky in read_skies(into)) == [1, 2]
    again, _ = searching(into, days, "--first-seed", "2").communicate(timeout=120)
    assert into.read_text().startswith(kept)
    assert sorted(sky.seed for sky in read_skies(into)) == [1, 2, 3]
    assert json.loads(again)["rows"][0]["days"] == pytest.approx(3 * days)


def test_an_interrupted_search_ends_at_once_and_says_what_is_kept(tmp_path: Path, searching: Searching) -> None:
    into = tmp_path / "skies.jsonl"
    search = searching(into, 1.0)
    assert search.stderr is not None
    assert search.stderr.readline() == "2 skies are searched, 2 at a time\n"
    helpers = psutil.Process(search.pid).children(recursive=True)
    # Both skies' processes at least.
    assert len(helpers) >= 2
    os.killpg(search.pid, signal.SIGINT)
    _, errors = search.communicate(timeout=60)
    assert search.returncode == 130
    assert errors.splitlines()[-1] == f"stopped: 0 skies are in {into}"
    assert "Traceback" not in errors
    _, alive = psutil.wait_procs(helpers, timeout=60)
    assert not alive


def test_a_search_that_is_killed_leaves_nobody_at_work(tmp_path: Path, searching: Searching) -> None:
    search = searching(tmp_path / "skies.jsonl", 1.0)
    assert search.stderr is not None
    search.stderr.readline()
    helpers = psutil.Process(search.pid).children(recursive=True)
    assert len(helpers) >= 2
    search.kill()
    _, alive = psutil.wait_procs(helpers, timeout=60)
    assert not alive


def test_a_line_that_is_no_sky_is_named(tmp_path: Path) -> None:
    into = tmp_path / "skies.jsonl"
    into.write_text('{"seed": 1, "days": 0.1, "clutter_per_look": 50.0, "made_of": {}, "looks": 9, "cpu_s": 1.0}\n{"se')
    with pytest.raises(ValueError, match=r"skies\.jsonl:2 is no sky of a search"):
        read_skies(into)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        pytest.param(["--into", "."], "Is a directory: '.'", id="a folder"),
        pytest.param(
            ["--into", "nowhere/skies.jsonl"], "No such file or directory: 'nowhere/skies.jsonl'", id="nowhere"
        ),
        pytest.param(["--days", "0"], "--days is 0; it must be above 0", id="no time"),
        pytest.param(["--runs", "0"], "--runs is 0; it must be 1 or more", id="no sky"),
    ],
)
def test_what_cannot_be_searched_is_said_at_once(
    wrong: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["false_tracks", *wrong])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    assert said in capsys.readouterr().err


def test_figures_are_scaled_to_thirty_days() -> None:
    row = figures([Found(1, 0.5, 50.0, {"trk-1": "aircraft"}, 100, 1.0), Found(2, 1.0, 50.0, {}, 200, 1.0)])
    assert (row["days"], row["looks"], row["in_30_days"], row["of_aircraft"]) == (1.5, 300, 20.0, 1)
    # Of one event 4.744 may have been expected, at 95 %.
    assert row["at_most_in_30_days"] == pytest.approx(4.744 * 20, rel=1e-3)
    assert row["in_the_skies_of_seeds"] == "1"
