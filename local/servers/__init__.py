"""Real database servers on this machine, whose certificates an authority of its own signs.

`postgresql` and `mariadb` make a server's folder, start it and stop it; both use `processes` (as
which user, and when it answers) and `authority` (who says that it is the one).
`keeper` ends what a process has left running that was killed. They know nothing of the app, nor of
the emulated AWS.
"""
