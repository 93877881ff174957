"""The kernels of the staring chain against their slow twins."""

import math

import numpy as np
import pytest

from services.ground_station.detection.staring import kernels
from services.ground_station.detection.staring.alignment import as_kernel
from services.ground_station.detection.staring.interpolation import curves, weights
from services.ground_station.detection.staring.kernels import MARGIN, TILE_COLUMNS, TILE_ROWS
from services.ground_station.detection.staring.kernels.residual import MISFIT, SLIGHT
from services.ground_station.detection.staring.points import point_bank
from services.ground_station.detection.staring.scene import Scene
from tests.ground_station.detection.staring import naive

SHAPE = (2 * TILE_ROWS, 2 * TILE_COLUMNS)
PSF_SIGMA_PX = 0.6
FULL, DELAY = 16, 2
SINGLE_PRECISION = 2e-5
# The polynomials follow the tabled weights within this, and the table is stepped.
WARPED = 0.02


def scene_of(rng: np.random.Generator, shape: tuple[int, int] = SHAPE) -> Scene:
    """Return a scene of a smooth random background, all of it seen often."""
    scene = Scene(shape, DELAY, FULL, weights(PSF_SIGMA_PX), curves(PSF_SIGMA_PX))
    noise = rng.normal(size=scene.background.shape)
    spectrum = np.fft.rfft2(noise) * np.exp(
        -16.0 * (np.fft.fftfreq(noise.shape[0])[:, None] ** 2 + np.fft.rfftfreq(noise.shape[1])[None, :] ** 2)
    )
    scene.background[:] = np.fft.irfft2(spectrum, s=noise.shape)
    scene.seen[:], scene.least_seen[:] = FULL, FULL
    scene.variance[..., 0], scene.fits[:] = 1.0, True
    return scene


def test_filter_is_a_correlation_with_the_taps() -> None:
    rng = np.random.default_rng(1)
    counts = rng.integers(0, 65536, (37, 41)).astype(np.uint16)
    taps = point_bank(PSF_SIGMA_PX).taps
    response = np.zeros((37 + 2 * MARGIN, 41 + 2 * MARGIN), dtype=np.float32)
    strip = np.zeros((kernels.BLOCK + 2 * kernels.HALF, 41 + 2 * kernels.HALF), dtype=np.float32)
    kernels.filter_response(counts, np.float32(30_000), taps, strip, np.zeros(strip.shape[1], np.float32), response)
    wanted = naive.filtered(counts, 30_000.0, taps.astype(np.float64))
    np.testing.assert_allclose(response[MARGIN:-MARGIN, MARGIN:-MARGIN], wanted, atol=65536 * SINGLE_PRECISION)
    assert not response[:MARGIN].any()
    assert not response[:, -MARGIN:].any()


@pytest.mark.parametrize(
    ("moved", "tolerance"),
    [((3.25, -7.5, 0, 0, 0, 0), SINGLE_PRECISION), ((-2.1, 4.3, 0.006, -0.004, 0.003, -0.005), WARPED)],
    ids=["shifted", "turned and grown"],
)
def test_residual_is_response_less_displaced_background(moved: tuple[float, ...], tolerance: float) -> None:
    rng = np.random.default_rng(2)
    scene = scene_of(rng)
    response = rng.normal(size=scene.background.shape).astype(np.float32)
    displacement = np.broadcast_to(np.array(moved, dtype=np.float32), (*scene.tiles, 6)).copy()
    scene.variance[..., 1] = 0.5
    _residual(scene, response, displacement)
    table = weights(PSF_SIGMA_PX).astype(np.float64)
    background = scene.background.astype(np.float64)
    prediction = naive.predicted(background, 1, 1, np.array(moved), table)
    top, left = MARGIN + TILE_ROWS, MARGIN + TILE_COLUMNS
    here = response[top : top + TILE_ROWS, left : left + TILE_COLUMNS].astype(np.float64)
    down, right = math.floor(moved[0] + 0.5), math.floor(moved[1] + 0.5)
    slopes = np.array(
        [
            [naive.slope_squares(background, top + i + down, left + j + right) for j in range(TILE_COLUMNS)]
            for i in range(TILE_ROWS)
        ]
    )
    wanted = naive.normalised(here, prediction, slopes, 1.0, 0.5)
    got = scene.z[TILE_ROWS:, TILE_COLUMNS:]
    inner = (slice(0, TILE_ROWS - kernels.HALF), slice(0, TILE_COLUMNS - kernels.HALF))
    np.testing.assert_allclose(got[inner], wanted[inner], atol=tolerance)
    assert not got[TILE_ROWS - kernels.HALF :].any()


