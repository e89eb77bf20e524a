"""The portfolio rubric: reads a repository, generated or not, and says what it shows and what it lacks."""
