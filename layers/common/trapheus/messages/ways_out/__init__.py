"""What to do about a failure.

In the order in which to read: `ways` (the ways out where two databases stay) and `advice` (about
every other error), with `proxy_targets`, `custom_endpoints` and `snapshot_copy` (of a source),
in the words of `commands`, for what `databases` finds.
"""
