"""What one satellite process is told when it starts."""

from dataclasses import dataclass
from pathlib import Path

from services.scenario.model import NAME


@dataclass(frozen=True)
class DownlinkConfig:
    """Settings of the downlink that the scenario does not hold."""

    satellite_id: str
    # A relay's address, or a ground station's.
    target: str = "127.0.0.1:50051"
    # The run's name where no relay gives it; empty: made up.
    run_id: str = ""
    # Frames sent and not yet settled: a second and a half at 10 Hz, well within the relay's queue of 64.
    window_frames: int = 16
    # Frames made before they are due: hides one slow frame, and holds a few megabytes.
    frames_ahead: int = 3
    # Without an answer for so long the satellite stops and says so: longer than any restart of what it talks to.
    give_up_after_s: float = 120.0
    # Where to write the account of the run as JSON; None: nowhere.
    report: Path | None = None

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.satellite_id):
            raise ValueError(f"satellite id {self.satellite_id!r} must be 1 to 64 of A-Z a-z 0-9 _ -")
        if self.run_id and not NAME.fullmatch(self.run_id):
            raise ValueError(f"run_id {self.run_id!r} must be 1 to 64 of A-Z a-z 0-9 _ -")
        for name in ("window_frames", "frames_ahead"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)} and must be at least 1")
        if self.give_up_after_s <= 0:
            raise ValueError(f"give_up_after_s is {self.give_up_after_s:g} and must be above 0")
