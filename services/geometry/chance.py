"""Chance as a pure function of the seed and a name."""

import hashlib

import numpy as np


def seeded_generator(seed: int, name: str) -> np.random.Generator:
    """Return a stream of its own for everything of this name: the same whatever else is drawn from the seed."""
    digest = hashlib.sha256(name.encode()).digest()[:8]
    return np.random.default_rng([seed, int.from_bytes(digest, "big")])
