"""What earlier executions have left standing: the answer of the task `inspect`.

In the order in which to read: `inventory` (the answer), `clearing` (what clears each of it),
`holders` (the locks, and whose they are), `standing` (the databases and snapshots) and `prices`
(what they cost).
"""
