"""Deployments without a pause, and faults among them."""
