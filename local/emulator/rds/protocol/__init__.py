"""How a call comes in and its answer goes out.

From top to bottom: `wire`, the query protocol; `paging`, for what Describe returns; `rds_error`;
`model`, what botocore knows of RDS.
"""
