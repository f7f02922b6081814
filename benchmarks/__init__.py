"""Speed, measured by scripts: each prints a table with the machine's size and a baseline from the same run."""
