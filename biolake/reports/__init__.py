"""What the platform can say of itself: summaries of repositories, and the proof that all of its stores agree."""
