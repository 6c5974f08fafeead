"""Statistics: what the record teaches. What each number means stands in :mod:`.definitions`."""
