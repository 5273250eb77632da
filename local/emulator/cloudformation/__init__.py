"""CloudFormation, and what `sam deploy` does for it.

From top to bottom: `stacks` creates, updates, rolls back and deletes in order what is in a
template; `deploy` reads one and sends it; `stack_rules` says first whether the parameters fit the
template's rules; `stack_resources` has those types that moto lacks, `watch_resources` those of
CloudWatch.
"""
