"""A point on the Earth."""

from dataclasses import dataclass

from services.scenario.model.checks import check_range


@dataclass(frozen=True)
class Place:
    """A point on the ground, WGS 84."""

    latitude_deg: float
    longitude_deg: float
    # Ellipsoidal height of the ground there.
    height_m: float = 0.0

    def __post_init__(self) -> None:
        check_range(self.latitude_deg, -90, 90, "latitude_deg")
        check_range(self.longitude_deg, -180, 360, "longitude_deg")
