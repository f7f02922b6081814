"""The statements that every engine of the platform must agree on, on Trino."""

import pytest

from tests.sql.test_documentation import test_statements_of_the_page_run  # noqa: F401
from tests.sql.test_statements import *  # noqa: F403

pytestmark = pytest.mark.trino
