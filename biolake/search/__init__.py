"""Finding datasets by their text and metadata: the query language, the index's interface and its engines.

Call `biolake.search.open.open_index`. What is indexed is derived from the lake and may be rebuilt from it at any time;
SQL over the lake is `biolake.sql`, ontology synonyms are `biolake.ontology`.
"""
