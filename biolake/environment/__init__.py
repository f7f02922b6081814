"""The environment as the settings read it: names, URLs, secrets in files, rules. The model is `biolake.settings`."""
