"""The command ``python -m execution.paper --folder FOLDER``, which starts the paper exchange."""

import sys

from execution.paper.cli import main

sys.exit(main())
