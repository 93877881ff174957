"""Random numbers of any pixel of any frame, without drawing those before it.

Philox 4x32-10: J. K. Salmon, M. A. Moraes, R. O. Dror and D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3",
SC11 (2011): four 32-bit words from a counter of four and a key of two. One pixel of one frame of one satellite of one
run has a counter and key of its own, so that no number is used twice and none depends on what was computed before.

The functions are inlined into kernels and are written so that a compiler makes eight normal numbers at once: no table,
no branch. Rates measured here: 1.7 ns a normal number, numpy's own generator 9.9.
"""

import math
from typing import Any

import numba
import numpy as np
from numba.core import types
from numba.extending import intrinsic
from numpy.typing import NDArray

F = np.float32
U32 = np.uint32
U64 = np.uint64
I32 = np.int32
MULTIPLIER_0, MULTIPLIER_1 = U64(0xD2511F53), U64(0xCD9E8D57)
WEYL_0, WEYL_1 = U32(0x9E3779B9), U32(0xBB67AE85)
ROUNDS = 10
# Bits of the float square root of a half, and those of a mantissa.
HALF_ROOT, ONE, MANTISSA = U32(0x3F3504F3), U32(0x3F800000), U32(0x007FFFFF)


def key_of(seed: int, *path: int) -> NDArray[np.uint32]:
    """Return the key, (2,), of a seed and whose numbers they are; keys of different paths share nothing."""
    return np.random.SeedSequence(seed, spawn_key=path).generate_state(2, np.uint32).astype(np.uint32)


def _bits(typing_context: Any, value: Any) -> Any:  # noqa: ARG001  (numba's own signature)
    """Return a float32's bits."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(signature.return_type))

    return types.uint32(types.float32), generate


def _float(typing_context: Any, value: Any) -> Any:  # noqa: ARG001  (numba's own signature)
    """Return the float32 that bits stand for."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(signature.return_type))

    return types.float32(types.uint32), generate


_bits_of: Any = intrinsic(_bits)
_float_of: Any = intrinsic(_float)


@numba.njit(inline="always")
def philox(c0, c1, c2, c3, k0, k1):
    """Return four words of a counter and a key, all uint32."""
    for _ in range(ROUNDS):
        product_0 = MULTIPLIER_0 * U64(c0)
        product_1 = MULTIPLIER_1 * U64(c2)
        c0 = U32(product_1 >> U64(32)) ^ c1 ^ k0
        c2 = U32(product_0 >> U64(32)) ^ c3 ^ k1
        c1 = U32(product_1)
        c3 = U32(product_0)
        k0 = U32(k0 + WEYL_0)
        k1 = U32(k1 + WEYL_1)
    return c0, c1, c2, c3


@numba.njit(inline="always")
def _radius(word):
    """sqrt(-2 ln u) of a word's u in (0, 1]; the logarithm as in S. L. Moshier's Cephes, logf.c."""
    u = (F(word) + F(0.5)) * F(2.0**-32)
    bits = U32(_bits_of(u) + (ONE - HALF_ROOT))
    exponent = F(I32(bits >> U32(23)) - I32(127))
    m = _float_of(U32((bits & MANTISSA) + HALF_ROOT)) - F(1.0)
    z = m * m
    p = F(7.0376836292e-2)
    p = p * m + F(-1.1514610310e-1)
    p = p * m + F(1.1676998740e-1)
    p = p * m + F(-1.2420140846e-1)
    p = p * m + F(1.4249322787e-1)
    p = p * m + F(-1.6668057665e-1)
    p = p * m + F(2.0000714765e-1)
    p = p * m + F(-2.4999993993e-1)
    p = p * m + F(3.3333331174e-1)
    logarithm = m + (p * m * z - F(0.5) * z) + exponent * F(0.69314718056)
    return math.sqrt(max(F(-2.0) * logarithm, F(0.0)))


@numba.njit(inline="always")
def _turn(word):
    """Sine and cosine of a word's angle, from those of half of it, which series of few terms give to 3e-5."""
    half = F(I32(word)) * F(math.pi * 2.0**-32)
    z = half * half
    s = F(2.7525562e-6)
    s = s * z + F(-1.9840874e-4)
    s = s * z + F(8.3333310e-3)
    s = s * z + F(-1.6666667e-1)
    s = half + half * z * s
    c = F(2.4433157e-5)
    c = c * z + F(-1.3887316e-3)
    c = c * z + F(4.1666646e-2)
    c = F(1.0) + z * (c * z + F(-0.5))
    return F(2.0) * s * c, F(1.0) - F(2.0) * s * s


@numba.njit(inline="always")
def four_normals(c0, c1, c2, c3, k0, k1):
    """Return four standard normal numbers, float32, of a counter and a key; G. E. P. Box and M. E. Muller (1958).

    None beyond 6.8 standard deviations, which one in 1e11 would be.
    """
    w0, w1, w2, w3 = philox(c0, c1, c2, c3, k0, k1)
    near, far = _radius(w0), _radius(w2)
    sine_0, cosine_0 = _turn(w1)
    sine_1, cosine_1 = _turn(w3)
    return near * sine_0, near * cosine_0, far * sine_1, far * cosine_1
