"""Texts with a latent structure: nested expressions, sentences, and texts of which a few words are read."""

from .agreement import Agreement as Agreement
from .dyck import all_words as all_words
from .dyck import drawn_word as drawn_word
from .dyck import is_balanced as is_balanced
from .dyck import log_words as log_words
from .explaining import Explaining as Explaining
from .generator import Split as Split
from .generator import generated as generated
from .listops import NestedExpressions as NestedExpressions
from .parentheses import Parentheses as Parentheses
from .parsing import DependencyParsing as DependencyParsing
from .treebank_task import task_of as task_of
