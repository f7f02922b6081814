"""The engine of production: an OpenSearch cluster. Its face is `index`."""
