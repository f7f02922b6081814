"""From what SKDH returned for one recording to tables that a study can keep, with provenance in every row.

`store.store_results` is the door for one recording and pipeline, `read.results_table` for reading, `summarise` for
subjects and visits, `replay` for recomputing. Running SKDH is `biolake.studies.processing`.
"""
