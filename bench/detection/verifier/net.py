"""The verifier's network in PyTorch, and its weights as the product reads them."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

# Channels at 1, 1/2, 1/4 and 1/8 of the window's scale, and of the coarse field's three layers.
FINE = (16, 24, 32, 48)
COARSE = (12, 16, 32)
HIDDEN = 32
DROPOUT = 0.2


class Layer(nn.Module):  # type: ignore[misc]
    """3 x 3 convolution, batch norm, rectifier."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return the layer's output."""
        return functional.relu(self.norm(self.conv(x)))

    def folded(self) -> tuple[Tensor, Tensor]:
        """Return weight and bias with the batch norm's trained statistics taken in."""
        gain = self.norm.weight / torch.sqrt(self.norm.running_var + self.norm.eps)
        return self.conv.weight * gain[:, None, None, None], self.norm.bias - gain * self.norm.running_mean


class VerifierNet(nn.Module):  # type: ignore[misc]
    """A candidate's window and field to the odds that it is a target, and those of each of the window's pixels."""

    def __init__(self) -> None:
        super().__init__()
        a, b, c, d = FINE
        self.down = nn.ModuleList(
            [Layer(3, a), Layer(a, a), Layer(a, b), Layer(b, b), Layer(b, c), Layer(c, c), Layer(c, d), Layer(d, d)]
        )
        x, y, z = COARSE
        self.around = nn.ModuleList([Layer(4, x, 2), Layer(x, y, 2), Layer(y, z, 2)])
        self.lift = nn.Linear(2 * z, d)
        self.up = nn.ModuleList([Layer(d + c, c), Layer(c + b, b), Layer(b + a, a)])
        self.pixel = nn.Conv2d(a, 1, 1)
        self.hidden = nn.Linear(2 * d + c + b + 2 * z, HIDDEN)
        self.drop = nn.Dropout(DROPOUT)
        self.odds = nn.Linear(HIDDEN, 1)

    def forward(self, fine: Tensor, coarse: Tensor) -> tuple[Tensor, Tensor]:
        """Return log odds (n,) and (n, 48, 48)."""
        field = coarse
        for layer in self.around:
            field = layer(field)
        field = torch.cat([field.mean(dim=(2, 3)), field.amax(dim=(2, 3))], dim=1)
        kept = []
        x = fine
        for level in range(4):
            if level:
                x = functional.max_pool2d(x, 2)
            x = self.down[2 * level](x)
            if level == 3:
                x = x + self.lift(field)[:, :, None, None]
            x = self.down[2 * level + 1](x)
            kept.append(x)
        whole = [x.mean(dim=(2, 3)), middle(x), middle(kept[2]), middle(kept[1]), field]
        odds = self.odds(self.drop(functional.relu(self.hidden(torch.cat(whole, dim=1)))))
        for layer, beside in zip(self.up, reversed(kept[:3]), strict=True):
            x = layer(torch.cat([functional.interpolate(x, scale_factor=2, mode="nearest"), beside], dim=1))
        return odds[:, 0], self.pixel(x)[:, 0]


def middle(x: Tensor) -> Tensor:
    """Return the mean over the four innermost pixels."""
    half = x.shape[2] // 2
    return x[:, :, half - 1 : half + 1, half - 1 : half + 1].mean(dim=(2, 3))


def weights(net: VerifierNet) -> dict[str, NDArray[np.float16]]:
    """Return the network's arrays by name: kernels (3, 3, inputs, outputs), matrices (inputs, outputs), biases."""
    arrays: dict[str, Tensor] = {}
    for group in ("down", "around", "up"):
        for i, layer in enumerate(getattr(net, group)):
            kernel, bias = layer.folded()
            arrays[f"{group}{i}.weight"], arrays[f"{group}{i}.bias"] = kernel.permute(2, 3, 1, 0), bias
    for name in ("lift", "hidden", "odds"):
        linear = getattr(net, name)
        arrays[f"{name}.weight"], arrays[f"{name}.bias"] = linear.weight.T, linear.bias
    arrays["pixel.weight"], arrays["pixel.bias"] = net.pixel.weight[:, :, 0, 0].T, net.pixel.bias
    plain = {name: each.detach().float().cpu().numpy() for name, each in arrays.items()}
    return {name: np.ascontiguousarray(each.astype(np.float16)) for name, each in plain.items()}
