"""What has to do with an execution and with no database.

In the order in which to read: `lock` (which execution may change a database), `executions` (as Step
Functions shows them), `fleet` (the objects of a fleet), `logs`, `metrics`, `formats` (of plans),
`clients` (how patient they are), `errors` (how AWS's become the app's own), `exceptions` (which
there are) and `constants`.
"""
