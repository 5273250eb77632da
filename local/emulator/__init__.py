"""The emulated AWS: moto, mended where an app would see a difference, and an RDS of its own.

It knows nothing of the app. From top to bottom:

- `cloud`: the whole of it, what a test holds in its hand: deploy, run, inject faults, listen.
- `moto_repairs`: what is mended in moto; the stacks are in `cloudformation`.
- `stepfunctions`: moto's interpreter of state machines, on virtual time and with AWS's errors.
- `cloudwatch`: metrics and alarms, out of what the functions log and other services measure.
- `awslambda`: the functions, each in a process of its own, as Lambda keeps them.
- `status_events`: EventBridge and its schedules; `deliveries`: what it hands over, dead letters;
  `event_patterns`: which event fits.
- `calls`: a call as data, and the faults.
- `moto_services`: what the RDS asks of S3, IAM and KMS.
- `authorization`: whether the caller's role allows a call, by its policies at that moment.
- `rds_elsewhere`: what RDS has in other services, such as secrets and tags.
- `volumes`: PostgreSQL behind the databases, where a run needs their data.
- `rds`: the RDS.
- `clock`: virtual time. costs.toml says what takes how long.
"""
