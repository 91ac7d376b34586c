"""Tables: readers of CSV and npz files, columns, labels, targets, scaling, class weights, rows held out."""

from portnn.tables.csv_sheet import CsvSheet, open_csv
from portnn.tables.csv_table import read_csv
from portnn.tables.holding_out import split_ids
from portnn.tables.labels import Classes
from portnn.tables.layout import Layout
from portnn.tables.npz_table import read_npz
from portnn.tables.scaling import Scaling
from portnn.tables.table import Table
from portnn.tables.targets import Targets

__all__ = [
    "Classes",
    "CsvSheet",
    "Layout",
    "Scaling",
    "Table",
    "Targets",
    "open_csv",
    "read_csv",
    "read_npz",
    "split_ids",
]
