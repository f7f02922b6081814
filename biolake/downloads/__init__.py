"""Public data fetched from the archives that publish it, file by file, into a folder.

Only fetching is here: what a file holds is told by `biolake.formats`, and a downloaded file is uploaded like any other.
"""
