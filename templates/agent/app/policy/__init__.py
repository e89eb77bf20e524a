"""The model for machines without a key: rules that read the agent's prompts and call the agent's tools."""
