"""Meson's logs of a test run, read down to the single tests of each program (scripts/summary, scripts/check-coverage)."""
import json
import re

PLAN = re.compile(r'^1\.\.(\d+)\s*(?:#\s*skip\S*\s*(.*))?$', re.I)
TEST = re.compile(r'^(not ok|ok)\b\s*(\d+)?\s*(?:-\s*)?([^#]*?)\s*(?:#\s*(skip|todo)\S*\s*(.*))?$', re.I)


class Program:
    """One test program: what it passed, failed and skipped, by name."""

    def __init__(self, log):
        suite, _, name = log['name'].rpartition(' / ')
        self.suite = re.sub(r'^.*?:', '', suite).split('+')[0] or 'other'
        self.name = name
        self.seconds = log.get('duration') or 0.0
        self.result = log['result']
        self.output = log.get('stdout') or ''
        self.errors = log.get('stderr') or ''
        self.passed = []
        self.failed = []
        self.skipped = []
        self.read()

    def read(self):
        plan = None
        said = ''
        seen = 0
        for line in self.output.splitlines():
            line = line.strip()
            match = PLAN.match(line)
            if match:
                plan = int(match[1]) + (plan or 0)
                if plan == 0:
                    self.skipped.append((self.name, match[2] or said or 'no reason given'))
                continue
            match = TEST.match(line)
            if not match:
                if line:
                    said = re.sub(r'^#?\s*(?:skip\w*:?\s+)?', '', line, flags=re.I)
                continue
            seen += 1
            name = match[3] or match[5] or str(seen)
            if (match[4] or '').lower() == 'skip':
                reason = match[5] if match[3] and match[5] else said
                self.skipped.append((name, reason or match[5] or 'no reason given'))
            elif match[1].lower() == 'ok':
                self.passed.append(name)
            else:
                self.failed.append(name)
            said = ''
        if seen == 0 and plan is None:
            self.read_exit(said)
        elif self.result not in ('OK', 'SKIP', 'EXPECTEDFAIL') and not self.failed:
            self.failed.append('(program: %s)' % self.result.lower())
        elif plan is None:
            self.failed.append('(program: printed no plan)')
        elif seen < plan:
            self.failed.append('(program: announced %d tests, ran %d)' % (plan, seen))

    def read_exit(self, said):
        """A program without TAP counts as one test."""
        if self.result in ('OK', 'EXPECTEDFAIL'):
            self.passed.append(self.name)
        elif self.result == 'SKIP':
            self.skipped.append((self.name, said or 'no reason given'))
        else:
            self.failed.append('(program: %s)' % self.result.lower())


def programs(paths):
    for path in paths:
        with open(path, encoding='utf-8', errors='replace') as file:
            for line in file:
                if line.strip():
                    yield Program(json.loads(line))
