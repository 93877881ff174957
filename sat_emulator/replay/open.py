"""From a scenario's replay to its source of frames."""

from sat_emulator.frame import FrameSource
from sat_emulator.replay.folder import FolderSource
from sat_emulator.replay.recorded import McapSource
from services.scenario.model import Replay


def open_replay(replay: Replay, satellite_id: str, start_unix_ns: int, end_unix_ns: int | None = None) -> FrameSource:
    """Return the frames of one satellite: of a folder of images, or of an MCAP recording under the satellite's id."""
    if replay.is_recording:
        return McapSource(replay.path, satellite_id, start_unix_ns, end_unix_ns)
    return FolderSource(replay.path, replay.rate_hz, start_unix_ns, end_unix_ns, replay.psf_sigma_px, replay.loop)
