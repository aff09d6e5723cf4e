"""Constants of a model, and others to try."""

from __future__ import annotations

import pytest

from refnet.scoring import constants


def test_only_constants_that_there_are_can_be_changed() -> None:
    assert {**constants("1"), "newcomer": 0.5} == constants("1", {"newcomer": 0.5})
    assert 0.3 == constants("1")["newcomer"]
    with pytest.raises(ValueError, match="no constant 'new'; there are damping"):
        constants("1", {"new": 0.5})
    with pytest.raises(ValueError, match="damping = nan is not finite"):
        constants("1", {"damping": float("nan")})
    with pytest.raises(ValueError, match="no model '3'; choose one of 1, 2"):
        constants("3")
