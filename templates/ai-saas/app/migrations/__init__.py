"""Changes of the service's own tables, one file each in `versions/`."""
