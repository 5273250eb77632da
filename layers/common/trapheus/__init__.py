"""What all steps of Trapheus share; deployed as a Lambda layer.

`sql` is all that the SQL hook does. An execution uses the rest in this order: `requests` (what an
input may say, by `source_keys` of where the data come from, by `hooks` of what is run on them),
`preflight` (whether it can be done, and the plan for it) with its `checks`, `summary` (its output),
`leftovers` (what earlier ones have left), `monitoring` (how long it took, and when there was a
success) and `messages` (what is told); `last_events` goes with the steps whose database may fail.
Below them, each using only what comes later: `configuration` (what a database is set to, and how a
copy comes to it), `rds` (what is asked of RDS), `snapshot_names`, `sql_hook` (what the SQL hook can
be handed, and of what) and `execution` (lock, errors, logs: what has to do with no database).
"""
