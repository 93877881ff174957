"""The network in NumPy is the one that was trained."""

import numpy as np
import pytest

from services.ground_station.detection.verify.network import Network, convolution, halved


@pytest.mark.parametrize("stride", [1, 2])
def test_convolution_matches_its_sum(stride: int) -> None:
    rng = np.random.default_rng(1)
    x, kernel = rng.normal(size=(6, 8, 3)).astype(np.float32), rng.normal(size=(3, 3, 3, 5)).astype(np.float32)
    padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
    expected = [
        [np.einsum("ijc,ijco->o", padded[r : r + 3, c : c + 3], kernel) for c in range(0, 8, stride)]
        for r in range(0, 6, stride)
    ]
    np.testing.assert_allclose(convolution(x, kernel, stride), np.array(expected), atol=1e-5)


def test_halving_keeps_the_largest_of_four() -> None:
    x = np.random.default_rng(2).normal(size=(4, 6, 2)).astype(np.float32)
    expected = [[x[2 * i : 2 * i + 2, 2 * j : 2 * j + 2].max(axis=(0, 1)) for j in range(3)] for i in range(2)]
    np.testing.assert_array_equal(halved(x), np.array(expected))


def test_network_matches_the_one_trained_in_pytorch() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is for the training only")
    from bench.detection.verifier.net import VerifierNet, weights

    torch.manual_seed(5)
    net = VerifierNet()
    for _ in range(3):
        net(torch.randn(8, 3, 48, 48), torch.randn(8, 4, 48, 48))
    net.eval()
    fine, coarse = torch.randn(1, 3, 48, 48), torch.randn(1, 4, 48, 48)
    with torch.no_grad():
        odds, pixels = net(fine, coarse)
    plain = Network(weights(net))
    seen = plain.look(fine[0].permute(1, 2, 0).numpy(), coarse[0].permute(1, 2, 0).numpy())
    # Weights are kept in half precision: 3 significant digits.
    assert seen.odds == pytest.approx(odds.item(), abs=5e-3)
    np.testing.assert_allclose(plain.mask(seen), pixels[0].numpy(), atol=2e-2)


def test_windows_match_those_cut_for_training() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is for the training only")
    from bench.detection.verifier import fields
    from bench.detection.verifier.pictures import Picture
    from services.ground_station.detection.verify.windows import cut

    counts = np.random.default_rng(4).integers(0, 255, (100, 120)).astype(np.uint8)
    picture = Picture(counts, counts > 250, "labelled", (0,), np.array([[3, 5, 1], [60, 70, 0]], dtype=np.int32))
    stack = fields.Stack.of([picture], torch.device("cpu"))
    rows, columns = np.array([3, 60]), np.array([5, 70])
    at = fields.Place(torch.zeros(2, dtype=torch.long), torch.from_numpy(rows), torch.from_numpy(columns))
    fine, coarse, mask, _ = fields.cut(stack, at)
    found = cut(counts, rows, columns)
    np.testing.assert_allclose(fine.permute(0, 2, 3, 1).numpy(), found.fine, atol=1e-5)
    np.testing.assert_allclose(coarse.permute(0, 2, 3, 1).numpy(), found.coarse, atol=1e-5)
    np.testing.assert_array_equal(mask[1].numpy() > 0, counts[36:84, 46:94] > 250)
