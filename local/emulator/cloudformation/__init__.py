"""CloudFormation, and what `sam deploy` does for it.

From top to bottom: `deploy` reads a SAM template and sends it; `stacks` creates, updates, rolls
back and deletes in order what is in it; `stack_rules` says first whether the parameters fit the
template's rules; `stack_resources` has those types that moto lacks, `watch_resources` those of
CloudWatch.
"""
