"""The 15 s grid on which satellites take new links and gateways.

Starlink's schedule changes at 12, 27, 42 and 57 s of each minute of UTC: N. Mohan et al., "A multifaceted look at
Starlink performance", Proc. WWW 2024, section 6.
"""

from services.geometry.time import NS_PER_S

SLOT_NS = 15 * NS_PER_S
FIRST_SLOT_NS = 12 * NS_PER_S


def slot_start_ns(unix_ns: int) -> int:
    """Return when the slot of an instant began, UTC."""
    return unix_ns - (unix_ns - FIRST_SLOT_NS) % SLOT_NS
