"""The emulated AWS: moto, mended where the app would see a difference, and an RDS of its own.

It knows nothing of the app. In the order of reading, each only needs those after it:

1. `cloud`: the whole of it, what a test holds in its hand: deploy, run, inject faults, listen.
2. `cloudformation`: the template, as `sam deploy` sends it, and the stacks.
3. `stepfunctions`: moto's interpreter of state machines, on virtual time and with AWS's errors.
4. `awslambda`: the functions, each in a process of its own, as Lambda keeps them.
5. `status_events`: EventBridge, and `moto_repairs`: what is mended in moto's other services.
6. `authorization`: whether the caller's role allows a call, by the policies in the template.
7. `rds`: the RDS; `moto_services` is what it asks of S3, IAM and KMS.
8. `calls`: a call as data, and the faults; `clock`: virtual time; `costs.toml`: what things take.
"""
