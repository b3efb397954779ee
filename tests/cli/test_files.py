"""Do files and folders appear whole or not at all, and is nobody else's work overwritten?"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from clvmodels.errors import InputError
from clvmodels.files import check_file, check_folder, whole_file, whole_folder

OURS = ("report.json", "figures")


def check(folder: Path) -> Path:
    return check_folder(folder, marker="report.json", ours=OURS)


def earlier(folder: Path) -> Path:
    (folder / "figures").mkdir(parents=True)
    (folder / "report.json").write_text("old")
    return folder


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_new_empty_and_earlier_folders_are_accepted(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "looked at").mkdir()
    (tmp_path / "looked at" / ".DS_Store").touch()
    for name in ("new", "new/below/new", "empty", "looked at"):
        assert check(tmp_path / name) == tmp_path / name
    check(earlier(tmp_path / "earlier"))
    assert not (tmp_path / "new").exists()


def test_foreign_file_in_an_earlier_folder_is_never_deleted(tmp_path: Path) -> None:
    (earlier(tmp_path / "r") / "notes.txt").touch()
    with pytest.raises(
        InputError, match=r"holds notes\.txt, which is no part of an earlier report\. Nothing is overwr"
    ):
        check(tmp_path / "r")


def test_folder_with_our_names_but_without_the_marker_is_foreign(tmp_path: Path) -> None:
    (tmp_path / "r" / "figures").mkdir(parents=True)
    with pytest.raises(InputError, match="holds figures, which is no part"):
        check(tmp_path / "r")


def test_files_and_dead_links_are_no_folders(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("file", "link"):
        with pytest.raises(InputError, match="is a file, and a report is a folder"):
            check(tmp_path / name)
    with pytest.raises(InputError, match="file is a file"):
        check(tmp_path / "file" / "report")


def test_place_without_permission_is_said_before_any_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    monkeypatch.setattr(os, "access", lambda path, mode: path.name != "locked")  # root may write anywhere
    with pytest.raises(InputError, match="no permission in"):
        check(tmp_path / "locked" / "report")


def test_folder_takes_the_place_of_the_earlier_one_in_one_move(tmp_path: Path) -> None:
    target = check(earlier(tmp_path / "r"))
    with whole_folder(target) as folder:
        (folder / "report.json").write_text("new")
        assert (target / "report.json").read_text() == "old"
        assert folder.parent == tmp_path  # the same disk, so that the move is a rename
    assert (target / "report.json").read_text() == "new"
    assert names(target) == ["report.json"]
    assert names(tmp_path) == ["r"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_failure_leaves_everything_as_it_was(tmp_path: Path, error: type[BaseException]) -> None:
    def half_a_folder(target: Path) -> None:
        with whole_folder(target) as folder:
            (folder / "report.json").write_text("half")
            raise error

    def half_a_file(target: Path) -> None:
        with whole_file(target) as path:
            path.write_text("half")
            raise error

    target = earlier(tmp_path / "r")
    for half, place in ((half_a_folder, "r"), (half_a_folder, "new/below"), (half_a_file, "other/fit.json")):
        with pytest.raises(error):
            half(tmp_path / place)
    assert names(tmp_path) == ["r"]
    assert names(target) == ["figures", "report.json"]
    assert (target / "report.json").read_text() == "old"


def test_file_replaces_the_earlier_one(tmp_path: Path) -> None:
    target = check_file(tmp_path / "a" / "fit.json", suffixes=(".json",))
    for content in ("1", "2"):
        with whole_file(target) as path:
            path.write_text(content)
        assert target.read_text() == content
    assert names(target.parent) == ["fit.json"]


def test_file_checks(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "in.csv").touch()
    with pytest.raises(InputError, match=r"is a folder\. Write the name of a \.csv or \.parquet file"):
        check_file(tmp_path / "folder.csv", suffixes=(".csv", ".parquet"))
    with pytest.raises(InputError, match=r"the name must end in \.csv or \.parquet"):
        check_file(tmp_path / "out.xlsx", suffixes=(".csv", ".parquet"))
    with pytest.raises(InputError, match="is the input itself"):
        check_file(tmp_path / "in.csv", suffixes=(".csv",), never=tmp_path / "in.csv")


def test_permissions_are_those_of_any_new_folder(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    with whole_folder(tmp_path / "r"):
        pass
    assert (tmp_path / "r").stat().st_mode == (tmp_path / "plain").stat().st_mode
