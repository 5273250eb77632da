"""What is known of the app from outside of its executions.

In the order in which to read: `figures` (how long an execution took, and each part of it) and
`successes` (when each database was last restored). What they say becomes a metric by
`execution.metrics`.
"""
