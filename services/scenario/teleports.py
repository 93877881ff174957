"""Well-known teleports round the world: the ground station's antennas where a scenario names none."""

from services.geometry.geodesic import geodesic_distance_m
from services.scenario.model import Gateway, Place

# Real sites, to a hundredth of a degree, from their operators' public pages.
TELEPORTS = {
    "alice-springs": (-23.76, 133.88),  # Geoscience Australia
    "awarua": (-46.53, 168.38),  # Space Operations New Zealand
    "bangalore": (13.03, 77.51),  # ISTRAC
    "brewster": (48.15, -119.69),  # US Electrodynamics
    "cuiaba": (-15.55, -56.07),  # INPE
    "diego-garcia": (-7.27, 72.37),
    "dongara": (-29.05, 115.35),  # SSC
    "fucino": (41.98, 13.60),  # Telespazio
    "goonhilly": (50.05, -5.18),  # Goonhilly Earth Station
    "guam": (13.62, 144.86),  # NASA remote ground terminal
    "hartebeesthoek": (-25.89, 27.69),  # SANSA
    "hawaii": (19.01, -155.66),  # SSC South Point
    "inuvik": (68.32, -133.55),  # Natural Resources Canada
    "kiruna": (67.89, 21.06),  # SSC Esrange
    "kourou": (5.25, -52.80),  # ESA
    "malindi": (-3.00, 40.19),  # Luigi Broglio Space Centre
    "maspalomas": (27.76, -15.63),  # INTA
    "mcmurdo": (-77.84, 166.67),  # NASA
    "papenoo": (-17.51, -149.43),  # Tahiti
    "punta-arenas": (-52.94, -70.85),  # SSC
    "santiago": (-33.15, -70.67),  # SSC Peldehue
    "singapore": (1.35, 103.79),  # Bukit Timah
    "svalbard": (78.23, 15.39),  # KSAT
    "troll": (-72.01, 2.53),  # KSAT
    "wallops": (37.94, -75.46),  # NASA
    "yamaguchi": (34.22, 131.56),  # KDDI
}
# Light in fibre (refractive index of silica, 1.468), and how much longer cables are than the straight way: R. Singla
# et al., "The Internet at the speed of light", HotNets 2014, give a median of about 1.5 for well-connected places.
FIBRE_S_PER_M = 1.468 / 299_792_458.0
CABLE_DETOUR = 1.5
# From the antenna's modem to the rack beside it.
SITE_DELAY_S = 0.0005


def teleport_gateways(area: Place) -> tuple[Gateway, ...]:
    """Return all teleports as gateways of a station that stands beside the one nearest to the area.

    Each other one is as far away in time as a cable of one and a half times the geodesic makes it.
    """
    station = min(
        TELEPORTS.values(),
        key=lambda place: geodesic_distance_m(area.latitude_deg, area.longitude_deg, *place),
    )
    return tuple(
        Gateway(
            name,
            Place(*place),
            SITE_DELAY_S + CABLE_DETOUR * FIBRE_S_PER_M * geodesic_distance_m(*station, *place),
        )
        for name, place in TELEPORTS.items()
    )
