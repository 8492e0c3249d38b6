"""A case: one piece of work, the subjects that do it, and what each round of each of them measured."""
from dataclasses import dataclass, field
from statistics import median
from typing import Callable

from process import Failed
from build import note


@dataclass
class Sample:
    """One round of one subject. `cpu` is in seconds for all units together."""
    units: float
    cpu: float
    seconds: float
    peak: int
    figures: dict = field(default_factory=dict)  # what only this case has: bytes a connection, how busy the load was


@dataclass
class Case:
    suite: str
    name: str
    title: str
    unit: str  # what one unit is: line, file, 64 KiB
    subjects: list
    run: Callable  # of (subject, round) to Sample
    scale: float = 1e6  # from seconds of CPU for a unit to the number that is printed
    cpu_name: str = "us"
    warm_up: bool = False  # one run of the first subject that is not counted: memory never used before costs more
    figures_only: bool = False  # the subjects measure themselves, and not equal work: their CPU compares nothing
    samples: dict = field(default_factory=dict)  # subject to {round: Sample}
    skipped: dict = field(default_factory=dict)  # subject to reason

    def run_rounds(self, rounds):
        """A B C, C B A, A B C: what drifts on the machine falls on all alike, and so does what a run leaves to the next one.
        A subject that fails is reported as skipped."""
        for subject in self.subjects:
            if subject.skipped:
                self.skipped[subject.name] = subject.skipped
        if self.warm_up:
            self._warm_up()
        for number in range(rounds):
            for subject in self.subjects if number % 2 == 0 else reversed(self.subjects):
                if subject.name in self.skipped:
                    continue
                note(f"bench: {self.suite} {self.name}, round {number + 1} of {rounds}: {subject.name}")
                try:
                    self.samples.setdefault(subject.name, {})[number] = self.run(subject, number)
                except (Failed, OSError, ValueError) as error:
                    self.skipped[subject.name] = f"failed in round {number + 1}: {error}"
                    self.samples.pop(subject.name, None)

    def _warm_up(self):
        for subject in self.subjects:
            if subject.name not in self.skipped:
                try:
                    self.run(subject, -1)
                    return
                except (Failed, OSError, ValueError):
                    continue

    def cpu(self, subject, number):
        sample = self.samples[subject][number]
        return sample.cpu / sample.units * self.scale

    def median_cpu(self, subject):
        return median(self.cpu(subject, number) for number in self.samples[subject])

    def throughput(self, subject):
        return median(sample.units / sample.seconds for sample in self.samples[subject].values())

    def peak(self, subject):
        return max(sample.peak for sample in self.samples[subject].values())

    def figure(self, subject, name):
        """The median of a figure that only this case has; None if it was not measured."""
        values = [sample.figures[name] for sample in self.samples.get(subject, {}).values() if name in sample.figures]
        return median(values) if values else None

    def figure_names(self):
        return list(dict.fromkeys(key for of in self.samples.values() for s in of.values() for key in s.figures))

    def ratio(self, subject, against):
        """The median of the rounds' own ratios: each compares runs that were made within the same minute."""
        if subject not in self.samples or against not in self.samples:
            return None
        shared = self.samples[subject].keys() & self.samples[against].keys()
        return median(self.cpu(subject, n) / self.cpu(against, n) for n in shared) if shared else None

    def floor(self):
        """The cheapest of the raw programs."""
        floors = [name for name in self.samples if name.startswith("floor")]
        return min(floors, key=self.median_cpu) if floors else None
