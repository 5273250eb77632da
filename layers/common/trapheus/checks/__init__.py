"""Looking before anything is touched: what `preflight` runs.

In the order in which to read: `checklist` (every check, in order, from which docs/preflight.md is
made) and `plan`, which makes the plan. Then the checks by what they are about: `database`, `names`,
`restorable` (the snapshot, and the overrides), `availability` (version, classes, groups and keys),
`quotas`, `dependencies` and `source` (whose data they are, and what is copied for it). At last what
all of them use: `look` (what is looked at, for both kinds) and `findings`.
"""
