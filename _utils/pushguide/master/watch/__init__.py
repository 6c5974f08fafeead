"""What the engine of a master watches over, by itself, for as long as the master runs."""
