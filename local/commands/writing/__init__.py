"""What is written anew from the app, by `local/commands/command_line.py`.

`mails` writes a message of each kind; `picture` draws the graphs of docs/state-machine.md; `events`
records events/functions/. None uses another.
"""
