"""What is asked of RDS, for instances and clusters.

In the order in which to read, first by step: `snapshots`, `exports`, `sources` (the copy of a
snapshot that cannot be restored as it is), `endpoints` (custom ones), `passwords`, `proxies`,
`deletion` (of the original) and `rollback`. Then what they use: `members` of a cluster, `multi_az`
(clusters whose members are RDS's own), `waiters`, `access` (the client, and descriptions) and
`snapshot_names`.
"""
