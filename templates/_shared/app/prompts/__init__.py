"""Prompts as versioned files: what is said to a model is reviewed, dated and released like code."""
