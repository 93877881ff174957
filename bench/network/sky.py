"""The networks that the routing benchmarks measure: Starlink as filed, or from a catalogue, with ten gateways."""

from services.relay.network.constellation import Constellation, constellation_of
from services.relay.network.routing import EPOCH_NS
from services.scenario.model import Network, Place, Scenario, Train
from services.scenario.resolve import start_unix_ns
from services.scenario.teleports import teleport_gateways

# The world's teleports that are farthest apart, near enough; fibre leads to the station at the first.
GATEWAYS = (
    "alice-springs",
    "awarua",
    "bangalore",
    "brewster",
    "cuiaba",
    "fucino",
    "hartebeesthoek",
    "kiruna",
    "santiago",
    "yamaguchi",
)
STATION = Place(-23.76, 133.88)


def starlink(fibre: bool = True) -> tuple[Constellation, int]:
    """Return Starlink's 41,914 satellites as filed under four senders all round an orbit, and the start's instant.

    fibre: whether one station is reached by fibre from all gateways; else each gateway has a station beside it.
    """
    gateways = tuple(gateway for gateway in teleport_gateways(STATION) if gateway.id in GATEWAYS)
    if not fibre:
        gateways = tuple(type(gateway)(gateway.id, gateway.place, 0.0) for gateway in gateways)
    network = Network(constellation="starlink", gateways=gateways)
    scenario = Scenario("bench", train=Train(4, span_deg=270.0), network=network)
    start = start_unix_ns(scenario)
    return constellation_of(scenario), start - start % EPOCH_NS
