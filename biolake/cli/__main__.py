"""`python -m biolake.cli` is `biolake`."""

from biolake.cli.main import main

main()
