"""YAML documents read strictly: every mistake at once, each with its line. What a document means is its model's."""
