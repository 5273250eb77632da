"""The SQL hook: runs a script and checks on a restored copy, in as many invocations as it takes.

`run` is the whole: it takes the lock, goes on where the notes say, and checks. It uses `checks`
(what a value is compared with), `notes` (which statement has ended, kept in the copy), `statements`
(which are refused, repeated or without a transaction), `session_values` (which take or leave what
only their session has), `script` (which takes a script apart), `connecting` (the secret, TLS) and
the two families of engines, `by_psycopg` and `by_pymysql`, each of which is a `session`.
"""
