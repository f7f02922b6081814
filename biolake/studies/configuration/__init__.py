"""A study's configuration: what its document may say, how it is read, and the checks it must pass."""
