"""Crowds in the tracker: where untangling fails, tracks stay as they are."""

import numpy as np
import pytest

from services.ground_station.tracking.crowd import crowds
from services.ground_station.tracking.rehearsal import rehearse


def test_crowd_that_cannot_be_untangled_is_followed_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def singular(*_: object) -> float:
        tried.append(1)
        raise np.linalg.LinAlgError("Matrix is singular to machine precision.")

    monkeypatch.setattr(crowds, "untangle", singular)
    # Two rockets beside each other, taken for one or for two, and for no fire.
    assert rehearse() >= 1
    assert tried
