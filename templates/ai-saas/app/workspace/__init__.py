"""One organisation's workspace: its documents, questions and answers, shared conversations and exports."""
