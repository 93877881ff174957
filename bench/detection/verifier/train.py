"""Train the verifier of single pictures' candidates: five folds to judge it by, and the model that ships.

    python -m bench.detection.verifier.train FOLDER OUT [--samples FILE] [--steps N] [--networks N] [--processes N]

FOLDER has single_frame/ and goes_3_9um/. Writes OUT/fold0.npz .. fold4.npz, of networks that have not seen that fold,
and OUT/model.npz, of networks that have seen everything; `bench.detection.single_frames` judges the folds, and the
model goes to services/ground_station/detection/verify/model.npz. Needs PyTorch (`pip install torch`), which the
product does not. On one H100 it takes minutes, on two CPU cores days; --samples holds the training pictures that
another machine gathered (it is written where it is missing).
"""

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.detection.verifier.pictures import FOLDS, Picture, load, save

SEED = 1
# What the shipped model had: 12 networks in 5 minutes of one H100.
STEPS, NETWORKS = 1591, 2
# Fold number of the networks that see everything.
ALL = -1
BATCH = 384
LEARNING_RATE = 2e-3
WEIGHT_DECAY = 0.05
# Shares of a batch: kind of picture and label to share. What the two below leave are windows anywhere in labelled
# pictures, for the masks alone.
SHARES = {
    ("labelled", 1): 0.22,
    ("labelled", 0): 0.26,
    ("painted", 0): 0.12,
    ("scene", 0): 0.10,
    ("noise", 0): 0.03,
    ("points", 1): 0.04,
    ("points", 0): 0.02,
}
# Share of a batch: real targets, laid over another picture.
PASTED = 0.16
# A false candidate is drawn in proportion to its odds of late, which no one falls below.
LEAST_HARDNESS = 0.15
PIXEL_WEIGHT = 20.0


@dataclass(frozen=True)
class Table:
    """Candidates to draw from: picture, row, column, label, share of a batch; (n,) each."""

    picture: NDArray[np.int64]
    row: NDArray[np.int64]
    column: NDArray[np.int64]
    label: NDArray[np.float32]
    share: NDArray[np.float32]

    @classmethod
    def of(cls, pictures: list[Picture]) -> "Table":
        """Return the decided candidates of the pictures."""
        parts = [np.column_stack([np.full(len(p.candidates), i), p.candidates]) for i, p in enumerate(pictures)]
        rows = np.concatenate(parts).astype(np.int64)
        kinds = np.array([pictures[i].kind for i in rows[:, 0]])
        share = np.zeros(len(rows), dtype=np.float32)
        for (kind, label), part in SHARES.items():
            own = (kinds == kind) & (rows[:, 3] == label)
            share[own] = part / max(1, int(own.sum()))
        kept = share > 0
        return cls(rows[kept, 0], rows[kept, 1], rows[kept, 2], rows[kept, 3].astype(np.float32), share[kept])


