"""Compiles the satellites' and the relay's kernels, or finds them compiled: `python -m services.stack.compile_kernels`.

numba compiles at import and keeps the result. Four satellites that start at once on a fresh machine would all compile
the same kernels; so the launcher has one process do it, while the servers start.
"""

import importlib

MODULES = (
    "sat_emulator.scene.earth.kernels.patches",
    "sat_emulator.scene.earth.kernels.shading",
    "sat_emulator.sensor.kernels",
    "services.relay.network.kernels.geometry",
    "services.relay.network.kernels.paths",
)


def main() -> None:
    """Import every module of kernels."""
    for name in MODULES:
        importlib.import_module(name)


if __name__ == "__main__":
    main()
