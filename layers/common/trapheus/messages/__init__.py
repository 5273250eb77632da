"""The messages about what happened.

In the order in which to read: `channels` (the ways that a message goes), `failed_restore`,
`failed_export` and `success` (what each says), with `outcome` (the state of the database), `ways`
(what to do) with `proxy_targets`, in the words of `commands`, `databases` (what there is now),
`facts` (what happened), `message` (what all ways are made of) and `sections` (how it is shown).
The function that sends it is `src/notify/`.
"""
