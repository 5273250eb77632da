"""What a person or a tool asks of RDS besides: this app makes none of these calls.

Each by itself: `points_in_time`, restores without a snapshot; `failovers`;
`group_parameters`, what is in parameter groups; `database_events`; `logs_and_maintenance`.
"""
