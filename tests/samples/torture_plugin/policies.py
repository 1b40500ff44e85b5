"""Dispatch policies that misbehave, each in its own way, to try the host with."""

import os
import signal
import subprocess
import sys
import time

from fieldstone.plugins.sdk.dispatch import Candidate, Exclusion, Ranking, Reason


class WellBehaved:
    def rank(self, request):
        return Ranking(candidates=tuple(Candidate(resource=r.id, score=50.0) for r in request.resources))


class Hangs:
    def rank(self, request):
        while True:
            time.sleep(1)


class Exits:
    def rank(self, request):
        os._exit(3)


class KillsItself:
    def rank(self, request):
        os.kill(os.getpid(), signal.SIGSEGV)


class Raises:
    def rank(self, request):
        raise RuntimeError("as planned")


class Floods:
    def rank(self, request):
        return {"candidates": ["x" * 1_000_000] * 50}


class Prints:
    def rank(self, request):
        sys.stdout.write('{"result": {"candidates": [], "excluded": []}}\n')
        sys.stdout.flush()
        return WellBehaved().rank(request)


class EatsMemory:
    def rank(self, request):
        return {"candidates": [bytearray(2_000_000_000)]}


class NanScore:
    def rank(self, request):
        return Ranking(candidates=tuple(Candidate(resource=r.id, score=float("nan")) for r in request.resources))


class WrongType:
    def rank(self, request):
        return ["a", "list"]


class LosesResources:
    def rank(self, request):
        return Ranking()


class InventsResources:
    def rank(self, request):
        real = tuple(Candidate(resource=r.id, score=1.0) for r in request.resources)
        return Ranking(candidates=(*real, Candidate(resource="ghost", score=1.0)))


class UnknownReason:
    def rank(self, request):
        reason = Reason(code="BECAUSE")
        return Ranking(excluded=tuple(Exclusion(resource=r.id, reasons=(reason,)) for r in request.resources))


class LeavesChildren:
    def rank(self, request):
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        while True:
            time.sleep(1)


class LooksAround:
    """Reports, as scores, whether secrets of the parent can be seen from here."""

    def rank(self, request):
        seen = any(name.startswith("FIELDSTONE_") for name in os.environ)
        return Ranking(
            candidates=tuple(Candidate(resource=r.id, score=100.0 if seen else 0.0) for r in request.resources)
        )
