"""What a study's manager reads: self-contained pages of a study and of a recording, and their pictures.

`pages.study_report` and `pages.recording_report` are the doors. Results come from `biolake.studies.results`.
"""
