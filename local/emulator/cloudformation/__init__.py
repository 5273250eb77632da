"""CloudFormation, and what `sam deploy` does for it.

From top to bottom: `deploy` sends a SAM template; `stacks` creates, updates, rolls back and deletes
in order what is in one; `templates` reads it; `stack_rules` says first whether the parameters fit
the template's rules; `stack_resources` has those types that moto lacks, `watch_resources` those of
CloudWatch.
"""
