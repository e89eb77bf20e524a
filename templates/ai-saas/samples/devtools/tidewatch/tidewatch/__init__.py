"""Reads water gauges, predicts levels and warns ferry operators."""
