"""The legal assistant's own room: contracts as clauses, compared, searched and read for risks."""
