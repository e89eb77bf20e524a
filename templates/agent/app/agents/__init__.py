"""Agents: who works on a run, the loop they think in, and the patterns in which they share the work."""
