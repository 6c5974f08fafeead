"""Measurements of pushguide against floors and peers, each in one run."""
