"""What people see is the data's text: no text crashes a command or drives the terminal."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from biolake.cli.output import clean, fail, print_json, print_table, say
from biolake.errors import BiolakeError

HOSTILE = "[/bold] [red]x[/] [link=http://a.example]b[/link] \x1b[2J\x1b]0;title\x07 \x9b31m a\nb\udc80 \u202etxt"


def test_a_table_shows_hostile_text_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(HOSTILE, (HOSTILE, "b"), [(HOSTILE, [HOSTILE, "[/]"]), (None, "\\")])
    shown = capsys.readouterr().out
    assert "[/bold] [red]x[/]" in shown
    assert not set("\x1b\x07\x9b\udc80\u202e") & set(shown)


def test_an_error_shows_hostile_text_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    fail(BiolakeError(f"first {HOSTILE}\nsecond"), as_json=False)
    assert "\x1b" not in capsys.readouterr().err
    fail(BiolakeError(HOSTILE), as_json=True)
    assert "\\udc80" in capsys.readouterr().err


def test_json_of_a_name_that_is_no_text(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"name": "a\udc80", "title": "\N{GREEK SMALL LETTER ALPHA}"})
    assert capsys.readouterr().out == '{\n "name": "a\\udc80",\n "title": "\N{GREEK SMALL LETTER ALPHA}"\n}\n'


@given(st.text())
def test_any_text_can_be_said(text: str) -> None:
    into = io.StringIO()
    say(Console(file=into, force_terminal=True, color_system=None), text)
    into.getvalue().encode()
    assert "\x1b" not in into.getvalue()
    assert "\n" not in clean(text).plain
