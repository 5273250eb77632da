"""`python -m local COMMAND`: see local/commands/command_line.py."""

import sys

from local.commands.command_line import main

if __name__ == "__main__":
    sys.exit(main())
