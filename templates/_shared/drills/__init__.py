"""Drills: each breaks the running service for real and shows the alert, what callers see, and the recovery.

`make drill-…` runs one. They start a service of their own with data of its own; yours is not touched.
"""
