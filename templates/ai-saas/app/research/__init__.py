"""The research assistant: search over many papers at once, cited summaries, references to take away."""
