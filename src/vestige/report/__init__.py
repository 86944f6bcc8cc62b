"""The page of results of a run, or of a comparison of runs; made from the files of its folder.

A page is one HTML file without scripts and without anything fetched from elsewhere; it needs neither
Vestige nor a network to be read. Importing this package is cheap: numpy, matplotlib and jinja2 are
imported when a page is made.
"""

from vestige.report.comparison_table import MemberRow as MemberRow
from vestige.report.comparison_table import comparison_table as comparison_table
from vestige.report.matrix_page import write_matrix as write_matrix
from vestige.report.matrix_table import matrix_table as matrix_table
from vestige.report.numbers import format_number as format_number
from vestige.report.numbers import format_seconds as format_seconds
from vestige.report.results_table import ResultRow as ResultRow
from vestige.report.results_table import results_table as results_table
from vestige.report.write import write_report as write_report
