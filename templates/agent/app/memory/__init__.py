"""Memory: the window of one conversation, and what is kept for an owner beyond it."""
