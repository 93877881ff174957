"""Which relay satellites a sensor satellite is joined to by its laser terminals."""

import numpy as np
from numpy.typing import NDArray

from services.relay.network.outage import Outage

Bool = NDArray[np.bool_]
Int32 = NDArray[np.int32]


def joined_relays(satellite: int, candidates: Int32, terminals: int, recent: Outage, before: Outage) -> Int32:
    """Return the relay satellites whose links a satellite can use, nearest first.

    candidates: those of the slot, nearest first. The first that are in order have its terminals.
    recent: what was out from one acquisition time ago until now: a link that was has to be acquired anew. before: from
    two to one ago: a terminal that had no reason then to turn to a farther candidate has not acquired it yet.
    """
    ready = ~_out(satellite, candidates, recent)
    was_ready = ~_out(satellite, candidates, before)
    joined = [place for place in np.flatnonzero(ready)[:terminals] if was_ready[:place].sum() < terminals]
    return np.array(candidates[joined], dtype=np.int32)


def _out(satellite: int, candidates: Int32, outage: Outage) -> Bool:
    out: Bool = outage.relays[candidates]
    for sender, relay in outage.satellite_links:
        if sender == satellite:
            out |= candidates == relay
    return out
