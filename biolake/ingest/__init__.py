"""From a lot of jobs to rows in the lake and documents in the index. Making lots is `biolake.arrivals`."""
