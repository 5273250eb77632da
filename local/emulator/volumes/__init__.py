"""Real data behind databases, which they have only where a run needs it.

`real_volumes` is what the local RDS tells of them; `volume`, the files of one database or snapshot
and the PostgreSQL that serves them; `addresses`, where: each name has an address of this machine.
"""
