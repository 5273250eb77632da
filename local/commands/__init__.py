"""What one types: `python -m local` with run, serve, mails, picture or events.

From top to bottom: `command_line` takes the arguments apart, and has the command run in it. `serve`
keeps all up on a port, for other programs; `mails` writes a message of each kind; `picture` draws
the README's picture; `events` records events/functions/. They all use `app`, the emulator with the
app's stack deployed, in the sample account that `account` builds, as the tests do, with what
`others` makes for an event in another account. `terminal` shows a run while it goes on, and
`report` says at the end what it did.
"""
