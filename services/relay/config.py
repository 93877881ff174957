"""What one relay process is told when it starts."""

from dataclasses import dataclass
from pathlib import Path

from services.scenario.model import NAME


@dataclass(frozen=True)
class RelayConfig:
    """Settings of the relay that the scenario does not hold."""

    # This machine alone, until somebody opens it to others.
    listen: str = "127.0.0.1:50051"
    # The ground station's address.
    station: str = "127.0.0.1:50052"
    # Where the run clock and the faults are kept; None: a relay that starts again begins a new run.
    state_dir: Path | None = None
    # The run starts with the satellites that are there once the ground station has served for so long, seconds of
    # wall time: a satellite that never comes holds nobody up for ever. Longer than a first start's compilation.
    start_after_s: float = 60.0
    # From the decision to start until emulated time runs: every satellite asks for the clock several times in between
    # and has its first frame ready.
    start_lead_s: float = 1.0
    # Prometheus port; 0: none.
    metrics_port: int = 0
    # Empty: made up, or the one in the state directory.
    run_id: str = ""
    # The name under which this relay stamps frames.
    node: str = "relay"

    def __post_init__(self) -> None:
        for name in ("start_after_s", "start_lead_s"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name):g} and must not be negative")
        if self.run_id and not NAME.fullmatch(self.run_id):
            raise ValueError(f"run_id {self.run_id!r} must be 1 to 64 of A-Z a-z 0-9 _ -")
        if not NAME.fullmatch(self.node):
            raise ValueError(f"node {self.node!r} must be 1 to 64 of A-Z a-z 0-9 _ -")
