"""What pushguide does on Windows, on a real Windows Python with a real Salt, under Wine.

A test takes the nearest of these that is real enough for it:

- ``IisHere`` (iis_here.py): Salt's win_iis in this Python, against the simulated IIS. Needs no
  Wine and no time; for decisions, and for the lines that PowerShell is given.
- ``windows`` (conftest.py): one Windows Python that stays, with Salt's modules. ``windows.salt``
  calls one of them, ``windows.call`` a function of ``inside`` or of the project. Services, the
  registry and file locks are real; IIS and the Task Scheduler are simulated, and refuse what
  they do not know.
- ``WineMinion`` (wine_minion.py): a minion daemon for a master on Linux.
- ``fleet`` (conftest.py, fleet.py): a master with two such minions and a Linux one, which stay;
  for what is promised of whole deployments. Its modules (fleet_modules.py) tell the truth on hosts.

lab.py installs it all, and says where Wine differs from Windows.
"""
