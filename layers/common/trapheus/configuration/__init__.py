"""What a database is set to: read into the plan, asked for, and compared.

In the order in which to read: `overrides` (what a request asks for instead of the original's),
`combinations` (what RDS would refuse of it), `storage`, `certificates` and `inherited` (what RDS
does not take as it was), `by_phase` (what the copy has at which moment), `comparison` (builds the
calls, and compares), `attributes` (the table behind all) and `statuses` (what that of a part says).
"""
