import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from biolake.formats import errors, reader_client
from biolake.formats.errors import FormatError, ReaderCrashed, TooLarge
from biolake.formats.isolation import call_isolated, read_isolated
from biolake.formats.models import Limits, Upload
from biolake.formats.registry import Format
from tests.formats import hostile_readers

LIMITS = Limits(memory_bytes=2 * 1024**3, seconds=60.0)
BRIEF = Limits(memory_bytes=2 * 1024**3, seconds=0.5)
PROJECT = Path(__file__).parents[2]


def format_with(reader) -> Format:
    return Format("test", "Test", lambda path, head: True, reader, isolated=True)


@pytest.fixture
def upload(tmp_path: Path) -> Upload:
    (tmp_path / "data.bin").write_bytes(b"data")
    return Upload("data.bin", tmp_path / "data.bin")


@pytest.fixture(autouse=True)
def scratch(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("scratch")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def reads_well(upload: Upload) -> bool:
    values = read_isolated(format_with(hostile_readers.plain), upload, LIMITS).matrices[0].values
    return np.array_equal(values.rows(2, 3), np.arange(100.0, 150.0)[None])


def gone(pid: int) -> bool:
    for _ in range(200):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":  # its parent here is whatever adopts orphans
            return True
        time.sleep(0.05)
    return False


def children_of(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def test_a_dataset_comes_back_and_outlives_its_folder(upload: Upload, scratch: Path):
    dataset = read_isolated(format_with(hostile_readers.plain), upload, LIMITS)
    assert list(scratch.iterdir()) == []
    assert dataset.title == "data.bin"
    assert dataset.samples.height == 50
    assert np.concatenate([rows for _, rows in dataset.matrices[0].slices(5000)]).sum() == np.arange(50_000.0).sum()


@pytest.mark.parametrize(
    "name", [n for n, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, FormatError)]
)
def test_a_named_error_comes_back_as_it_was_raised(name: str, upload: Upload):
    upload = Upload(name, upload.data)
    with pytest.raises(getattr(errors, name)) as caught:
        read_isolated(format_with(hostile_readers.raises_as_named), upload, LIMITS)
    assert type(caught.value) is getattr(errors, name)
    assert str(caught.value) == f"{name}: sample Ä1 is wrong. Correct it."


@pytest.mark.parametrize(
    ("reader", "limits", "error", "words"),
    [
        (hostile_readers.segfaults, LIMITS, ReaderCrashed, "SIGSEGV"),
        (hostile_readers.is_killed, LIMITS, ReaderCrashed, "SIGKILL"),
        (hostile_readers.exits, LIMITS, ReaderCrashed, "code 77"),
        (hostile_readers.raises_unforeseen, LIMITS, ReaderCrashed, "KeyError"),
        (hostile_readers.points_outside, LIMITS, ReaderCrashed, "2,000,000,000"),
        (hostile_readers.hangs, BRIEF, TooLarge, "0.5 seconds"),
        (hostile_readers.loops, BRIEF, TooLarge, "0.5 seconds"),
        (hostile_readers.eats_memory, LIMITS, TooLarge, "memory than the limit of 2 GiB"),
        (hostile_readers.allocates_at_once, LIMITS, TooLarge, "memory than the limit of 2 GiB"),
        (hostile_readers.aborts_for_memory, LIMITS, TooLarge, "memory than the limit of 2 GiB"),
    ],
)
def test_the_caller_lives_on(
    reader, limits: Limits, error: type[FormatError], words: str, upload: Upload, scratch: Path
):
    with pytest.raises(error, match=r"data\.bin: ") as caught:
        read_isolated(format_with(reader), upload, limits)
    assert words in str(caught.value)
    assert list(scratch.iterdir()) == []
    assert children_of(reader_client.server_process()) == []
    assert reads_well(upload)


def test_where_an_unforeseen_error_was_raised_is_noted(upload: Upload):
    with pytest.raises(ReaderCrashed) as caught:
        read_isolated(format_with(hostile_readers.raises_unforeseen), upload, LIMITS)
    assert "hostile_readers.py" in caught.value.__notes__[0]


def test_what_a_reader_started_ends_with_it(upload: Upload):
    with pytest.raises(TooLarge):
        read_isolated(format_with(hostile_readers.hangs_with_a_child), upload, BRIEF)
    assert gone(int((upload.data.parent / "grandchild").read_text()))


def test_a_reader_sees_no_secrets_and_leaves_no_core(upload: Upload, monkeypatch: pytest.MonkeyPatch):
    reader_client.close()
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    surroundings = read_isolated(format_with(hostile_readers.tells_its_surroundings), upload, LIMITS).metadata
    assert "AWS_SECRET_ACCESS_KEY" not in surroundings["environment"]
    assert surroundings["core"] == 0
    assert surroundings["memory"] == LIMITS.memory_bytes
    assert surroundings["descriptors"] == [0, 1, 2]
    assert "pytest" not in surroundings["main"]


def test_readers_run_side_by_side(upload: Upload, scratch: Path):
    def one(number: int) -> bool:
        if number % 4:
            return reads_well(upload)
        with pytest.raises(ReaderCrashed):
            read_isolated(format_with(hostile_readers.segfaults), upload, LIMITS)
        return True

    with ThreadPoolExecutor(6) as threads:
        assert all(threads.map(one, range(24)))
    assert list(scratch.iterdir()) == []


def test_a_server_that_was_ended_is_replaced(upload: Upload):
    assert reads_well(upload)
    os.kill(reader_client.server_process(), signal.SIGKILL)
    assert reads_well(upload)


def test_a_server_that_ends_meanwhile_is_a_named_error(upload: Upload):
    def end_it() -> None:
        while not (upload.data.parent / "reading").exists():
            time.sleep(0.02)
        os.kill(reader_client.server_process(), signal.SIGKILL)

    thread = threading.Thread(target=end_it)
    thread.start()
    with pytest.raises(ReaderCrashed, match="starts the readers"):
        read_isolated(format_with(hostile_readers.hangs), upload, LIMITS)
    thread.join()
    reader, _ = (upload.data.parent / "reading").read_text().split()
    assert gone(int(reader))
    assert reads_well(upload)


_FORKS = """
import os
from biolake.formats.isolation import call_isolated
from biolake.formats.models import Limits
assert call_isolated(os.path.join, ["a", "b"], "x", Limits()) == "a/b"
child = os.fork()
assert call_isolated(os.path.join, ["c", "d"], "x", Limits()) == "c/d"
if child:
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert call_isolated(os.path.join, ["e", "f"], "x", Limits()) == "e/f"
"""


def test_a_forked_process_has_its_own_server():
    # In a process of its own: Polars, which other tests have used here, cannot be used after a fork.
    done = subprocess.run([sys.executable, "-c", _FORKS], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


_SCRIPT = f"""
import sys
sys.path.insert(0, {str(PROJECT)!r})
from pathlib import Path
from biolake.formats.isolation import read_isolated
from biolake.formats.models import Limits, Upload
from biolake.formats.registry import Format
from tests.formats import hostile_readers
format = Format("test", "Test", lambda path, head: True, hostile_readers.{{reader}}, True)
dataset = read_isolated(format, Upload("x", Path({{data!r}})), Limits(seconds=3000))
print(dataset.matrices[0].values.shape)
"""


@pytest.mark.parametrize("how", ["-c", "script", "stdin"])
def test_any_main_can_read(how: str, upload: Upload, tmp_path: Path):
    code = _SCRIPT.format(reader="plain", data=str(upload.data))
    (tmp_path / "script.py").write_text(code)
    arguments = {"-c": ["-c", code], "script": [str(tmp_path / "script.py")], "stdin": []}[how]
    done = subprocess.run(
        [sys.executable, *arguments], input=code if how == "stdin" else "", capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("(1000, 50)\n", "")


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_nothing_is_left_when_the_caller_is_ended(ending: signal.Signals, upload: Upload, tmp_path: Path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    code = _SCRIPT.format(reader="hangs", data=str(upload.data))
    caller = subprocess.Popen(
        [sys.executable, "-c", code], env={**os.environ, "TMPDIR": str(scratch)}, stderr=subprocess.DEVNULL
    )
    while not (tmp_path / "reading").exists() or not (tmp_path / "reading").read_text():
        time.sleep(0.02)
    reader, server = (int(pid) for pid in (tmp_path / "reading").read_text().split())
    caller.send_signal(ending)
    caller.wait()
    assert gone(reader)
    assert gone(server)
    assert list(scratch.iterdir()) == []


def test_reads_inside_dagster_in_process(upload: Upload):
    dagster = pytest.importorskip("dagster")

    @dagster.op
    def read() -> bool:
        return reads_well(upload)

    @dagster.op
    def survive() -> str:
        try:
            read_isolated(format_with(hostile_readers.segfaults), upload, LIMITS)
        except ReaderCrashed as error:
            return error.code
        return "read"

    @dagster.job
    def both():
        read()
        survive()

    result = both.execute_in_process()
    assert result.output_for_node("read")
    assert result.output_for_node("survive") == "READER_CRASHED"


def test_a_function_that_no_other_process_can_import_is_refused(upload: Upload):
    with pytest.raises(TypeError, match="cannot be imported"):
        read_isolated(format_with(lambda upload, limits: None), upload, LIMITS)


def test_a_function_is_called_with_json():
    assert call_isolated(os.path.join, ["a", "b"], "path", LIMITS) == "a/b"
