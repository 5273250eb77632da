"""Lambda: functions that start cold, stay warm, time out and are killed.

From top to bottom: `functions` invokes, from this process; `environment` is the other end, the
process that loads a handler and calls it.
"""
