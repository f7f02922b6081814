# What people do daily.

# Format, lint and types, as CI checks them.
check:
    uv run ruff format --check .
    uv run ruff check .
    uv run pyright

# Tests.
test *ARGS:
    uv run pytest {{ARGS}}

# Tests on real servers, built on first use: docs/engines-in-tests.md.
engines *ARGS:
    uv run pytest -m engines tests/engines {{ARGS}}

# SQL on a real Trino, 821 MB to fetch once: docs/sql-on-trino.md.
trino *ARGS:
    uv run pytest -m trino tests/engines/trino {{ARGS}}

# The platform's image, built without a registry and deployed on a real cluster: docs/engines-in-tests.md.
image-test *ARGS:
    uv run pytest -m image tests/engines/image {{ARGS}}

# Twenty kills of processes of a deployment on production engines: docs/engines-in-tests.md.
kills *ARGS:
    uv run pytest -m kills -s tests/engines/production/test_kills_in_production.py {{ARGS}}

# The deployment with its UI.
ui:
    uv run biolake up

# One benchmark, as in `just bench ingest`.
bench NAME *ARGS:
    uv run python benchmarks/{{NAME}}.py {{ARGS}}
