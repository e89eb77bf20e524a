"""Customer support: tickets in, suggested replies with sources out, and a person where a machine should not answer."""
