"""What is asked of RDS, for instances and clusters.

In the order in which to read, first by step: `source` (another database's data), `snapshots`,
`endpoints` (custom ones), `proxies`, `exports`, `deletion` (of the original) and `rollback`. Then
what they use: `members` of a cluster, `multi_az` (clusters whose members are RDS's own), `waiters`
and `access` (the client, and descriptions).
"""
