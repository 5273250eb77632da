"""What another database's data need: `copies` of a snapshot, and `passwords`.

`candidates` says which snapshot is the newest, of another database or its own.
"""
