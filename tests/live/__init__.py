"""Live tables against a real Docker daemon."""
