"""What runs on the master."""
