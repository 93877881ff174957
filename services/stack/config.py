"""What `plumewatch up` is told."""

from dataclasses import dataclass
from pathlib import Path

from services.stack.ports import Ports


@dataclass(frozen=True)
class StackConfig:
    """Settings of one run of the whole chain on this machine."""

    ports: Ports
    # Holds logs, archive, accounts, alerts and truth of the run.
    folder: Path
    # A broker that runs already; None: one is started.
    broker_url: str | None = None
    report: Path | None = None
    # The first start compiles kernels, on two cores for up to two minutes; later ones take seconds.
    start_timeout_s: float = 240.0
    # Wall instant of the command, so that the time to the first alert is what its user waited, nanoseconds of UTC.
    command_unix_ns: int = 0
    # Levels of the children's logs: debug, info, warning, error.
    log_level: str = "info"
