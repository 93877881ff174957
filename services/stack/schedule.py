"""When each satellite's frames are due, as far as the launcher must know it to say how far a run is."""

import math
from dataclasses import dataclass

from services.geometry.time import NS_PER_S
from services.scenario.model import Scenario
from services.scenario.resolve import ResolvedSatellite, end_unix_ns, start_unix_ns


@dataclass(frozen=True)
class Schedule:
    """One satellite's frames: how many, and when the read-out of each ends, emulated UTC in nanoseconds.

    A recording whose frames come unevenly is taken as even between its first and its last.
    """

    frames: int
    first_unix_ns: int
    period_ns: float

    def due_unix_ns(self, sequence: int) -> int:
        """Return when frame `sequence` can first leave its satellite."""
        return self.first_unix_ns + round(sequence * self.period_ns)

    @property
    def last_unix_ns(self) -> int:
        """When the last frame can leave; of a satellite without frames, its first instant."""
        return self.due_unix_ns(max(self.frames - 1, 0))


def schedule_of(scenario: Scenario, satellite: ResolvedSatellite) -> Schedule:
    """Return when the satellite's frames are due; BadInputError for recorded images that cannot be found.

    Of an emulated camera it follows from the scenario alone, as `EmulatedSource` has it: its kernels stay unloaded.
    """
    start, end = start_unix_ns(scenario), end_unix_ns(scenario)
    if satellite.replay is None:
        sensor = satellite.sensor
        period_ns = NS_PER_S / sensor.frame_rate_hz
        frames = max(1, math.ceil((end - start) / period_ns - 1e-9))
        return Schedule(frames, start + round((sensor.integration_s + sensor.readout_s) * NS_PER_S), period_ns)
    from sat_emulator.replay.open import open_replay

    source = open_replay(satellite.replay, satellite.id, start, end)
    frames = len(source)
    if frames == 0:
        return Schedule(0, start, 0.0)
    first = source.readout_end_unix_ns(0)
    period_ns = (source.readout_end_unix_ns(frames - 1) - first) / (frames - 1) if frames > 1 else 0.0
    return Schedule(frames, first, period_ns)
