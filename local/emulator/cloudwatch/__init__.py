"""CloudWatch as the app needs it: metrics out of logs and of other services, and alarms.

From top to bottom: `watch` brings metrics and alarms up to the present; `alarm_states` says which
state an alarm is in, and which alarms there may be; `observations` are what other services measure;
`embedded_format` reads the metrics in a line of a log.
"""
