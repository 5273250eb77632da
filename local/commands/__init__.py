"""What one types: `python -m local` with run, serve, picture or events.

In the order of reading: `command_line` takes the arguments apart and has `run` in it. `app` is the
emulator with the app's stack deployed, in the sample account that `account` builds; the tests use
both too. What a run shows while it goes on is in `terminal`, what it says at the end in `report`.
`serve` keeps all that up on a port, for other programs. `picture` draws the README's picture, and
`events` records events/functions/.
"""
