"""Reports: the statistics of a module or a team over a period, to be read and mailed."""
