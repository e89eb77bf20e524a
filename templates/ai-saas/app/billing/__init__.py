"""Plans, quotas and money: what an organisation uses is counted exactly once, held against its plan, and invoiced."""
