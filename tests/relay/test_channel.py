"""Chance on a link: draws that belong to what they are drawn for, lost packets, bursts, and sending again."""

import itertools
import math

import pytest
from scipy import stats

from services.relay.network.channel import (
    PIECE_NS,
    Losses,
    binomial,
    bursts_in,
    exponential,
    share_in_bursts,
    stream_key,
    uniforms,
)
from services.relay.network.link import Leg, Medium, Path, Traffic, Transit
from services.relay.network.stream import StreamLink
from services.scenario.model import Network
from tests.relay.sketch import FRAME_BYTES, MS, PATH, ROUNDING_NS, SECOND_NS, sketched

KEY = stream_key(1, "relay", "gate")
# A test statistic this unlikely under the model would fail one good run in ten thousand.
FAR_OUT = 1e-4
DOWN = Path((Leg("relay", "gate", 0.0, 0.002, 1e8, Medium.GROUND, elevation_rad=1.0),))
DOWN_NS = 12 * MS


def test_uniform_numbers_are_uniform_and_belong_to_their_key_and_numbers() -> None:
    drawn = [number for sequence in range(2000) for number in uniforms(KEY, sequence, 3)]
    assert stats.kstest(drawn, "uniform").pvalue > FAR_OUT
    assert len(set(drawn)) == len(drawn)
    assert uniforms(KEY, 1234, 3) == tuple(drawn[2 * 1234 : 2 * 1235])
    assert stream_key(1, "ab", "c") != stream_key(1, "a", "bc")
    assert stream_key(1, "relay", "gate") != stream_key(2, "relay", "gate")


def test_exponential_draws_are_exponential() -> None:
    drawn = [exponential(uniforms(KEY, sequence)[0], 0.002) for sequence in range(3000)]
    assert stats.kstest(drawn, "expon", args=(0, 0.002)).pvalue > FAR_OUT


@pytest.mark.parametrize(("trials", "chance"), [(1, 0.3), (10, 0.05), (40, 0.5), (90, 0.99), (1498, 0.001)])
def test_binomial_draw_is_the_distribution_inverted(trials: int, chance: float) -> None:
    # Even steps of the uniform number meet every outcome as often as it is likely.
    steps = 4000
    counted = [0] * (trials + 1)
    for step in range(steps):
        counted[binomial((step + 0.5) / steps, trials, chance)] += 1
    likely = stats.binom(trials, chance)
    assert all(abs(count / steps - likely.pmf(value)) <= 1 / steps + 1e-9 for value, count in enumerate(counted))


def test_binomial_draw_holds_where_no_outcome_is_likely_and_at_its_ends() -> None:
    drawn = [binomial(uniforms(KEY, number)[0], 100_000, 0.5) for number in range(500)]
    assert sum(drawn) / len(drawn) == pytest.approx(50_000, abs=5 * 158 / math.sqrt(500))
    assert stats.tstd(drawn) == pytest.approx(158, rel=0.15)
    assert (binomial(0.5, 0, 0.5), binomial(0.5, 7, 0.0), binomial(0.5, 7, 1.0)) == (0, 0, 7)


def test_bursts_and_the_times_between_have_their_mean_lengths_and_share_of_time() -> None:
    burst_s, every_s = 0.4, 2.0
    bursts = [burst for piece in range(400) for burst in bursts_in(KEY, piece, burst_s, every_s)]
    # Those that a minute's edge cuts are left out of the lengths.
    whole = [(first, end) for first, end in bursts if first % PIECE_NS and end % PIECE_NS]
    lengths_s = [(end - first) / 1e9 for first, end in whole]
    assert stats.kstest(lengths_s, "expon", args=(0, burst_s)).pvalue > FAR_OUT
    share = sum(end - first for first, end in bursts) / (400 * PIECE_NS)
    # About 10,000 bursts: the share is good to 2 % (1 sigma about 1.3 %).
    assert share == pytest.approx(burst_s / (burst_s + every_s), rel=0.05)
    assert all(end <= after for (_, end), (after, _) in itertools.pairwise(bursts))


def test_minute_begins_in_its_stationary_state() -> None:
    begun = [
        bool(bursts) and bursts[0][0] == piece * PIECE_NS
        for piece in range(2000)
        for bursts in [bursts_in(KEY, piece, 1.0, 3.0)]
    ]
    assert stats.binomtest(sum(begun), 2000, 0.25).pvalue > FAR_OUT


