"""Where documents and their searchable passages are kept."""
