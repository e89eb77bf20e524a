"""What brings the service to its users: what the cloud costs, and whether a canary may stay."""
