"""What another database's data need: `copies` of a snapshot, and `passwords`."""
