"""The task of the README: embed a program, run it, read it while it runs, stop it.

Usage: python readme_sync.py PATH_OF_THE_TICKER_PROGRAM
"""

import sys
from pathlib import Path

import process_manager as pm

program = Path(sys.argv[1]).read_bytes()  # a wheel would use importlib.resources

with pm.ProcessManager() as manager:
    manager.extractor.add_binary("my_program", program)
    directory = manager.extractor.temp_dir
    with manager.start("my_program", ["50"], name="my_process") as process:
        for line in process.output():
            print(line)
            if line == "tick 3":
                break
    print(f"{process.name}: {process.status}, {process.exit_status}")
print(f"directory removed: {not directory.exists()}")
