"""The company's own documents, cut by headings and kept in the shared search index."""
