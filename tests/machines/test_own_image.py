"""Without a word about their image, runs are refused with a remedy; a real pod is in tests/engines/image."""

import pytest

from resources.own_image import NoImage, own_image


def test_outside_of_a_pod_nothing_says_which_image_runs_are_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POD_NAME", raising=False)
    with pytest.raises(NoImage, match="job_image nor POD_NAME"):
        own_image(None, "biolake", 1)
