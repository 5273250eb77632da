"""How a call comes in and its answer goes out.

In the order of reading, each only needs those after it: `wire`, the query protocol; `paging`, for
what Describe returns; `rds_error`; `model`, what botocore knows of RDS.
"""
