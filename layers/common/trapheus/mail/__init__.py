"""The mail about a failure.

Read `facts` (what happened), `databases` (what stands), `ways` (what to do, in the words of
`commands`), then `failed_restore` and `failed_export` (the sections of a mail), and `sections` (how
they are shown). The function that sends it is `src/email/`.
"""
