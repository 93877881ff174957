"""The counter-based generator against its authors' vectors and against the normal distribution."""

import numpy as np
import pytest
from scipy import stats

from sat_emulator.sensor.kernels import _normals_of_row
from sat_emulator.sensor.philox import _radius, _turn, key_of, philox
from tests.sat_emulator import naive

COUNT = 1_000_000


@pytest.fixture(scope="module")
def numbers() -> np.ndarray:
    out = np.empty(COUNT, np.float32)
    _normals_of_row(7, 3, key_of(1, 2), out)
    return out


@pytest.mark.parametrize(
    ("counter", "key", "words"),
    # Random123's kat_vectors, "philox4x32 10".
    [
        ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
    ],
)
def test_words_are_random123s(counter: str, key: str, words: str) -> None:
    expected = [int(word, 16) for word in words.split()]
    arguments = [np.uint32(int(word, 16)) for word in (counter + " " + key).split()]
    assert [int(word) for word in philox(*arguments)] == expected
    assert [int(word) for word in naive.philox(arguments[:4], arguments[4:])] == expected


def test_normals_are_box_and_mullers_in_double_precision(numbers: np.ndarray) -> None:
    place = np.arange(COUNT // 4)
    slow = np.array(naive.normals((place, 7, 3, 0), key_of(1, 2)))
    wrong = np.abs(numbers.reshape(4, -1) - slow)
    # The series of sine and cosine are good to 3e-5; a word in single precision to 2**-25, which shows where the radius
    # is small, by 2**-24 over it.
    radius = np.repeat(np.hypot(slow[::2], slow[1::2]), 2, axis=0)
    assert (wrong < 3e-5 * radius + 2.0**-23 / radius + 1e-6).all()
    assert wrong.mean() < 3e-6
    assert abs((numbers.reshape(4, -1) - slow).mean()) < 1e-6


def test_normals_have_the_moments_of_the_normal_distribution(numbers: np.ndarray) -> None:
    z = numbers.astype(float)
    five = 5 / np.sqrt(COUNT)
    assert abs(z.mean()) < five
    assert abs(z.var() - 1) < five * np.sqrt(2)
    assert abs((z**3).mean()) < five * np.sqrt(15)
    assert abs((z**4).mean() - 3) < five * np.sqrt(96)


def test_normals_are_distributed_as_scipys(numbers: np.ndarray) -> None:
    assert stats.kstest(numbers, "norm").pvalue > 1e-4
    for limit in (1.0, 2.0, 3.0, 4.0, 4.5):
        for beyond in ((numbers > limit).sum(), (numbers < -limit).sum()):
            expected = COUNT * stats.norm.sf(limit)
            assert abs(beyond - expected) < 5 * np.sqrt(expected) + 1


def test_the_four_numbers_of_a_counter_are_independent(numbers: np.ndarray) -> None:
    four = numbers.reshape(4, -1).astype(float)
    # Squares as well: two numbers share one radius.
    for values in (four, four**2):
        correlation = np.corrcoef(values) - np.eye(4)
        assert np.abs(correlation).max() < 5 / np.sqrt(four.shape[1])
    for step in (1, 2, 3):
        assert abs(np.corrcoef(numbers[step:], numbers[:-step])[0, 1]) < 5 / np.sqrt(COUNT)


def test_extreme_words_give_finite_numbers() -> None:
    for word in (0, 1, 2**31 - 1, 2**31, 2**32 - 1):
        expected = np.sqrt(-2 * np.log((word + 0.5) / 2**32))
        assert _radius(np.uint32(word)) == pytest.approx(expected, abs=4e-4)
        angle = 2 * np.pi * word / 2**32
        assert _turn(np.uint32(word)) == pytest.approx((np.sin(angle), np.cos(angle)), abs=3e-5)


def test_keys_follow_from_seed_and_path_and_differ() -> None:
    keys = {tuple(key_of(seed, *path).tolist()) for seed in range(20) for path in ((0,), (1,), (2,), (1, 1))}
    assert len(keys) == 80
    assert key_of(5, 3).tolist() == key_of(5, 3).tolist()
    assert key_of(5, 3).dtype == np.uint32
