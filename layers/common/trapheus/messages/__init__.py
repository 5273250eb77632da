"""What people and programs are told.

In the order in which to read: `channels` (which ways a message goes), `rendering` (how it is
shown), `failed_restore`, `failed_export`, `success` and `missed` (each makes a message of what
happened), `outcome` (its kind, its tag and its first sentences), `ways` (what to do) with
`proxy_targets`, in the words of `commands`, `databases` (what there is now), `facts` (what
happened), `moments` (times in words), `message` (what a message is) and `sections` (what it is made
of). The function that sends it is `src/notify/`.
"""
