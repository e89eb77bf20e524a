"""Runs: a goal carried out step by step, stored so that it survives the process that began it."""
