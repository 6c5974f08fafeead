"""The settings of the project types that ship with pushguide, one file each."""
