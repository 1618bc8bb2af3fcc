"""Several files read as one table, from the ZIP to the answer: a line is told by its file and its number there."""

import io
import zipfile

import openpyxl

from glane.store import FolderStore
from pipelines.catalogue import load_catalogue
from pipelines.intake import take_in
from schemas.report import annotated_key
from schemas.rows import last_good
from tests.pipelines.material import Commons

HEAD = "numero,nom,cp\n"


def test_a_wrong_cell_is_told_with_its_file_and_the_rows_of_all_files_are_published(commons: Commons) -> None:
    folder, store = commons.settings.sources / "lieux" / "angers", FolderStore(commons.settings.store)
    with zipfile.ZipFile(folder / "lieux.zip", "w") as archive:
        archive.writestr("angers.csv", HEAD + "1,Le Fil,49000\n2,La Boussole,49100\n")
        archive.writestr("saumur.csv", HEAD + "3,Le Phare,49400\n4,Le Quai,4940\n3,Le Fanal,49400\n")
    commons.edit("angers", "{file: lieux.csv}", "{file: lieux.zip}")
    commons.edit("angers", "kind: csv,", "kind: csv, together: true,")
    entry = load_catalogue(commons.settings)["lieux"]
    intake = take_in(entry.source("angers"), entry.dataset, store)
    assert intake.error is None
    found = last_good(store, "lieux", "angers")
    assert found is not None
    assert found[0]["nom"].to_list()[:2] == ["Le Fil", "La Boussole"]
    told = {(one.file, one.line, one.repeats, one.repeats_file) for g in intake.report.problems for one in g.examples}
    assert {("saumur.csv", 3, None, None), ("saumur.csv", 4, 2, None)} <= told
    assert "ligne 3 (`saumur.csv`) : `4940`" in intake.markdown
    book = openpyxl.load_workbook(io.BytesIO(store.read(annotated_key("lieux", "angers"))))
    assert "3 (saumur.csv)" in [cell.value for cell in book["À corriger"]["A"]]
