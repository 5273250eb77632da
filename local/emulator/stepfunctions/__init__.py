"""Step Functions: moto's interpreter of state machines, mended.

From top to bottom: `interpreter` has the mendings, with virtual time among them; `task_errors`
has the names of the errors that a Task fails with; `map_runs`, the Distributed Map.
"""
