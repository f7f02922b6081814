"""From objects in a bucket to lots of jobs: look, admit, cut. Reading and storing datasets is `biolake.ingest`."""
