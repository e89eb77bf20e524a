"""Accounts: people, their passwords and sessions, and the proofs that arrive by e-mail."""
