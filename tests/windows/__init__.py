"""A real Windows Python with real Salt, under Wine."""
