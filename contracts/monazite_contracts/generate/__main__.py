"""`python -m monazite_contracts.generate DIR`: writes schemas, examples, AsyncAPI, vectors and pages."""

import sys
from pathlib import Path

from monazite_contracts.generate.files import write_files

if __name__ == "__main__":
    write_files(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/contracts"))
