"""Lambda: functions that start cold, stay warm, time out and are killed.

In the order of reading: `functions` invokes, from this process; `environment` is the other end, the
process that loads a handler and calls it.
"""
