"""The verdict on every file of a study: one state each, by rules in a fixed order. Reads and writes nothing.

The order is that of the table in docs/study-states.md: name, arrival, bytes, clock, duplicates, participant, readiness.
A file that was or is being processed keeps its state unless what its results depend on has changed.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from biolake.studies.catalog.clock import clock_error, overlapping, time_flags
from biolake.studies.catalog.content import corrupted, damage_flags, identity_mismatch, wrong_format
from biolake.studies.catalog.identity import same_bytes, same_identity
from biolake.studies.configuration.file_types import FileType
from biolake.studies.configuration.study import StudyConfiguration
from biolake.studies.facts import NOT_CHECKED, UNREADABLE, FileFacts, Verdict
from biolake.studies.participants.requirements import Needs, Wait, columns_by_visit, needed_columns, needs
from biolake.studies.participants.store import Participants
from biolake.studies.recording_inputs import recording_inputs
from biolake.studies.states import JUDGED, STARTABLE, State

_HAS_RESULTS = frozenset({State.PROCESSED, State.STALE})


@dataclass
class Judgement:
    """What was found.

    Attributes:
        verdicts: By file; files that keep their state as it is are left out.
        waits: What is to be waited for.
        next_due: When time alone changes a verdict, None where it does not.
    """

    verdicts: dict[int, Verdict] = field(default_factory=dict)
    waits: set[Wait] = field(default_factory=set)
    next_due: datetime | None = None

    def due(self, moment: datetime) -> None:
        """Take note that a verdict may change at `moment`."""
        if self.next_due is None or moment < self.next_due:
            self.next_due = moment


def judge(
    study: StudyConfiguration,
    files: Iterable[FileFacts],
    participants: Participants,
    waiting_since: Mapping[Wait, datetime],
    now: datetime,
) -> Judgement:
    """Judge all current files of a study.

    Args:
        study: The rules.
        files: Every current file.
        participants: What is known of them.
        waiting_since: Waits that were begun before.
        now: The time, for what is still arriving and for how long is waited.
    """
    return _Judge(study, list(files), participants, waiting_since, now).judge()


class _Judge:
    """One judgement; each method is one rule over all files."""

    def __init__(
        self,
        study: StudyConfiguration,
        files: list[FileFacts],
        participants: Participants,
        waiting_since: Mapping[Wait, datetime],
        now: datetime,
    ) -> None:
        self.study = study
        self.files = files
        self.participants = participants
        self.waiting_since = waiting_since
        self.now = now
        self.zone = ZoneInfo(study.document.study.timezone_default)
        self.file_types: dict[str, FileType] = {kind.name: kind for kind in study.document.file_types}
        self.columns = {kind.name: needed_columns(study, kind) for kind in study.document.file_types}
        self.by_visit = columns_by_visit(study)
        self.settle = {s.name: timedelta(seconds=s.settle_seconds) for s in study.document.sources}
        self.found: dict[int, Verdict] = {}
        self.flags: dict[int, tuple[str, ...]] = {}
        self.result = Judgement()

    def judge(self) -> Judgement:
        """Apply all rules in their order."""
        checked: list[FileFacts] = []
        for file in self.files:
            verdict = self._arrival(file)
            if verdict is not None:
                self.found[file.file_id] = verdict
            else:
                checked.append(file)
        for file in checked:
            self._bytes(file)
        self.found.update(same_bytes(checked, self.found))
        fine = [file for file in checked if file.file_id not in self.found]
        self.found.update(same_identity(fine, self.file_types))
        fine = [file for file in fine if file.file_id not in self.found]
        shared = overlapping(fine, self.file_types)
        for file in fine:
            self.found[file.file_id] = self._participant(file) or self._readiness(file, shared.get(file.file_id))
        self._concatenated()
        self._with_results()
        for file in self.files:
            verdict = self.found.get(file.file_id)
            if verdict is not None and not self._keeps(file, verdict):
                same = (file.state, file.reason, file.flags) == (verdict.state, verdict.reason, verdict.flags)
                if not same:
                    self.result.verdicts[file.file_id] = verdict
        return self.result

    def _keeps(self, file: FileFacts, verdict: Verdict) -> bool:
        """Say whether the file keeps its state: what processing said of it stands, but a retry needs a sound file."""
        if file.refused and verdict.state in STARTABLE:
            return not self._may_differ(file)
        if file.state in JUDGED or file.file_id in self._overruled:
            return False
        return file.state is not State.CRASHED or verdict.state in STARTABLE

    def _may_differ(self, file: FileFacts) -> bool:
        """Say whether processing a refused file could end otherwise now: its rules, pipelines or metadata changed."""
        file_type = self.file_types[file.file_type or ""]
        now = recording_inputs(self.study, file_type, [file], self.participants).parts
        before = file.inputs or {}
        return any(before.get(name) != now.get(name) for name in {*before, *now} - {"files"})

    def _arrival(self, file: FileFacts) -> Verdict | None:
        if file.file_type not in self.file_types:
            return Verdict(State.UNMATCHED, file.reason)
        settled = min(file.modified, file.first_seen) + self.settle.get(file.source, timedelta(0))
        # A store's clock may be ahead; what was seen unchanged for long enough has settled all the same.
        if settled > self.now:
            self.result.due(settled)
            return Verdict(
                State.ARRIVING, f"It may still grow; taken at {settled:%Y-%m-%d %H:%M:%S} UTC if it does not."
            )
        if file.sha256 is None or file.scan is None:
            failed = file.reason.startswith(UNREADABLE)
            return Verdict(State.ARRIVING, file.reason if failed else NOT_CHECKED)
        return None

    def _bytes(self, file: FileFacts) -> None:
        file_type, scan = self.file_types[file.file_type or ""], file.scan
        assert scan is not None
        mismatch, header_flags = identity_mismatch(file_type, file, scan)
        verdict = (
            wrong_format(file_type, scan)
            or corrupted(file_type, scan)
            or mismatch
            or clock_error(file_type, file, scan, self.zone)
        )
        if verdict is not None:
            self.found[file.file_id] = verdict
        else:
            flags = (*damage_flags(scan), *header_flags, *time_flags(file_type, file, scan))
            self.flags[file.file_id] = tuple(dict.fromkeys(flags))

    def _participant(self, file: FileFacts) -> Verdict | None:
        if self.study.locked:
            return Verdict(State.LOCKED, "The study is locked; nothing new is processed.")
        found: Needs = needs(self.columns[file.file_type or ""], self.by_visit, file, self.participants)
        if file.state not in JUDGED:
            return None
        if found.faulty:
            return Verdict(State.METADATA_ERROR, " ".join(found.faulty))
        if not found.missing:
            return None
        self.result.waits.update(found.missing)
        patience = self.study.document.waiting.give_up_after
        ends = {wait: self.waiting_since.get(wait, self.now) + patience for wait in found.missing}
        what = " and ".join(f"{wait} is not known" for wait in found.missing)
        if any(end <= self.now for end in ends.values()):
            days = patience.total_seconds() / 86_400
            return Verdict(State.REQUIREMENT_EXPIRED, f"{what}; waited for {days:g} days. It starts when it is known.")
        for end in ends.values():
            self.result.due(end)
        return Verdict(State.WAITING, f"{what}.")

    def _readiness(self, file: FileFacts, other: str | None) -> Verdict:
        flags = self.flags.get(file.file_id, ())
        if other is None:
            return Verdict(State.READY, "", flags)
        reason = f"It shares time with {other} of the same subject; a day counts once."
        return Verdict(State.OVERLAP, reason, (*flags, "overlap"))

    def _concatenated(self) -> None:
        """Hold the parts of a recording back until all of it is there, and take it up again when a part is added."""
        self._overruled: set[int] = set()
        groups: dict[str, list[FileFacts]] = defaultdict(list)
        for file in self.files:
            file_type = self.file_types.get(file.file_type or "")
            if file_type is not None and file_type.on_duplicate == "concatenate" and file.recording is not None:
                groups[file.recording].append(file)
        for group in groups.values():
            self._one_concatenated(group, self.file_types[group[0].file_type or ""])

    def _one_concatenated(self, group: list[FileFacts], file_type: FileType) -> None:
        verdicts = [self.found[file.file_id] for file in group]
        usable = [f for f, v in zip(group, verdicts, strict=True) if v.state in (State.READY, State.OVERLAP)]
        fresh = [file for file in usable if file.state in JUDGED]
        if not fresh:
            return
        arriving = next((f for f, v in zip(group, verdicts, strict=True) if v.state is State.ARRIVING), None)
        complete = max(file.modified for file in group) + timedelta(hours=file_type.recording.quiet_hours)
        hold: Verdict | None = None
        if arriving is not None:
            hold = Verdict(State.ARRIVING, f"Another part of the recording is still arriving: {arriving.key}.")
        elif complete > self.now:
            self.result.due(complete)
            hold = Verdict(State.ARRIVING, f"Further parts may come until {complete:%Y-%m-%d %H:%M} UTC.")
        if hold is not None:
            for file in fresh:
                self.found[file.file_id] = hold
            return
        partial = len(usable) < len([v for v in verdicts if v.state is not State.DUPLICATE_CONTENT])
        for file in usable:
            verdict = self.found[file.file_id]
            if file.state in _HAS_RESULTS:
                self._overruled.add(file.file_id)
                verdict = Verdict(verdict.state, "A further part of the recording came.", verdict.flags)
            if partial:
                verdict = Verdict(verdict.state, verdict.reason, (*verdict.flags, "part_missing"))
            self.found[file.file_id] = verdict

    def _with_results(self) -> None:
        """Mark results as stale whose inputs have changed since, and as good again those whose inputs are back."""
        groups: dict[str, list[FileFacts]] = defaultdict(list)
        for file in self.files:
            if file.state in _HAS_RESULTS and file.file_id not in self._overruled and file.recording is not None:
                groups[file.recording].append(file)
        for group in groups.values():
            file_type = self.file_types.get(group[0].file_type or "")
            verdict = self._results(group, file_type)
            for file in group:
                self._overruled.add(file.file_id)
                self.found[file.file_id] = Verdict(verdict.state, verdict.reason, file.flags)

    def _results(self, group: list[FileFacts], file_type: FileType | None) -> Verdict:
        if file_type is None:
            return Verdict(State.STALE, "No file type takes it any longer.")
        for file in group:
            verdict = self.found.get(file.file_id)
            if verdict is not None and verdict.state in (State.DUPLICATE_IDENTITY, State.DUPLICATE_CONTENT):
                return Verdict(State.STALE, verdict.reason)
        before = next((file.inputs for file in group if file.inputs is not None), None)
        now = recording_inputs(self.study, file_type, group, self.participants).parts
        if before is None:
            return Verdict(group[0].state, group[0].reason)
        changed = sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
        if changed:
            return Verdict(State.STALE, f"Changed since it was processed: {', '.join(changed)}.")
        reason = group[0].reason if group[0].state is State.PROCESSED else ""
        return Verdict(State.PROCESSED, reason)
