"""Where the data come from: `refusals` (the checks), by `copying` (whose it is, what is copied)."""
