"""What the columns of results mean: SKDH's steps, each with what it gives. What the platform adds is `columns`."""
