"""What the calls do, a module for each group of them; `@operation` puts a function into the table.

In the order of reading: `db_instances` and `db_clusters`, then `db_snapshots` and
`snapshot_copies`, which both are restored from. Each of the others stands for itself:
`export_tasks`, `cluster_endpoints`, `engine_versions`, and `related_resources`, such as automated
backups and blue/green deployments. The calls on groups and tags are in `databases`.
"""
