"""Texts with a latent structure: nested expressions, sentences, and texts of which a few words are read."""

from .agreement import Agreement as Agreement
from .explaining import Explaining as Explaining
from .generator import Split as Split
from .generator import generated as generated
from .listops import NestedExpressions as NestedExpressions
from .parsing import DependencyParsing as DependencyParsing
from .treebank_task import task_of as task_of
