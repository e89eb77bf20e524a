"""Where readings come from; each source yields raw lines."""
