"""The evaluation of the agent: golden objectives in, and how well their runs went."""
