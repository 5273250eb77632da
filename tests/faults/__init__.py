"""Every fault at every call of the app, generated, and whether each ends as it may: `make faults`."""
