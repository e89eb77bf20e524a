"""The HTTP edge: one application factory, authentication, problem responses, health."""
