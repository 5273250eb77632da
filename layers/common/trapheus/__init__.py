"""What all steps of Trapheus share; deployed as a Lambda layer.

An execution uses it in this order: `requests` (what an input may say), `preflight` (whether it can
be done, and the plan for it) with its `checks`, `summary` (its output) and `messages` (what people
and programs are told). Below them, each using only what comes later: `configuration` (what a
database is set to, and how a copy comes to it), `rds` (what is asked of RDS) and `execution` (lock,
errors, logs: what has to do with no database).
"""
