"""Which recording a file is part of, told by its name; and which files claim to be the same one.

What its bytes say is `content` and `clock`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from biolake.studies.configuration.file_types import FileType
from biolake.studies.configuration.patterns import glob_matches
from biolake.studies.configuration.study import StudyConfiguration
from biolake.studies.facts import FileFacts, Verdict
from biolake.studies.models import RecordingKey, identifier
from biolake.studies.states import State


@dataclass(frozen=True)
class Identity:
    """What a file's name says.

    Attributes:
        file_type: None where no file type takes it.
        recording: Its recording, None likewise.
        groups: The named groups.
        reason: Why no file type takes it.
    """

    file_type: str | None
    recording: RecordingKey | None
    groups: Mapping[str, str]
    reason: str

    @property
    def subject(self) -> str:
        """The participant, empty where the name says none."""
        return self.groups.get("subject", "")


def identify(study: StudyConfiguration, source: str, path: str) -> Identity:
    """Tell what a file is by its path under a prefix; a file that two file types take is taken by neither."""
    taken: list[tuple[FileType, Mapping[str, str]]] = []
    by_glob: list[FileType] = []
    for file_type in study.document.file_types:
        if file_type.source != source or not glob_matches(path, file_type.pattern):
            continue
        by_glob.append(file_type)
        groups = file_type.name_pattern.read(path)
        if groups is not None:
            taken.append((file_type, {name: identifier(value) for name, value in groups.items()}))
    if len(taken) > 1:
        names = " and ".join(file_type.name for file_type, _ in taken)
        return Identity(None, None, {}, f"It fits the file types {names}. Make their patterns exclude each other.")
    if not taken:
        if not by_glob:
            return Identity(None, None, {}, "No file type's pattern matches its path.")
        names = ", ".join(file_type.name for file_type in by_glob)
        return Identity(None, None, {}, f"Its name does not match filename_regex of {names}. Rename it.")
    file_type, groups = taken[0]
    lacking = [group for group in file_type.identity if not groups.get(group)]
    if lacking:
        return Identity(None, None, {}, f"Its name says no {', '.join(lacking)}. Rename it.")
    key = RecordingKey(file_type.name, tuple(groups[group] for group in file_type.identity))
    return Identity(file_type.name, key, groups, "")


def age_order(file: FileFacts) -> tuple[object, ...]:
    """Order files by when they came, then by name, so that the first of several is always the same one."""
    return (file.first_seen, file.modified, file.source, file.key)


def same_bytes(files: Iterable[FileFacts], at_fault: Mapping[int, Verdict]) -> dict[int, Verdict]:
    """Return verdicts on files whose bytes another file has: the first without a fault of its own is kept."""
    by_hash: dict[str, list[FileFacts]] = defaultdict(list)
    for file in files:
        if file.sha256 is not None:
            by_hash[file.sha256].append(file)
    verdicts: dict[int, Verdict] = {}
    for group in by_hash.values():
        if len(group) < 2:
            continue
        kept = min(group, key=lambda file: (file.file_id in at_fault, file.inputs is None, *age_order(file)))
        for file in group:
            if file is not kept:
                verdicts[file.file_id] = Verdict(State.DUPLICATE_CONTENT, f"Its bytes are those of {kept.key}.")
    return verdicts


def same_identity(files: Iterable[FileFacts], file_types: Mapping[str, FileType]) -> dict[int, Verdict]:
    """Return verdicts on different files that claim to be one recording, by their file type's rule."""
    by_recording: dict[str, list[FileFacts]] = defaultdict(list)
    for file in files:
        if file.recording is not None:
            by_recording[file.recording].append(file)
    verdicts: dict[int, Verdict] = {}
    for group in by_recording.values():
        rule = file_types[group[0].file_type or ""].on_duplicate
        if len(group) < 2 or rule == "concatenate":
            continue
        newest = max(group, key=lambda file: (file.modified, file.key))
        for file in group:
            others = ", ".join(sorted(other.key for other in group if other is not file)[:3])
            if rule == "quarantine_both":
                reason = f"{others} is the same recording by its name. Remove or rename one."
                verdicts[file.file_id] = Verdict(State.DUPLICATE_IDENTITY, reason)
            elif file is not newest:
                verdicts[file.file_id] = Verdict(State.DUPLICATE_IDENTITY, f"The newer {newest.key} is used.")
    return verdicts
