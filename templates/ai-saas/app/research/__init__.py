"""The research assistant: search over many papers at once, cited summaries of the literature, references to take away."""
