"""What runs on minions: the standard library and Salt, nothing else."""
