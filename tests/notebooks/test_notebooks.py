"""Do the notebooks run from top to bottom, and say what their committed outputs say?"""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))
PAPERMILL = ("00_start_here", "04_kpis_and_channels", "05_report_for_a_meeting", "06_online_retail")
"""Made to be run again with other parameters."""
DOWNLOADED = "06_online_retail"
"""Its data are not ours to ship: it runs on a local copy where there is one."""


def printed(notebook: nbformat.NotebookNode) -> list[str]:
    """What each cell prints: numbers rounded for reading, so the same on every machine."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return ["".join(out.text for out in cell.outputs if out.output_type == "stream") for cell in cells]


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("path", [path for path in NOTEBOOKS if path.stem != DOWNLOADED], ids=lambda path: path.stem)
def test_notebook_runs_and_says_what_it_said(path: Path) -> None:
    committed = nbformat.read(path, as_version=4)
    assert any(printed(committed)), "a notebook is committed with its outputs"
    assert printed(run(path)) == printed(committed)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_notebook_on_online_retail_runs_on_a_local_copy(online_retail: Path) -> None:
    (path,) = (path for path in NOTEBOOKS if path.stem == DOWNLOADED)
    fresh = run(path, SOURCE=str(online_retail))
    assert printed(fresh) == printed(nbformat.read(path, as_version=4))
    assert "the Online Retail of the literature: True" in "".join(printed(fresh))


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_template_runs_on_ones_own_csv_by_editing_one_cell(tmp_path: Path) -> None:
    from clvmodels.models import BGNBD
    from clvmodels.simulation import simulate

    log = simulate(BGNBD(0.8, 6.0, 0.8, 2.4), customers=800, start="2024-01-01", end="2025-06-30", unit="week", seed=1)
    log["date"] = log["date"].dt.strftime("%d/%m/%Y")
    log.columns = ["client", "dia"]
    log.to_csv(tmp_path / "compras.csv", index=False, sep=";")
    (path,) = (path for path in NOTEBOOKS if path.stem == "00_start_here")
    reading = {"customer_id": "client", "date": "dia", "value": "none"}  # no money, which the template must bear
    out = tmp_path / "customers.xlsx"
    fresh = run(path, SOURCE=str(tmp_path / "compras.csv"), READING=reading, EXPORT=str(out))
    assert "800 customers from 2024-01-02 to 2025-06-30" in "".join(printed(fresh))
    assert out.exists()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_first_code_cell_is_the_one_to_edit(path: Path) -> None:
    cells = nbformat.read(path, as_version=4).cells
    first = next(cell for cell in cells if cell.cell_type == "code")
    assert first.source.startswith("SOURCE = ")
    tagged = [cell for cell in cells if "parameters" in cell.metadata.get("tags", [])]  # as Papermill wants it
    assert tagged in ([], [first])
    assert tagged or path.stem not in PAPERMILL


def run(path: Path, **parameters: object) -> nbformat.NotebookNode:
    """The notebook executed where it lies, with other parameters: what Papermill does, with a cell after theirs."""
    notebook = nbformat.read(path, as_version=4)
    tagged = [i for i, cell in enumerate(notebook.cells) if "parameters" in cell.metadata.get("tags", [])]
    if parameters:
        injected = "\n".join(f"{name} = {value!r}" for name, value in parameters.items())
        notebook.cells[tagged[0]].source += "\n" + injected
    here = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources=here).execute()
    return notebook


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_was_run_in_order_and_without_warnings(path: Path) -> None:
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [out for cell in cells for out in cell.outputs]
    assert not [out for out in outputs if out.output_type == "error" or out.get("name") == "stderr"]
    pictures = [out for out in outputs if "image/png" in out.get("data", {})]
    assert pictures
