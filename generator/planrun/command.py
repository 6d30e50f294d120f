"""The command as it is typed in the repository's folder, where nothing has been activated."""

import os
from pathlib import Path

# As it is typed in the repository's folder, where nothing has been activated.
COMMAND = f"{Path('.venv', 'Scripts' if os.name == 'nt' else 'bin', 'python')} -m {__package__}"
