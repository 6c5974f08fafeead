"""The inventory: where a module's runtime is on each host, who says so, and who is believed."""
