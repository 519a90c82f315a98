"""Functions computed by other Python processes, for work that holds the interpreter's lock.

The processes import nothing of the caller's program: they start at once, also from a notebook or a
script without a main guard, and need no Keras.
"""

import concurrent.futures
import importlib
import os
import pickle
import queue
import subprocess
import sys

# Under the name of the command `import fcn_keras` does not load Keras.
_CHILD = "import sys; sys.argv[0] = 'fcn-keras'; from fcn_keras.processes import serve; serve()"


class Processes:
    """Python processes that compute functions of modules, each one call at a time.

    They start with the first call. `close` ends them; so does leaving a `with` block.

    Args:
        count: Number of processes.

    Example:

    ```python
    with Processes(2) as processes:
        processes.submit("math:hypot", 3, 4).result()       # 5.0
    ```
    """

    def __init__(self, count):
        self.count = count
        self._threads = concurrent.futures.ThreadPoolExecutor(count)
        self._idle, self._started = queue.SimpleQueue(), []
        for _ in range(count):
            self._idle.put(None)

    def submit(self, function, *arguments):
        """Returns the future of a call.

        Args:
            function: "module:name" of a function that the processes can import.
            *arguments: What pickle can hold.
        """
        return self._threads.submit(self._call, function, arguments)

    def close(self):
        """Ends the processes; calls that wait are not made any more."""
        self._threads.shutdown(cancel_futures=True)
        for process in self._started:
            process.stdin.close()
            process.wait()
            process.stdout.close()
        self._started = []

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def _call(self, function, arguments):
        process = self._idle.get()
        try:
            process = process or self._start()
            pickle.dump((function, arguments), process.stdin, protocol=5)
            process.stdin.flush()
            result, error = pickle.load(process.stdout)
        except (OSError, EOFError) as error:
            raise RuntimeError(
                f"A process that computes {function} ended before it had a result; memory that "
                "is full is the usual reason."
            ) from error
        finally:
            self._idle.put(process)
        if error is not None:
            raise error
        return result

    def _start(self):
        paths = os.pathsep.join(path or os.getcwd() for path in sys.path)
        alone = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        process = subprocess.Popen(
            [sys.executable, "-c", _CHILD],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": paths, **alone},
        )
        self._started.append(process)
        return process


def serve():
    """Computes calls that arrive as pickles on the standard input, until it ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a function prints is no answer
    while True:
        try:
            function, arguments = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        module, _, name = function.partition(":")
        try:
            answer = getattr(importlib.import_module(module), name)(*arguments), None
        except Exception as error:  # whatever the function raises belongs to the caller
            answer = None, error
        pickle.dump(answer, answers, protocol=5)
        answers.flush()
