"""What who runs the service switches: features, for everybody or for one organisation."""
