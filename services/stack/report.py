"""The report of a run: the score against the truth, and what became of every frame. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from services.stack.state import BEHIND_S, RunState

Account = Mapping[str, Any]

# A run at less than this part of its rate, whose frames waited longer than BEHIND_S, was more than this machine can do.
# A part of the chain that is killed and comes back makes frames wait as well, but the run catches up.
KEPT_UP = 0.95


def frames_part(accounts: Sequence[Account], state: RunState) -> dict[str, Any]:
    """Return the report's `frames`: sent = acknowledged + all lost but those their source could not read.

    delivered: reached the ground station, refused ones included.
    """
    lost: Counter[str] = Counter()
    for account in accounts:
        lost.update(account["lost"])
    acknowledged = sum(account["acknowledged"] for account in accounts)
    return {
        "sent": sum(account["sent"] for account in accounts),
        "delivered": acknowledged + lost["refused"],
        "acknowledged": acknowledged,
        "committed": sum(each.frames_committed for each in state.satellites.values()),
        "lost": dict(lost),
        "sent_again": sum(account["repeated"] for account in accounts),
        "details": [detail for account in accounts for detail in account["details"]][:100],
    }


def real_time_part(accounts: Sequence[Account]) -> dict[str, Any]:
    """Return the report's `real_time`, of the slowest satellite.

    ratio: emulated time over wall time from the run's start to the newest acknowledgement, over the run's own rate: 1
    where the chain keeps up. max_backlog_s: the longest that a frame waited from its read-out to its acknowledgement.
    """
    ratios = [
        account["emulated_s"] / (account["wall_s"] * account["rate"])
        for account in accounts
        if account["wall_s"] > 0 and account["rate"] > 0
    ]
    return {
        "ratio": round(min(ratios), 5) if ratios else None,
        "max_backlog_s": max((account["max_backlog_s"] for account in accounts), default=None),
    }


def build(
    score: Mapping[str, Any],
    accounts: Sequence[Account],
    state: RunState,
    run: Mapping[str, Any],
    replay: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the whole report, fit for JSON. run: what was run (scenario, seed, broker, ...)."""
    command_unix_ns = int(run.get("command_unix_ns") or 0)
    first = state.first_confirmed_unix_ns
    report: dict[str, Any] = {
        **score,
        "frames": frames_part(accounts, state),
        "real_time": real_time_part(accounts),
        "memory_mb_peak": round(state.memory_mb_peak, 1),
        "alert_after_command_s": round((first - command_unix_ns) / 1e9, 2) if first and command_unix_ns else None,
        "run": {
            **{key: value for key, value in run.items() if key != "command_unix_ns"},
            "run_id": state.run_id,
            "restarts": state.restarts,
        },
        "satellites": {
            each.satellite_id: {
                "frames": each.frames_committed,
                "detections": each.detections,
                "detection_p50_ms": round(each.detection_p50_s * 1e3, 2),
                "way_down_ms": round(each.delay_s * 1e3, 2),
                "lateness_p99_ms": round(each.lateness_p99_s * 1e3, 3),
            }
            for each in state.satellites.values()
        },
    }
    if replay:
        report["replay"] = dict(replay)
    report["warnings"] = warnings(report["real_time"], accounts)
    return report


def warnings(real_time: Mapping[str, Any], accounts: Sequence[Account]) -> list[str]:
    """Return sentences on what makes the report's figures differ from what they would be elsewhere."""
    ratio, backlog_s = real_time["ratio"], real_time["max_backlog_s"]
    rate = max((account["rate"] for account in accounts), default=1.0)
    if ratio is None or ratio >= KEPT_UP or backlog_s <= BEHIND_S * rate:
        return []
    sentence = (
        f"the chain did not keep up: it ran at {ratio:.2f} of the run's pace and frames waited up to {backlog_s:.0f} "
        "s, which is in every time above; take fewer or smaller cameras or a lower frame_rate_hz, or let emulated "
        f"time run slower (`rate = {slower_rate(ratio * rate):g}` in the scenario)"
    )
    return [sentence]


def slower_rate(most: float) -> float:
    """Return a rate of emulated time with some room below what was reached, to one digit; a scenario takes 0.01 up."""
    return max(float(f"{0.8 * most:.1g}"), 0.01)


def rows(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what the run showed, below the score, as rows of text."""
    frames, pace = report["frames"], report["real_time"]
    lost = ", ".join(f"{count} {cause}" for cause, count in frames["lost"].items()) or "none"
    after = report["alert_after_command_s"]
    found = [
        ("frames", f"{frames['sent']} sent, {frames['acknowledged']} acknowledged; lost: {lost}"),
        ("real time", "-" if pace["ratio"] is None else f"{pace['ratio']:.4f}, backlog {pace['max_backlog_s']:.2f} s"),
        ("memory", f"{report['memory_mb_peak']:.0f} MB in all processes at most"),
        ("first alert", "none confirmed" if after is None else f"{after:.1f} s after the command"),
    ]
    if report["run"]["restarts"]:
        found.append(("started again", ", ".join(f"{name} x{n}" for name, n in report["run"]["restarts"].items())))
    return found


def replay_rows(replay: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Return a row for each replayed satellite and one for all, as text."""

    def row(name: str, score: Mapping[str, Any]) -> tuple[str, ...]:
        def figure(key: str, form: str) -> str:
            return "-" if score[key] is None else format(score[key], form)

        return (
            name,
            str(score["frames"]),
            figure("pd", ".3f"),
            figure("false_detections_per_megapixel", ".1f"),
            figure("tracked", ".3f"),
            figure("track_continuity", ".3f"),
            str(score["track_identities"]),
            str(score["false_tracks"]),
        )

    return [*(row(name, score) for name, score in replay["satellites"].items()), row("all", replay["all"])]
