"""What the processes of a running server use."""
import pathlib
import re


class Server:
    """A running server: `port`, and what its processes use."""

    def __init__(self, process, port):
        self.process, self.port = process, port

    def _pids(self):
        children = pathlib.Path(f'/proc/{self.process.pid}/task/{self.process.pid}/children')
        return [self.process.pid, *map(int, children.read_text(encoding='ascii').split())]

    def cpu_seconds(self):
        """Processor time of all its threads so far, the kernel's for them included."""
        spent = 0
        for pid in self._pids():
            for task in pathlib.Path(f'/proc/{pid}/task').iterdir():
                spent += int((task / 'schedstat').read_text(encoding='ascii').split()[0])
        return spent / 1e9

    def memory_kb(self, kind='Pss'):
        """Memory of all its processes: Pss, which shares what is shared, or Rss."""
        total = 0
        for pid in self._pids():
            rollup = pathlib.Path(f'/proc/{pid}/smaps_rollup').read_text(encoding='ascii')
            total += int(re.search(rf'^{kind}:\s+(\d+)', rollup, re.M).group(1))
        return total
