"""Lets a peer sleep a tenth of the time: the local AWS goes faster than real time too."""

import time

sleep = time.sleep
time.sleep = lambda seconds: sleep(seconds / 10)