def test_share_in_bursts_spans_minutes_and_tells_an_instant() -> None:
    losses = Losses(0.0, 0.5, 1.0, 3.0)
    first, end = bursts_in(KEY, 7, 1.0, 3.0)[2]
    assert share_in_bursts(KEY, losses, first, end) == 1.0
    assert share_in_bursts(KEY, losses, first, first) == 1.0
    assert share_in_bursts(KEY, losses, end, end) == 0.0
    parts = [share_in_bursts(KEY, losses, piece * PIECE_NS, (piece + 1) * PIECE_NS) for piece in range(7, 10)]
    assert share_in_bursts(KEY, losses, 7 * PIECE_NS, 10 * PIECE_NS) == pytest.approx(sum(parts) / 3)
    assert share_in_bursts(KEY, Losses(0.1), first, end) == 0.0


def carried(network: Network, frames: int, path: Path = DOWN, size_bytes: int = FRAME_BYTES) -> list[Transit]:
    """Return the ways of frames that do not wait for each other."""
    link = StreamLink(sketched(network), 1, "sat", Traffic.FRAMES)
    return [link.carry(path, SECOND_NS * number, size_bytes, number) for number in range(frames)]


def test_lost_packets_come_a_round_trip_later() -> None:
    loss = 0.001
    network = Network(loss=loss)
    late_ns = [transit.arrival_unix_ns - transit.ready_unix_ns - DOWN_NS for transit in carried(network, 2000)]
    packets = math.ceil(FRAME_BYTES / network.packet_bytes)
    whole = sum(late <= ROUNDING_NS for late in late_ns)
    assert stats.binomtest(whole, 2000, (1 - loss) ** packets).pvalue > FAR_OUT
    # One round trip of 4 ms, and 112 microseconds for each packet sent again.
    for late in late_ns:
        rounds, sending_ns = divmod(late, 4 * MS)
        assert late <= ROUNDING_NS or (1 <= rounds <= 3 and sending_ns <= 10 * 112_000 + ROUNDING_NS)


def test_frame_with_a_packet_lost_every_time_is_lost_by_name() -> None:
    network = Network(loss=0.5, attempts=2)
    transits = carried(network, 300, size_bytes=network.packet_bytes)
    lost = [transit for transit in transits if transit.lost]
    assert stats.binomtest(len(lost), 300, 0.5**3).pvalue > FAR_OUT
    assert "relay to gate lost 1 packets of it 3 times" in lost[0].lost
    assert lost[0].nodes == ("relay",)
    assert not any(transit.lost for transit in carried(Network(loss=0.2, attempts=30), 100))


def test_bursts_lose_packets_only_while_they_last() -> None:
    network = Network(burst_loss=0.9, burst_s=3.0, burst_every_s=9.0, attempts=100)
    key = stream_key(1, "relay", "gate")
    for transit in carried(network, 400):
        (stay,) = transit.stays
        losses = Losses(0.0, 0.9, 3.0, 9.0)
        calm = share_in_bursts(key, losses, transit.ready_unix_ns, transit.ready_unix_ns + 10 * MS) == 0
        assert (stay.leaves_link_unix_ns - transit.ready_unix_ns <= DOWN_NS + ROUNDING_NS) == calm


def test_laser_links_and_fibre_lose_nothing() -> None:
    across = Path((PATH.legs[0], PATH.legs[2]))
    assert len({t.arrival_unix_ns - t.ready_unix_ns for t in carried(Network(loss=0.5), 50, across)}) == 1


def test_packets_sent_again_do_not_keep_the_transmitter_from_the_next_frame_in_between() -> None:
    network = Network(loss=0.1)
    far = Path((DOWN.legs[0]._replace(propagation_s=0.5),))
    link = StreamLink(sketched(network), 1, "sat", Traffic.FRAMES)
    first = link.carry(far, 0, FRAME_BYTES, 0)
    second = link.carry(far, 20 * MS, FRAME_BYTES, 1)
    assert first.arrival_unix_ns > SECOND_NS
    assert second.stays[0].enters_link_unix_ns == 20 * MS
    assert second.arrival_unix_ns >= first.arrival_unix_ns
