"""docs/settings.md lists the settings as they are."""

from pathlib import Path

from biolake.environment.documentation import updated

PAGE = Path(__file__).resolve().parents[2] / "docs" / "settings.md"


def test_page_lists_the_settings_as_they_are() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert updated(page) == page, "run: python -m biolake.environment.documentation docs/settings.md"
