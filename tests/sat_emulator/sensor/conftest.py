"""Small fields of the Earth's texture: these tests look at some hundred kilometres, and make many scenarios."""

from collections.abc import Iterator

import pytest

from sat_emulator.scene.earth import background


@pytest.fixture(scope="module", autouse=True)
def _small_fields() -> Iterator[None]:
    background.shared_fields.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(background, "FINE_SIDE", 256)
        patch.setattr(background, "COARSE_SIDE", 128)
        yield
    background.shared_fields.cache_clear()
