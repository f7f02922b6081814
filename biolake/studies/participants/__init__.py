"""What is known of a study's participants, and what recordings wait for."""