def test_residuals_of_tiles_side_by_side_are_those_of_each() -> None:
    rng = np.random.default_rng(9)
    shape = (3 * TILE_ROWS, 6 * TILE_COLUMNS)
    scene = scene_of(rng, shape)
    response = rng.normal(size=scene.background.shape).astype(np.float32)
    # The middle row's fourth tile moves otherwise, its fifth has no share of slopes.
    displacement = np.zeros((*scene.tiles, 6), dtype=np.float32)
    displacement[..., :2] = 2.25, -1.5
    displacement[1, 3, :2] = -0.75, 3.125
    scene.variance[..., 0], scene.variance[..., 1] = rng.uniform(0.5, 2.0, scene.tiles), 0.5
    scene.variance[1, 4, 1] = 0.0
    table, background = weights(PSF_SIGMA_PX).astype(np.float64), scene.background.astype(np.float64)
    _residual(scene, response, displacement)
    for tj in range(1, 5):
        top, left = MARGIN + TILE_ROWS, MARGIN + tj * TILE_COLUMNS
        moved = displacement[1, tj].astype(np.float64)
        down, right = math.floor(moved[0] + 0.5), math.floor(moved[1] + 0.5)
        slopes = np.array(
            [
                [naive.slope_squares(background, top + i + down, left + j + right) for j in range(TILE_COLUMNS)]
                for i in range(TILE_ROWS)
            ]
        )
        here = response[top : top + TILE_ROWS, left : left + TILE_COLUMNS].astype(np.float64)
        noise, share = scene.variance[1, tj].astype(np.float64)
        wanted = naive.normalised(here, naive.predicted(background, 1, tj, moved, table), slopes, noise, share)
        got = scene.z[TILE_ROWS : 2 * TILE_ROWS, tj * TILE_COLUMNS : (tj + 1) * TILE_COLUMNS]
        np.testing.assert_allclose(got, wanted, atol=SINGLE_PRECISION)
        assert scene.known[1, tj] == TILE_ROWS * TILE_COLUMNS


def test_background_learns_a_share_of_what_it_misses_across_tiles() -> None:
    rng = np.random.default_rng(10)
    shape = (4 * TILE_ROWS, 5 * TILE_COLUMNS)
    scene = scene_of(rng, shape)
    before, gain, clip = scene.background.astype(np.float64), 1.0 / FULL, 1.0
    response = rng.normal(size=scene.background.shape).astype(np.float32)
    displacement = np.zeros((*scene.tiles, 6), dtype=np.float32)
    displacement[..., :2] = 1.25, -2.5
    inverse = np.zeros((*_grid_tiles(scene), 6), dtype=np.float32)
    inverse[..., :2] = -1.25, 2.5
    tables = (weights(PSF_SIGMA_PX), curves(PSF_SIGMA_PX))
    known = (scene.background, scene.seen, scene.least_seen)
    residual = np.zeros_like(response)
    kernels.residual_to_learn(
        response, *known, displacement, *tables, scene.variance, FULL, np.float32(clip), scene.lines, scene.tile,
        np.zeros(kernels.WIDE, np.uint8), np.zeros(TILE_COLUMNS, np.uint8), residual, *shape, False,
    )  # fmt: skip
    kernels.learn(
        response, residual, inverse, *tables, np.float32(gain), FULL, 5, *shape, False, scene.lines, scene.tile, *known
    )
    table = tables[0].astype(np.float64)
    missed = np.zeros_like(before)
    for ti in range(scene.tiles[0]):
        for tj in range(scene.tiles[1]):
            top, left = MARGIN + ti * TILE_ROWS, MARGIN + tj * TILE_COLUMNS
            tile = (slice(top, top + TILE_ROWS), slice(left, left + TILE_COLUMNS))
            prediction = naive.predicted(before, ti, tj, displacement[ti, tj].astype(np.float64), table)
            missed[tile] = np.clip(response[tile] - prediction, -clip, clip)
    np.testing.assert_allclose(residual, missed, atol=SINGLE_PRECISION)
    for row, column in ((MARGIN + 20, MARGIN + 40), (MARGIN + 33, MARGIN + 63), (MARGIN + 47, MARGIN + 100)):
        learnt = gain * naive.interpolated(missed, row - 1.25, column + 2.5, table)
        assert scene.background[row, column] == pytest.approx(before[row, column] + learnt, abs=SINGLE_PRECISION)


