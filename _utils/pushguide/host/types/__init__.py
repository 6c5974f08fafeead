"""The project types that ship with pushguide, one file each."""
