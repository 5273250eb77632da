"""An example of a hook that never answers: Lambda ends it when its time is over."""

import time


def handler(event, context):
    """Wait for what does not come."""
    while True:
        time.sleep(60)
