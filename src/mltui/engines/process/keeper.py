"""A small process that starts attempts, waits for them and writes down how they ended.

The process engine starts one of its own (`keeping`) as a script: without site-packages and with
nothing of mltui, it is there in a few milliseconds. It does for all attempts what the shell shim
(`shim`) does for one, at a fraction of its cost: claims each by its file, starts the command
itself, in a session of its own, and adds the record to the claim. Like the shim it outlives whoever
asked: nobody asks any more, it waits for what it has begun, and goes.

Messages are marshalled tuples behind their length in four bytes, on standard input both ways:
`(number, program, argv, env, work, log, claim)` comes in; `(0, pid)` goes out once, then for each
number `(number, pid, start time)`, pid 0 where it was not started and nothing is left of the try,
and `(number, exit code, CPU seconds, peak in kilobytes)`.
"""

from __future__ import annotations

import marshal
import os
import select
import sys

_LENGTH = 4
_KILL = 9
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND


class Keeper:
    """It, with what it has begun. `boot` names this boot of the machine."""

    def __init__(self, boot: str, defaults: list[int]) -> None:
        self._boot = boot
        self._name = f"keeper {os.getpid()}:{start_time(os.getpid())}:{boot}\n".encode()
        """The claim's first line: who will write how it ended."""
        self._defaults = defaults
        """Signals that an attempt finds as a program does that a person starts."""
        self._children: dict[int, tuple[int, int, int]] = {}
        """Descriptor of each process → number, pid, descriptor of the claim."""
        self._in = b""
        self._out = b""
        self._is_asked = True
        self._poll = select.poll()

    def work(self) -> None:
        """Until nobody asks any more and all that was begun has ended."""
        self._poll.register(0, select.POLLIN)
        self._send((0, os.getpid()))
        while self._is_asked or self._children:
            for fd, _ in self._poll.poll():
                if fd != 0:
                    self._end(fd)
                elif self._is_asked:
                    self._flush()
                    self._receive()

    # --- whoever asks ---------------------------------------------------------------------------

    def _receive(self) -> None:
        try:
            data = os.read(0, 1 << 18)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._leave()
        self._in += data
        while len(self._in) >= _LENGTH:
            end = _LENGTH + int.from_bytes(self._in[:_LENGTH], "little")
            if len(self._in) < end:
                break
            message, self._in = self._in[_LENGTH:end], self._in[end:]
            self._start(*marshal.loads(message))

    def _leave(self) -> None:
        """Nobody is there any more: what has begun goes on, and is written down."""
        self._is_asked = False
        self._poll.unregister(0)

    def _send(self, message: tuple[float, ...]) -> None:
        data = marshal.dumps(message)
        self._out += len(data).to_bytes(_LENGTH, "little") + data
        self._flush()

    def _flush(self) -> None:
        """Send what there is room for; who asks must not have to listen for us to go on."""
        if not (self._out and self._is_asked):
            return
        try:
            self._out = self._out[os.write(0, self._out) :]
        except BlockingIOError:
            pass
        except OSError:
            self._leave()
            return
        self._poll.modify(0, select.POLLIN | (select.POLLOUT if self._out else 0))

    # --- attempts -------------------------------------------------------------------------------

    def _start(
        self,
        number: int,
        program: str,
        argv: tuple[str, ...],
        env: dict[str, str],
        work: str,
        log: str,
        claim: str,
    ) -> None:
        try:
            file = os.open(claim, _NEW, 0o666)
        except OSError:  # claimed by a resumer, or there is no room: no command without a claim
            self._send((number, 0, 0))
            return
        try:
            os.write(file, self._name)
            os.chdir(work)
            pid = os.posix_spawn(
                program,
                argv,
                env,
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 1, log, _APPEND, 0o666),
                    (os.POSIX_SPAWN_DUP2, 1, 2),
                ],
                setsid=True,
                setsigmask=[],
                setsigdef=self._defaults,
            )
        except (OSError, ValueError):
            os.close(file)
            os.unlink(claim)  # noqa: PTH108 - pathlib takes longer than all else here
            self._send((number, 0, 0))
            return
        started = start_time(pid)
        _write(file, f"{pid}:{started}:{self._boot}\n")
        fd = os.pidfd_open(pid)
        self._children[fd] = number, pid, file
        self._poll.register(fd, select.POLLIN)
        self._send((number, pid, started))

    def _end(self, fd: int) -> None:
        number, pid, file = self._children.pop(fd)
        self._poll.unregister(fd)
        os.close(fd)
        # Before it is reaped its number can't belong to anyone else: what is left of its group
        # can be killed safely.
        try:  # noqa: SIM105 - nor is contextlib worth its time
            os.killpg(pid, _KILL)
        except OSError:
            pass
        _, status, used = os.wait4(pid, 0)
        code = os.waitstatus_to_exitcode(status)
        code = code if code >= 0 else 128 - code
        times = f"0m{used.ru_utime:.3f}s 0m{used.ru_stime:.3f}s"
        _write(file, f"code {code}\n0m0s 0m0s\n{times}\nend\n")
        os.close(file)
        self._send((number, code, used.ru_utime + used.ru_stime, used.ru_maxrss))


def start_time(pid: int) -> int:
    """Clock ticks after boot when a process that is there started: field 22 of its `stat`."""
    fd = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return int(os.read(fd, 4096).rpartition(b")")[2].split()[19])
    finally:
        os.close(fd)


def _write(file: int, text: str) -> None:
    """On a full disk: who comes later finds that it is not known."""
    try:  # noqa: SIM105
        os.write(file, text.encode())
    except OSError:
        pass


def main(boot: str, defaults: str) -> None:
    """Keep attempts for whoever is at the other end of standard input."""
    os.chdir("/")
    os.set_blocking(0, False)
    Keeper(boot, [int(number) for number in defaults.split(",")]).work()
    os._exit(0)  # there is nothing to tidy up


if __name__ == "__main__":
    main(*sys.argv[1:])
