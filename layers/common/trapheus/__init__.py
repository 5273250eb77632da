"""What all steps of Trapheus share; deployed as a Lambda layer."""
