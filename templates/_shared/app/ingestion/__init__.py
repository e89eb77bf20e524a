"""From a file to searchable passages: read, clean, cut, embed, store."""
