"""Step Functions: moto's interpreter of state machines, mended.

From top to bottom: `interpreter` has the mendings, with virtual time among them; `definitions`
reads each definition once; `service_api` has the mendings of the API around it; `query_language`,
JSONata and variables; `task_errors` has the names of the errors that a Task fails with; `map_runs`,
the Distributed Map.
"""
