"""Messages to a study's people: kept in a table, delivered by log, webhook or queue."""
