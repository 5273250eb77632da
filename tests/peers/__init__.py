"""Clients that nobody here wrote, against the local AWS: `make peers`."""
