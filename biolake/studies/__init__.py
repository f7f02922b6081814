"""Studies: configuration, catalog, requirements, processing of wearable recordings, results and report."""
