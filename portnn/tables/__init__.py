"""Tables: columns, labels, targets, scaling, weights, rows held out, readers of CSV and npz files, labelled texts."""

from portnn.tables.csv_sheet import CsvSheet, open_csv
from portnn.tables.csv_table import read_csv
from portnn.tables.files import is_npz, read_table, read_table_like
from portnn.tables.holding_out import check_counts, kept_for_test, split_ids, take_rows
from portnn.tables.labelled_texts import LabelledText, LabelledTexts, TextLayout
from portnn.tables.labels import Classes, as_labels, place_labels
from portnn.tables.layout import Layout
from portnn.tables.npz_table import read_npz
from portnn.tables.placing import as_table, backend_for, check_lengths, place_table
from portnn.tables.scaling import Scaling
from portnn.tables.table import Table
from portnn.tables.targets import Targets
from portnn.tables.tasks import MAX_CLASSES, TASKS, Task, infer_task, task_for, task_named
from portnn.tables.weighting import class_weights, place_weights

__all__ = [
    "MAX_CLASSES",
    "TASKS",
    "Classes",
    "CsvSheet",
    "LabelledText",
    "LabelledTexts",
    "Layout",
    "Scaling",
    "Table",
    "Targets",
    "Task",
    "TextLayout",
    "as_labels",
    "as_table",
    "backend_for",
    "check_counts",
    "check_lengths",
    "class_weights",
    "infer_task",
    "is_npz",
    "kept_for_test",
    "open_csv",
    "place_labels",
    "place_table",
    "place_weights",
    "read_csv",
    "read_npz",
    "read_table",
    "read_table_like",
    "split_ids",
    "take_rows",
    "task_for",
    "task_named",
]
