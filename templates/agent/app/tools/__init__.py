"""What the agent can do: typed tools with a permission level, a time limit and a breaker each."""
