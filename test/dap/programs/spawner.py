"""Starts other processes in the ways that programs do; each child runs tasks of its own."""

import asyncio
import multiprocessing
import os
import subprocess
import sys


async def child_main(name):
    await asyncio.sleep(0.3)
    print("child", name, os.getpid(), flush=True)  # @child


def child(name):
    asyncio.run(child_main(name))


async def main(how):
    if how == "subprocess":
        process = await asyncio.create_subprocess_exec(sys.executable, os.path.abspath(__file__), "--child")
        code = await process.wait()
    elif how == "popen":
        code = await asyncio.get_running_loop().run_in_executor(
            None, subprocess.call, [sys.executable, os.path.abspath(__file__), "--child"]
        )
    else:
        process = multiprocessing.get_context(how).Process(target=child, args=(how,))
        process.start()
        while process.is_alive():
            await asyncio.sleep(0.02)
        code = process.exitcode
    print("parent", how, code, flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "--child":
        child("exec")
    else:
        asyncio.run(main(sys.argv[1]))
