"""Write the tables that are missing or old below a parameters folder, by default the project's."""

import sys
from pathlib import Path

from ethics_kit import examples, project

found = Path(sys.argv[1]) if sys.argv[1:] else project.require_project(Path.cwd()).parameters
print(f"{len(examples.write_tables(found))} files written")
