"""What the calls do, a module for each group of them; `@operation` puts a function into the table.

From top to bottom: `db_instances` and `db_clusters`; what they are restored from, `db_snapshots`,
`snapshot_copies` and `snapshot_sharing`. Each of the others stands for itself: `export_tasks`,
`cluster_endpoints`, `engine_versions`, `db_proxies` with their targets, and `related_resources`,
such as automated backups and blue/green deployments.
The calls on groups and tags are in `databases`.
"""
