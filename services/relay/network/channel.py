"""What a link does to a frame by chance: jitter, lost packets, and bursts in which many are lost.

Every draw is a pure function of a seed and of what it is drawn for: asked in any order, or again after a restart, it
gives the same. Uniform numbers are BLAKE2b digests (RFC 7693) of these; nothing is kept in between.

Jitter       J = -scale ln(1 - U)                              exponential, one a hop
Lost packets M ~ Binomial(n, p)                                of n packets sent in one state of the link
Bursts       alternating exponential lengths, good then bad    Gilbert (1960) and Elliott (1963), in continuous time
"""

import functools
import math
import struct
from collections.abc import Iterator
from hashlib import blake2b
from typing import NamedTuple

# The course of a link's bursts is drawn anew each minute, in its stationary state, so that any instant can be asked
# for without all before it. A burst does not outlast its minute.
PIECE_NS = 60_000_000_000
# Links times minutes whose bursts are remembered; they are drawn again where this is too few.
PIECES_KEPT = 4096
_NUMBERS = struct.Struct("<QQQ")
_LOW_53 = 2**53 - 1


class Losses(NamedTuple):
    """How a medium loses packets.

    loss: share of packets outside bursts, burst_loss: inside them. burst_s and burst_every_s: mean length of a burst
    and of the time between two, seconds; 0: there are no bursts.
    """

    loss: float = 0.0
    burst_loss: float = 0.0
    burst_s: float = 0.0
    burst_every_s: float = 0.0

    @property
    def any(self) -> bool:
        """Return whether a packet can get lost at all."""
        return self.loss > 0 or self.bursts

    @property
    def bursts(self) -> bool:
        """Return whether there are bursts."""
        return self.burst_loss > 0 and self.burst_s > 0 and self.burst_every_s > 0


def stream_key(seed: int, *names: str) -> bytes:
    """Return what draws of a stream or a link begin with; different names, different keys."""
    named = "\0".join((str(seed), *names)).encode()
    return blake2b(named, digest_size=16).digest()


def uniforms(key: bytes, first: int, second: int = 0, third: int = 0) -> tuple[float, float]:
    """Return two numbers of [0, 1), multiples of 2^-53, that belong to the key and the numbers (each under 2^64)."""
    drawn = int.from_bytes(blake2b(_NUMBERS.pack(first, second, third), key=key, digest_size=16).digest(), "little")
    return (drawn & _LOW_53) * 2.0**-53, (drawn >> 75) * 2.0**-53


def exponential(uniform: float, scale: float) -> float:
    """Return an exponential draw of mean `scale`, by inversion."""
    return -scale * math.log1p(-uniform)


def binomial(uniform: float, trials: int, chance: float) -> int:
    """Return a binomial draw, exact to rounding of the uniform number.

    By inversion over the outcomes in order of their distance from the mode (Kemp, 1986), so that a thousand trials
    need about as many steps as a few standard deviations and nothing underflows.
    """
    if trials <= 0 or chance <= 0:
        return 0
    if chance >= 1:
        return trials
    mode = min(int((trials + 1) * chance), trials)
    odds = chance / (1 - chance)
    at_mode = math.exp(
        math.lgamma(trials + 1)
        - math.lgamma(mode + 1)
        - math.lgamma(trials - mode + 1)
        + mode * math.log(chance)
        + (trials - mode) * math.log1p(-chance)
    )
    left = uniform - at_mode
    above, below = at_mode, at_mode
    high, low = mode, mode
    while left >= 0 and (high < trials or low > 0):
        if high < trials:
            above *= (trials - high) / (high + 1) * odds
            high += 1
            left -= above
            if left < 0:
                return high
        if low > 0:
            below *= low / ((trials - low + 1) * odds)
            low -= 1
            left -= below
            if left < 0:
                return low
    return mode


@functools.lru_cache(maxsize=PIECES_KEPT)
def bursts_in(key: bytes, piece: int, burst_s: float, burst_every_s: float) -> tuple[tuple[int, int], ...]:
    """Return a link's bursts in one minute as (first, end), emulated UTC, nanoseconds, in order.

    key: of the link. piece: minutes since 1970. Lengths are memoryless, so that the first needs no past.
    """
    start, end = piece * PIECE_NS, (piece + 1) * PIECE_NS
    drawn = _lengths(key, piece)
    bad = next(drawn) < burst_s / (burst_s + burst_every_s)
    at, bursts = float(0), []
    while at < PIECE_NS:
        length = exponential(next(drawn), burst_s if bad else burst_every_s) * 1e9
        if bad:
            bursts.append((start + int(at), min(start + math.ceil(at + length), end)))
        at, bad = at + length, not bad
    return tuple(bursts)


def share_in_bursts(key: bytes, losses: Losses, first_unix_ns: int, end_unix_ns: int) -> float:
    """Return which share of [first, end) the link is in a burst; of an instant (end = first), 0 or 1."""
    if not losses.bursts:
        return 0.0
    end_unix_ns = max(end_unix_ns, first_unix_ns + 1)
    inside = 0
    for piece in range(first_unix_ns // PIECE_NS, (end_unix_ns - 1) // PIECE_NS + 1):
        for begins, ends in bursts_in(key, piece, losses.burst_s, losses.burst_every_s):
            inside += max(min(ends, end_unix_ns) - max(begins, first_unix_ns), 0)
    return inside / (end_unix_ns - first_unix_ns)


def lost_packets(packets: int, losses: Losses, in_bursts: float, drawn: tuple[float, float]) -> int:
    """Return how many of the packets of one sending are lost.

    in_bursts: share of the sending's time spent in bursts; so many of the packets, rounded, see `burst_loss`.
    drawn: two uniform numbers.
    """
    bad = round(packets * in_bursts)
    return binomial(drawn[0], packets - bad, losses.loss) + binomial(drawn[1], bad, losses.burst_loss)


def _lengths(key: bytes, piece: int) -> Iterator[float]:
    number = 0
    while True:
        yield from uniforms(key, piece, number)
        number += 1
