"""What a command centre is told when it starts."""

from dataclasses import dataclass
from pathlib import Path

from services.runtime.envelope import ID
from services.runtime.mqtt import parse_broker_url

DEFAULT_BROKER = "mqtt://127.0.0.1:1883"


@dataclass(frozen=True)
class CommandCenterConfig:
    """Settings of one command centre."""

    # The broker of `plumewatch up` and of compose.yaml.
    broker: str = DEFAULT_BROKER
    # Its id in topics; two centres on one broker need two.
    instance: str = "center-1"
    # Where every accepted revision goes, one envelope a line; None: nowhere.
    archive: Path | None = None
    # Track states as well as alerts: about one a second and track, of use on a map and not in an archive.
    tracks: bool = False

    def __post_init__(self) -> None:
        parse_broker_url(self.broker)
        if not ID.fullmatch(self.instance):
            raise ValueError(f"instance {self.instance!r} must be 1 to 64 of A-Z a-z 0-9 _ -")
