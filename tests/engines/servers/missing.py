"""What a server needs that this machine has not: a reason to skip, and a failure in CI."""

import os

import pytest


def unavailable(what: str) -> None:
    """Skip the tests that ask for the server; fail where `CI` says that it has to be there."""
    if os.environ.get("CI") == "true":
        pytest.fail(what, pytrace=False)
    pytest.skip(what)
