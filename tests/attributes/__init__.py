"""Every attribute set to something else than the default, restored and compared."""
