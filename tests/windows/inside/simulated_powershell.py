"""SIMULATED powershell.exe: to come."""
