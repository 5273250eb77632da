"""What one types: `python -m local` with run, serve, mails, picture or events.

From top to bottom: `command_line` takes the arguments apart, and has the command run in it. `serve`
keeps all up on a port, for other programs; `writing` writes anew what follows from the app;
`others` makes what an event needs of another account, and `sample_hooks` the functions of
events/hooks that it names. They all use `app`, the emulator with the
app's stack deployed, in the sample account that `account` builds, as the tests do; `customers` are
the rows of the databases that have real data. `terminal` shows a run while it goes on, and `report`
says at the end what it did.
"""
