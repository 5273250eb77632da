"""The mail about a failure.

In the order in which to read: `failed_restore` and `failed_export` (the sections of a mail), `ways`
and `advice` (what to do) with `proxy_targets` and `custom_endpoints`, in the words of `commands`,
`databases` (what there is now), `facts` (what happened) and `sections` (how they are shown). The
function that sends it is `src/notify/`.
"""
