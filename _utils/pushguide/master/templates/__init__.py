"""Templates: what operations say once about a module, read and validated."""
