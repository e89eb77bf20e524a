"""The developers' own room: repositories read as code, searched, and explained by who imports whom."""
