"""What is asked of RDS, for instances and clusters.

In the order in which to read, first by step: `snapshots`, `endpoints` (custom ones), `proxies`,
`source` (another database's data), `exports`, `deletion` (of the original) and `rollback`. Then
what they use: `members` of a cluster, `multi_az` (clusters whose members are RDS's own), `waiters`
and `access` (the client, and descriptions).
"""
