"""One standard over many repositories: what an instructor runs over a roster of learners."""