def train_one(samples: Path, fold: int, seed: int, steps: int) -> dict[str, NDArray[np.float16]]:
    """Return the weights of one network that has not seen `fold`'s pictures."""
    import torch

    from bench.detection.verifier import fields, net

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(1000 * (fold + 1) + seed)
    draw = torch.Generator(device=device).manual_seed(1000 * (fold + 1) + seed)
    pictures = [each for each in load(samples) if fold not in each.held_out_of]
    stack = fields.Stack.of(pictures, device)
    table = Table.of(pictures)
    label, share = (torch.from_numpy(each).to(device) for each in (table.label, table.share))
    places = [torch.from_numpy(each).to(device) for each in (table.picture, table.row, table.column)]
    hardness = torch.ones_like(share)
    anywhere = torch.tensor([i for i, p in enumerate(pictures) if p.kind in ("labelled", "painted")], device=device)
    empty = torch.tensor([i for i, p in enumerate(pictures) if p.kind == "painted"], device=device)
    # A labelled picture stands before the same one painted over.
    real = torch.tensor([pictures[i].kind == "labelled" for i in table.picture], device=device) & (label > 0)
    targets = torch.nonzero(real)[:, 0]
    pasted = round(BATCH * PASTED)
    loose = BATCH - round(BATCH * sum(SHARES.values())) - pasted

    model = net.VerifierNet().to(device).to(memory_format=torch.channels_last)
    decayed = [p for p in model.parameters() if p.ndim > 1]
    rest = [p for p in model.parameters() if p.ndim <= 1]
    optimiser = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": rest, "weight_decay": 0.0}],
        lr=LEARNING_RATE,
        fused=device.type == "cuda",
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=steps, pct_start=0.1)
    for step in range(steps):
        picked = torch.multinomial(share * hardness, BATCH - loose - pasted, replacement=True, generator=draw)
        given = targets[torch.randint(len(targets), (pasted,), device=device, generator=draw)]
        stray = torch.cat(
            [
                group[torch.randint(len(group), (count,), device=device, generator=draw)]
                for group, count in ((anywhere, loose), (empty, pasted))
            ]
        )
        at = torch.rand(2, len(stray), device=device, generator=draw)
        where = fields.Place(
            torch.cat([places[0][picked], stray]),
            torch.cat([places[1][picked], (at[0] * stack.rows[stray]).long()]),
            torch.cat([places[2][picked], (at[1] * stack.columns[stray]).long()]),
        )
        donor = fields.Place(*(each[given] for each in places))
        fine, coarse, mask, holds = fields.cut(stack, where, draw, donor)
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            odds, pixels = model(
                fine.contiguous(memory_format=torch.channels_last),
                coarse.contiguous(memory_format=torch.channels_last),
            )
        odds, pixels = odds.float(), pixels.float()
        unknown = torch.full((loose,), -1.0, device=device)
        truth = torch.cat([label[picked], unknown, torch.where(holds, 1.0, -1.0)[-pasted:]])
        loss = _loss(odds, truth, pixels, mask)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimiser.step()
        schedule.step()
        with torch.no_grad():
            chance = torch.sigmoid(odds[: len(picked)]).clamp_min(LEAST_HARDNESS)
            hardness[picked] = torch.where(label[picked] > 0, 1.0, 0.5 * hardness[picked] + 0.5 * chance)
        if step % 250 == 0 or step == steps - 1:
            print(f"fold {fold} seed {seed} step {step} loss {loss.item():.4f}", flush=True)
    return net.weights(model.eval())


def _loss(odds: Any, label: Any, pixels: Any, mask: Any) -> Any:
    """Return cross entropy of candidates and of pixels, and 1 - soft overlap of targets' masks; label -1: none."""
    from torch.nn import functional

    known = label >= 0
    whose = functional.binary_cross_entropy_with_logits(odds[known], 0.98 * label[known] + 0.01)
    each = functional.binary_cross_entropy_with_logits(pixels, mask)
    real = label > 0
    chance, truth = pixels[real].sigmoid().flatten(1), mask[real].flatten(1)
    both = (chance * truth).sum(dim=1) + 1.0
    either = (chance + truth - chance * truth).sum(dim=1) + 1.0
    return whose + PIXEL_WEIGHT * each + (1 - both / either).mean()


def main(arguments: list[str]) -> None:
    """Train all networks and write their files."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.detection.verifier.train",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, help="recorded data: single_frame/ and goes_3_9um/")
    parser.add_argument("out", type=Path, help="where the folds' networks and the model go")
    parser.add_argument("--samples", type=Path, help="training pictures; written where missing")
    parser.add_argument("--steps", type=int, default=STEPS, help="of each network's training")
    parser.add_argument("--networks", type=int, default=NETWORKS, help="trained for each fold")
    parser.add_argument("--processes", type=int, default=6, help="that train side by side")
    options = parser.parse_args(arguments)
    try:
        import torch
    except ImportError:
        sys.exit("PyTorch is missing: pip install torch (for the training only)")
    options.out.mkdir(parents=True, exist_ok=True)
    samples = options.samples or options.out / "samples.npz"
    if not samples.exists():
        from bench.detection.verifier.samples import gather

        save(samples, gather(options.folder, SEED))
    jobs = [(fold, seed) for fold in (*range(FOLDS), ALL) for seed in range(options.networks)]
    processes = options.processes if torch.cuda.is_available() else 1
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        running = {job: pool.submit(train_one, samples, *job, options.steps) for job in jobs}
        for fold in (*range(FOLDS), ALL):
            name = "model.npz" if fold == ALL else f"fold{fold}.npz"
            arrays = {
                f"{seed}.{key}": array
                for seed in range(options.networks)
                for key, array in running[fold, seed].result().items()
            }
            np.savez(options.out / name, **arrays)  # type: ignore[arg-type]


if __name__ == "__main__":
    main(sys.argv[1:])
