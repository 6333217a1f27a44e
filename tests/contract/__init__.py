"""Every engine against the real thing, by one suite."""
