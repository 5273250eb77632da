"""Every fault at every call of the app, and whether each ends as it may: `make faults`."""
