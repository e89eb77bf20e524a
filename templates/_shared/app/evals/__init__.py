"""Evaluation: golden cases in, scores with their uncertainty out."""
