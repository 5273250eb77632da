"""The SQL hook: runs a script and checks on a restored copy, in as many invocations as it takes.

`run` is the whole: it takes the lock, goes on where the notes say, and checks. It uses `checks`
(what a value is compared with), `notes` (which statement has ended, kept in the copy), `connecting`
(the secret, TLS), the two families of engines, `postgresql` and `mysql`, and what a `database` can
do. `statements` says which statements are refused, repeated or without a transaction, and `script`
takes a script apart.
"""
