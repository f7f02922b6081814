"""The `biolake` command: one module per command. What a command does is in the library; here it is asked and shown."""
