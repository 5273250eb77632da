"""What people and programs are told.

In the order in which to read: `channels` (which ways a message goes), `rendering` (how it is
shown), `failed_restore`, `failed_export`, `success` and `missed` (each makes a message of what
happened), `outcome` (its kind, its tag and its first sentences), `ways_out` (what to do), `facts`
(what happened), `moments` (times in words) and `message` (what a message is made of). The function
that sends it is `src/notify/`.
"""