def test_maxima_kept_are_those_that_some_filter_raises_to_the_limit() -> None:
    rng = np.random.default_rng(11)
    z, bank, limit = rng.normal(size=(50, 70)).astype(np.float32), point_bank(PSF_SIGMA_PX), 1.5
    place = np.sort(rng.choice(np.arange(5, 45) * 70 + 35, 30, replace=False)).astype(np.int32)
    windows = [z[row - 2 : row + 3, column - 2 : column + 3] for row, column in (divmod(int(p), 70) for p in place)]
    wanted = [
        int(p)
        for p, window in zip(place, windows, strict=True)
        if max(float(a @ window @ b) for a in bank.filters for b in bank.filters) >= limit
    ]
    kept = kernels.keep_points(z, 70, bank.filters, limit, len(place), np.empty(len(bank.filters)), place)
    assert 0 < kept < len(windows)
    assert place[:kept].tolist() == wanted


def test_points_beside_stronger_ones_and_their_rings_are_left_out() -> None:
    rng = np.random.default_rng(12)
    place, snr = rng.uniform(0.0, 30.0, (80, 2)), -np.sort(-rng.exponential(30.0, 80))
    wanted: list[int] = []
    for n in range(80):
        distance = np.hypot(*(place[wanted] - place[n]).T)
        ring = (distance < 5.0) & (snr[n] < 0.1 * snr[wanted])
        if not np.any((distance < 2.0) | ring):
            wanted.append(n)
    keep = np.ones(80, dtype=np.bool_)
    kernels.keep_apart(place[:, 0].copy(), place[:, 1].copy(), snr, np.argsort(place[:, 0]), 2.0, 5.0, 0.1, keep)
    assert np.flatnonzero(keep).tolist() == wanted


