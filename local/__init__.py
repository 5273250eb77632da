"""An AWS on this machine, in virtual time, and the commands that run the app in it.

Three rooms. `commands` is what one types, `python -m local run` and the others: it knows the app's
template and deploys it into a sample account. `emulator` is the AWS: it knows nothing of the app.
The two meet in commands/app.py: begin there. `servers` are real databases.

Every room has a first page like this one, which names what is in the room from top to bottom: each
imports only what is named after it. A test compares that with the imports.
"""
