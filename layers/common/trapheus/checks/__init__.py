"""Looking before anything is touched: whether a database can be restored, and the plan for it.

In the order in which to read: `preflight` (look, run the checks, plan, conclude), `look` (what is
looked at, for both kinds), `checklist` (every check, in order, from which docs/preflight.md is
made) and `findings`. Then the checks by what they are about: `database`, `names`, `restorable`
(the snapshot, and the overrides), `availability` (version, classes, groups and keys),
`dependencies` and `quotas`. At last `plan`.
"""