def test_pixels_whose_cells_were_not_seen_are_unknown() -> None:
    rng = np.random.default_rng(3)
    scene = scene_of(rng)
    row = MARGIN + TILE_ROWS + 2
    scene.seen[row, :], scene.least_seen[row // TILE_ROWS] = 3, 3
    displacement = np.zeros((*scene.tiles, 6), dtype=np.float32)
    displacement[..., 0] = 0.5
    _residual(scene, rng.normal(size=scene.background.shape).astype(np.float32), displacement)
    blank = ~scene.z[:, TILE_COLUMNS].astype(bool)
    # Taps lie one row before to two behind.
    wanted = np.zeros(SHAPE[0], dtype=bool)
    wanted[TILE_ROWS : TILE_ROWS + 4] = True
    wanted[: kernels.HALF] = wanted[-kernels.HALF :] = True
    np.testing.assert_array_equal(blank, wanted)
    assert scene.known.sum() == np.count_nonzero(scene.z)


def test_variance_is_a_straight_line_through_squared_residuals() -> None:
    rng = np.random.default_rng(4)
    slopes = rng.exponential(2.0, 50_000)
    squares = (3.0 + 0.7 * slopes) * rng.normal(size=50_000) ** 2
    one = [50_000.0, slopes.sum(), (slopes**2).sum(), squares.sum(), (squares * slopes).sum()]
    sums = np.array([[one]], dtype=np.float32)
    variance, fits = np.zeros((1, 1, 2), dtype=np.float32), np.ones((1, 1), dtype=np.bool_)
    kernels.fit_variance(sums, np.float32(0.1), variance, fits)
    np.testing.assert_allclose(variance[0, 0], naive.variance_fit(np.array(one), 0.1, SLIGHT), rtol=1e-3)
    np.testing.assert_allclose(variance[0, 0], (3.0, 0.7), rtol=0.1)
    assert fits[0, 0] == (variance[0, 0, 1] * slopes.mean() < MISFIT * variance[0, 0, 0])


def test_learning_one_frame_shows_it_where_it_lay() -> None:
    rng = np.random.default_rng(5)
    scene = scene_of(rng)
    truth = scene.background.copy()
    scene.background[:], scene.seen[:], scene.least_seen[:] = 0.0, 0, 0
    displacement = np.zeros((*scene.tiles, 2))
    displacement[..., 0], displacement[..., 1] = 2.0, -3.0
    response = np.roll(truth, (-2, 3), axis=(0, 1))
    inverse = as_kernel(np.broadcast_to(-displacement[0, 0], (*_grid_tiles(scene), 2)).copy())
    kernels.learn(
        response,
        np.zeros_like(truth),
        inverse,
        weights(PSF_SIGMA_PX),
        curves(PSF_SIGMA_PX),
        np.float32(1.0 / FULL),
        FULL,
        5,
        *SHAPE,
        False,
        scene.lines,
        scene.tile,
        scene.background,
        scene.seen,
        scene.least_seen,
    )
    first, begin = MARGIN + 5 + 2, MARGIN + 5 - 3
    learnt = (slice(first, first + SHAPE[0] - 10), slice(begin, begin + SHAPE[1] - 10))
    np.testing.assert_allclose(scene.background[learnt], truth[learnt], atol=SINGLE_PRECISION)
    assert scene.seen.sum() == scene.seen[learnt].sum() == (SHAPE[0] - 10) * (SHAPE[1] - 10)
    rows, columns = scene.seen.shape
    least = scene.seen.reshape(rows // TILE_ROWS, TILE_ROWS, columns // TILE_COLUMNS, TILE_COLUMNS).min(axis=(1, 3))
    np.testing.assert_array_equal(scene.least_seen, least)


def test_a_frame_learnt_again_and_again_leaves_no_residual() -> None:
    rng = np.random.default_rng(6)
    scene = scene_of(rng)
    truth = scene.background.astype(np.float64)
    scene.background += rng.normal(0.0, 0.3, truth.shape).astype(np.float32)
    table = weights(PSF_SIGMA_PX).astype(np.float64)
    shifts = rng.uniform(-1.5, 1.5, (200, 2))
    tile = (slice(MARGIN + TILE_ROWS, MARGIN + 2 * TILE_ROWS), slice(MARGIN, MARGIN + TILE_COLUMNS))
    for shift in shifts:
        _learn_shifted(scene, truth, shift)
    got = naive.predicted(scene.background.astype(np.float64), 1, 0, np.array([*shifts[-1], 0, 0, 0, 0]), table)
    wanted = _shifted(truth, shifts[-1])[tile]
    inner = (slice(0, TILE_ROWS - 6), slice(6, TILE_COLUMNS))
    # A scene as rough as lens, pixel and filter let through; 20 dB is what is asked of clutter rejection.
    twenty_db = 0.1
    assert (got - wanted)[inner].std() < twenty_db * truth.std()


def test_background_moved_by_whole_cells_is_the_same() -> None:
    scene = scene_of(np.random.default_rng(7))
    before, spare, spare_seen = scene.background.copy(), np.zeros_like(scene.background), np.zeros_like(scene.seen)
    displacement = as_kernel(np.broadcast_to(np.array([5.0, -4.0]), (*_grid_tiles(scene), 2)).copy())
    kernels.move_background(
        displacement,
        weights(PSF_SIGMA_PX),
        curves(PSF_SIGMA_PX),
        scene.lines,
        scene.tile,
        np.zeros(kernels.WIDE, np.uint8),
        np.zeros(TILE_COLUMNS, np.uint8),
        before,
        scene.seen,
        spare,
        spare_seen,
        scene.least_seen,
    )
    there = spare_seen > 0
    assert there.mean() > 0.5
    np.testing.assert_array_equal(spare[there], np.roll(before, (-5, 4), axis=(0, 1))[there])


def test_level_of_a_tile_is_no_misfit() -> None:
    rng = np.random.default_rng(15)
    scene = scene_of(rng)
    chosen = np.array([[0, 0], [1, 1]])
    sums = np.zeros((2, 2, 7))
    response = scene.background + rng.normal(0.0, 0.1, scene.background.shape).astype(np.float32)
    for more in range(2):
        kernels.slope_sums(
            response + np.float32(50.0 * more), scene.background, scene.seen, scene.least_seen, FULL,
            np.zeros((2, 6), np.float32), weights(PSF_SIGMA_PX), curves(PSF_SIGMA_PX), chosen, scene.lines, scene.tile,
            sums[more],
        )  # fmt: skip
    # Single precision rounds each pixel, so that a sum whose terms cancel is off by a part of the largest one.
    np.testing.assert_allclose(sums[1, :, :6], sums[0, :, :6], rtol=1e-4, atol=2e-5 * np.abs(sums[0, :, :6]).max())
    np.testing.assert_allclose(sums[1, :, 6] - sums[0, :, 6], 50.0, rtol=1e-5)
    # Mean magnitude of noise of 0.1.
    np.testing.assert_allclose(sums[0, :, 5], 1.0 / (0.1 * math.sqrt(2.0 / math.pi)) ** 2, rtol=0.2)


def test_screen_returns_local_maxima() -> None:
    rng = np.random.default_rng(8)
    z = rng.normal(size=(50, 70)).astype(np.float32)
    place = np.empty(2000, dtype=np.int32)
    found = kernels.screen(z, 50, 70, 4, np.float32(1.5), place)
    assert [divmod(int(each), 70) for each in place[:found]] == naive.local_maxima(z.astype(np.float64), 4, 1.5)


def _residual(scene: Scene, response: np.ndarray, displacement: np.ndarray) -> None:
    kernels.normalised_residual(
        response,
        scene.background,
        scene.seen,
        scene.least_seen,
        displacement,
        np.ones(scene.tiles, dtype=np.bool_),
        weights(PSF_SIGMA_PX),
        curves(PSF_SIGMA_PX),
        scene.variance,
        scene.fits,
        4,
        FULL,
        np.float32(0.0),
        *scene.shape,
        1,
        scene.lines,
        scene.tile,
        np.zeros((TILE_ROWS, TILE_COLUMNS), np.float32),
        np.zeros(kernels.WIDE, np.uint8),
        np.zeros(TILE_COLUMNS, np.uint8),
        scene.z,
        np.zeros((*scene.tiles, 5), np.float32),
        scene.known,
    )


def _grid_tiles(scene: Scene) -> tuple[int, int]:
    return scene.background.shape[0] // TILE_ROWS, scene.background.shape[1] // TILE_COLUMNS


def _shifted(field: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Return a periodic field read `shift` further, by its transform."""
    frequency = np.fft.fftfreq(field.shape[0])[:, None] * shift[0] + np.fft.rfftfreq(field.shape[1])[None, :] * shift[1]
    return np.asarray(np.fft.irfft2(np.fft.rfft2(field) * np.exp(2j * np.pi * frequency), s=field.shape))


def _learn_shifted(scene: Scene, truth: np.ndarray, shift: np.ndarray) -> None:
    response = _shifted(truth, shift).astype(np.float32)
    tables = (weights(PSF_SIGMA_PX), curves(PSF_SIGMA_PX))
    displacement = as_kernel(np.broadcast_to(shift, (*scene.tiles, 2)).copy())
    inverse = as_kernel(np.broadcast_to(-shift, (*_grid_tiles(scene), 2)).copy())
    residual = np.zeros_like(response)
    looks = (np.zeros(kernels.WIDE, np.uint8), np.zeros(TILE_COLUMNS, np.uint8))
    known = (scene.background, scene.seen, scene.least_seen)
    kernels.residual_to_learn(
        response, *known, displacement, *tables, scene.variance, FULL, np.float32(1e6), scene.lines, scene.tile,
        *looks, residual, *SHAPE, False,
    )  # fmt: skip
    kernels.learn(
        response,
        residual,
        inverse,
        *tables,
        np.float32(1.0 / FULL),
        FULL,
        0,
        *SHAPE,
        False,
        scene.lines,
        scene.tile,
        *known,
    )
