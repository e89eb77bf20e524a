"""Tenancy: each organisation's data are its own, in files on a laptop and by row-level security on PostgreSQL."""
