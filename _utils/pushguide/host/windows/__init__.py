"""What only a Windows host has: its service control manager, IIS and the Task Scheduler."""
