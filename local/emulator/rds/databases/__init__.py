"""What instances and clusters are made of, whatever call makes or changes them.

`planting` puts one there as a description shows it.
From top to bottom: `multi_az_clusters` and `cluster_members`, the members of either sort of
cluster; `lifecycle`, what both kinds go through; `available`, the versions and classes that there
are; `settings`, how a parameter shows in what Describe returns; `windows`, when RDS works by
itself, and the backups of each day; `tags` and `groups`, with the calls on them; `parts`, whose
statuses go on for a while.
"""
