"""Organisations: members with roles, invitations, API keys, the audit log, and who may do what."""
