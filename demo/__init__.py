"""A private Salt on one machine, and what pushguide does with it."""
