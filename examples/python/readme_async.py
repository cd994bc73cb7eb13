"""The task of the README under asyncio: embed a program, run it, read it while it runs, stop it.

Usage: python readme_async.py PATH_OF_THE_TICKER_PROGRAM
"""

import asyncio
import sys
from pathlib import Path

import process_manager as pm


async def main(program: bytes) -> None:
    async with pm.ProcessManager() as manager:
        manager.extractor.add_binary("my_program", program)
        directory = manager.extractor.temp_dir
        async with manager.start("my_program", ["50"], name="my_process") as process:
            async for line in process.output():
                print(line)
                if line == "tick 3":
                    break
        print(f"{process.name}: {process.status}, {process.exit_status}")
    print(f"directory removed: {not directory.exists()}")


asyncio.run(main(Path(sys.argv[1]).read_bytes()))
