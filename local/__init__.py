"""An AWS on this machine, in virtual time, and the commands that run the app in it.

Two rooms. `emulator` is the AWS: it knows nothing of the app, and a test sees to that. `commands`
is what one types, `python -m local run` and the others: it knows the app's template and deploys it
into a sample account. Begin with `commands/app.py`, where the two meet.
"""
