"""The tracker: detection batches in, track snapshots out."""

from services.ground_station.detection_batch import DetectionBatch
from services.ground_station.tracking.config import TrackingConfig
from services.ground_station.tracking.snapshot import TrackSnapshot


class Tracker:
    """Follows everything that the satellites of one run detect."""

    def __init__(self, config: TrackingConfig, run_id: str) -> None:
        self.config = config
        self.run_id = run_id

    def update(self, batch: DetectionBatch) -> list[TrackSnapshot]:
        """Return the tracks that this look changed, newly ended ones included.

        Batches of one satellite come in the order of their sequence numbers; satellites may come in any order, and
        up to some seconds apart. The same batches in the same order give the same snapshots.
        """
        raise NotImplementedError(f"batch {batch.sequence}")
