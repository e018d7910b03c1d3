"""``python -m execution.paper --folder FOLDER``."""

import sys

from execution.paper.cli import main

sys.exit(main())
